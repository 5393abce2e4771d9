//! Extra headers of the token request, such as `X-Merchant-ID`.

/// Why a header cannot be sent with the token request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeader {
    /// Not `Name: value` with the characters of RFC 9110 section 5.
    #[error("{0:?} is not a header: write it as 'Name: value'")]
    Malformed(String),
    /// A header that Evertoken sets itself.
    #[error("the header {0} is set by Evertoken itself: leave it out")]
    Reserved(String),
}

/// Headers that belong to the request itself; the account must not change them.
const RESERVED: [&str; 6] =
    ["content-type", "content-length", "host", "transfer-encoding", "connection", "authorization"];

/// Longest part of a bad name that an error repeats, in characters.
const SHOWN: usize = 64;

/// Checks one extra request header.
///
/// # Errors
/// [`InvalidHeader`] when name or value may not stand in a request, or when the header is Evertoken's own.
pub fn check_header(name: &str, value: &str) -> Result<(), InvalidHeader> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let visible = |c: char| c == '\t' || (' '..='~').contains(&c);
    if name.is_empty() || !name.chars().all(token) || !value.chars().all(visible) {
        return Err(InvalidHeader::Malformed(name.chars().take(SHOWN).collect()));
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(InvalidHeader::Reserved(name.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_cannot_smuggle_a_second_request() {
        assert!(check_header("X-Merchant-ID", "1234").is_ok());
        assert!(check_header("X", "a\r\nHost: b").is_err());
        assert!(check_header("X Y", "a").is_err());
        assert!(check_header("Content-Type", "text/plain").is_err());
    }
}
