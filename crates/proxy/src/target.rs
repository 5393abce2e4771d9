//! Where a request goes (RFC 9112 section 3.2).

use hyper::Uri;
use hyper::http::uri::Parts;

use crate::origin::Origin;
use crate::refusal::Refusal;

/// The origin that a target means: the one that an absolute target names, if it is allowed; else the first.
pub(crate) fn origin<'a>(allowed: &'a [Origin], target: &Uri) -> Result<&'a Origin, Refusal> {
    let meant = match (target.scheme(), target.authority()) {
        (Some(scheme), Some(authority)) => allowed.iter().find(|origin| origin.is_named_by(scheme, authority.as_str())),
        (None, None) if target.path().starts_with('/') => allowed.first(),
        (None, None) => return Err(Refusal::malformed("The request's target is neither a path nor a URL.")),
        (_, _) => None,
    };
    meant.ok_or_else(|| {
        let names: Vec<_> = allowed.iter().map(ToString::to_string).collect();
        Refusal::origin(&names.join(", "))
    })
}

/// The same path and query at this origin, character by character.
pub(crate) fn at(origin: &Origin, target: &Uri) -> Option<Uri> {
    let mut parts = Parts::default();
    parts.scheme = Some(origin.scheme().clone());
    parts.authority = Some(origin.authority().clone());
    parts.path_and_query = Some(target.path_and_query()?.clone());
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn sent_to(target: &str) -> Result<String, u16> {
        let allowed: Vec<Origin> =
            ["https://api.vault.ist", "http://127.0.0.1:8787"].map(|o| o.parse().unwrap()).into();
        let target: Uri = target.parse().unwrap();
        let origin = origin(&allowed, &target).map_err(|refusal| refusal.status())?;
        Ok(at(origin, &target).unwrap().to_string())
    }

    #[test]
    fn a_path_goes_to_the_first_origin_as_it_is() {
        for target in
            ["/", "/v2.0/x?a=b%20c&d", "/../a//b/./%2e%2e/", "//evil.example/x", "/@evil.example", "/https://x"]
        {
            assert_eq!(sent_to(target), Ok(format!("https://api.vault.ist{target}")));
        }
    }

    #[test]
    fn a_url_goes_where_it_says_or_nowhere() {
        assert_eq!(sent_to("http://127.0.0.1:8787/x"), Ok("http://127.0.0.1:8787/x".to_owned()));
        assert_eq!(sent_to("https://API.vault.ist:443"), Ok("https://api.vault.ist/".to_owned()));
        for foreign in
            ["https://evil.example/", "http://api.vault.ist/", "http://127.0.0.1:8788/", "ws://api.vault.ist/"]
        {
            assert_eq!(sent_to(foreign), Err(403), "{foreign}");
        }
        assert_eq!(sent_to("https://x@api.vault.ist/"), Err(403));
        assert_eq!(sent_to("api.vault.ist:443"), Err(403));
        assert_eq!(sent_to("*"), Err(400));
    }
}
