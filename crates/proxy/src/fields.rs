//! Header fields that are for one connection only, and those that this proxy sets itself.

use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};

/// RFC 9110 section 7.6.1, and `Trailer`: trailer fields are dropped, as section 6.5.1 lets an intermediary do.
const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// Of a request, beside these: what is the proxy's own. The expectation of a 100 was met when the body was read; the
/// length is written anew from the body itself.
const REPLACED: [HeaderName; 5] = [AUTHORIZATION, PROXY_AUTHORIZATION, HOST, EXPECT, CONTENT_LENGTH];
/// The name of this hop (RFC 9110 section 7.6.3): a pseudonym, nobody's host name.
const VIA_US: HeaderValue = HeaderValue::from_static("1.1 evertoken");
const WEBSOCKET: &str = "websocket";

/// Leaves what goes from end to end.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> =
        words(headers, &CONNECTION).filter_map(|name| name.to_ascii_lowercase().parse().ok()).collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Makes a client's fields fit for the upstream server; whoever sends them adds `Authorization` and `Host`.
pub(crate) fn for_upstream(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    for name in &REPLACED {
        headers.remove(name);
    }
    headers.append(VIA, VIA_US);
}

/// Asks for, or grants, the change to WebSocket (RFC 6455 section 4) on the next hop.
pub(crate) fn set_websocket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
}

/// Is the change to WebSocket asked for or granted? Any other protocol is not passed on: `h2c` would let requests
/// through that nobody looks at.
pub(crate) fn has_websocket(headers: &HeaderMap) -> bool {
    words(headers, &CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"))
        && words(headers, &UPGRADE).any(|word| word.eq_ignore_ascii_case(WEBSOCKET))
}

/// The members of a field that is a list (RFC 9110 section 5.6.1).
fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn what_is_for_one_connection_goes_no_further() {
        let mut given = headers(&[
            ("connection", "close, X-One"),
            ("connection", "x-two"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("trailer", "x-sum"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("x-three", "3"),
        ]);
        remove_hop_by_hop(&mut given);
        assert_eq!(given, headers(&[("x-three", "3")]));
    }

    #[test]
    fn a_client_cannot_keep_its_own_credentials_or_host() {
        let mut given = headers(&[
            ("connection", "host"),
            ("authorization", "Bearer mine"),
            ("authorization", "Basic mine"),
            ("proxy-authorization", "Bearer mine"),
            ("host", "evil.example"),
            ("content-length", "3"),
            ("expect", "100-continue"),
            ("accept", "*/*"),
        ]);
        for_upstream(&mut given);
        assert_eq!(given, headers(&[("accept", "*/*"), ("via", "1.1 evertoken")]));
    }

    #[test]
    fn only_websocket_is_a_change_of_protocol() {
        assert!(has_websocket(&headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")])));
        assert!(!has_websocket(&headers(&[("connection", "upgrade, http2-settings"), ("upgrade", "h2c")])));
        assert!(!has_websocket(&headers(&[("connection", "close"), ("upgrade", "websocket")])));
    }
}
