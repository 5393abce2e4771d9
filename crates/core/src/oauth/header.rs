//! Extra headers of the token request, such as `X-Merchant-ID`.

/// Why a header cannot be sent with the token request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeader {
    /// Not `Name: value` with the characters of RFC 9110 section 5.
    #[error("{0:?} is not a header: write it as 'Name: value'")]
    Malformed(String),
    /// A header that could change what is asked, how it is answered, or where it goes.
    #[error("the header {0} could change what the request asks or where its secrets go: leave it out")]
    Reserved(String),
}

/// Headers by which a server, a proxy or a framework between them decides what a request is, whose it is, where it goes,
/// and in which form its answer comes. Evertoken sets those that it needs itself.
const RESERVED: &[&str] = &[
    // Framing and connection (RFC 9112, RFC 9110 section 7.6, RFC 8441).
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "http2-settings",
    "expect",
    "host",
    "date",
    "early-data",
    "alt-used",
    "max-forwards",
    // Conditions and caches: an answer other than the one to this request.
    "range",
    "cache-control",
    "pragma",
    "prefer",
    // Form of the answer.
    "a-im",
    "negotiate",
    "want-digest",
    "want-content-digest",
    "want-repr-digest",
    // Who asks.
    "authorization",
    "authentication-info",
    "cookie",
    "cookie2",
    "from",
    "origin",
    "referer",
    "dpop",
    "signature",
    "signature-input",
    "digest",
    // Where it goes, and whence.
    "forwarded",
    "via",
    "location",
    "destination",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "client-ip",
    "x-host",
    "x-http-host-override",
    "x-remote-user",
    "x-remote-addr",
    "remote-user",
    "remote-addr",
    // Other methods and paths than those that were asked (frameworks).
    "x-method",
    "x-method-override",
    "x-path-info",
    "front-end-https",
];
/// The same for whole families of headers.
const RESERVED_FAMILIES: &[&str] = &[
    "accept",
    "access-control-",
    "cf-connecting",
    "client-cert",
    "content-",
    "if-",
    "proxy-",
    "sec-",
    "transfer-",
    "x-forward",
    "x-http-",
    "x-method-",
    "x-original-",
    "x-override-",
    "x-proxy-",
    "x-rewrite-",
    "x-ssl-",
    "x-url-",
];

/// Longest part of a bad name that an error repeats, in characters.
const SHOWN: usize = 64;

/// Checks one extra request header.
///
/// # Errors
/// [`InvalidHeader`] when name or value may not stand in a request, or when the header is more than an addition to it.
pub fn check_header(name: &str, value: &str) -> Result<(), InvalidHeader> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let visible = |c: char| c == '\t' || (' '..='~').contains(&c);
    if name.is_empty() || !name.chars().all(token) || !value.chars().all(visible) {
        return Err(InvalidHeader::Malformed(name.chars().take(SHOWN).collect()));
    }
    if is_reserved(name) {
        return Err(InvalidHeader::Reserved(name.chars().take(SHOWN).collect()));
    }
    Ok(())
}

fn is_reserved(name: &str) -> bool {
    // Gateways in the manner of CGI make no difference between X_Forwarded_For and X-Forwarded-For (RFC 3875 section 4.1.18).
    let name = name.to_ascii_lowercase().replace('_', "-");
    RESERVED.contains(&name.as_str()) || RESERVED_FAMILIES.iter().any(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_cannot_smuggle_a_second_request() {
        assert!(check_header("X", "a\r\nHost: b").is_err());
        assert!(check_header("X Y", "a").is_err());
        assert!(check_header("", "a").is_err());
        assert!(check_header("X:", "a").is_err());
        assert!(check_header("X", "\u{7f}").is_err());
    }

    #[test]
    fn what_a_server_asks_for_beside_the_standard_can_be_sent() {
        for name in [
            "X-Merchant-ID",
            "X-API-Key",
            "Api-Key",
            "apikey",
            "Ocp-Apim-Subscription-Key",
            "X-Client-ID",
            "X-Tenant",
            "Tenant-ID",
            "X-Request-ID",
            "X-Correlation-ID",
            "traceparent",
            "DD-API-KEY",
            "X-Amz-Meta",
            "Version",
            "Notion-Version",
            "Idempotency-Key",
            "User-Agent",
        ] {
            assert_eq!(check_header(name, "1234"), Ok(()), "{name}");
        }
    }

    #[test]
    fn no_header_changes_what_is_asked_how_it_is_answered_or_where_secrets_go() {
        for name in [
            "Host",
            "Accept",
            "Accept-Encoding",
            "Accept-Language",
            "Range",
            "If-Match",
            "If-None-Match",
            "If-Modified-Since",
            "If-Range",
            "Content-Type",
            "Content-Length",
            "Content-Encoding",
            "Transfer-Encoding",
            "TE",
            "Trailer",
            "Upgrade",
            "Expect",
            "Connection",
            "Keep-Alive",
            "Proxy-Authorization",
            "Proxy-Connection",
            "Authorization",
            "Cookie",
            "Forwarded",
            "Via",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-HTTP-Method",
            "X-HTTP-Method-Override",
            "X-Method-Override",
            "X-Original-URL",
            "X-Original-Host",
            "X-Rewrite-URL",
            "Sec-Fetch-Site",
            "Sec-WebSocket-Key",
            "Origin",
            "Referer",
            "Cache-Control",
            "Pragma",
            "Max-Forwards",
            "HTTP2-Settings",
            "X-Real-IP",
            "DPoP",
            "X-SSL-Client-Cert",
            "Client-Cert",
        ] {
            for name in [name.to_owned(), name.to_ascii_uppercase(), name.replace('-', "_")] {
                assert_eq!(check_header(&name, "x"), Err(InvalidHeader::Reserved(name.clone())), "{name}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_reserved_family_is_refused_whatever_comes_after_it(
            family in prop::sample::select(RESERVED_FAMILIES),
            rest in "[A-Za-z0-9-]{0,20}",
        ) {
            let name = format!("{family}{rest}");
            prop_assert!(check_header(&name, "x").is_err());
        }
    }
}
