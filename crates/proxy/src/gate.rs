//! Who is let in: programs that hold the run's token, or that may open the socket. No web page, whatever it holds.

use std::net::IpAddr;

use hyper::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN, PROXY_AUTHORIZATION};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Version};

use crate::bearer::RunToken;
use crate::refusal::Refusal;

/// What browsers add to requests and no page can leave out: to all that may change something (Fetch standard), and to
/// all that go to loopback (Fetch Metadata).
const FROM_BROWSERS: [HeaderName; 2] = [ORIGIN, HeaderName::from_static("sec-fetch-site")];

/// How clients reach this proxy, and what they have to show.
#[derive(Debug)]
pub(crate) enum Gate {
    /// Every program of this machine can connect.
    Tcp { address: IpAddr, token: RunToken },
    /// The socket's permissions and the kernel's word for the peer let this user in alone.
    Unix,
}

impl Gate {
    /// Lets a request pass, or says why not.
    pub(crate) fn check(&self, request: &Parts) -> Result<(), Refusal> {
        let headers = &request.headers;
        if FROM_BROWSERS.iter().any(|name| headers.contains_key(name)) {
            return Err(Refusal::from_web_page());
        }
        if [Method::CONNECT, Method::TRACE].contains(&request.method) {
            return Err(Refusal::method());
        }
        let as_proxy = request.uri.authority().is_some();
        self.check_host(headers, request.version, as_proxy)?;
        match self {
            Self::Tcp { token, .. } if !shows(headers, token) => Err(Refusal::unauthenticated(as_proxy)),
            Self::Tcp { .. } | Self::Unix => Ok(()),
        }
    }

    /// A page whose host name was made to mean this machine (DNS rebinding) says that name. A client that uses us as a
    /// proxy says its target's name, which does not count (RFC 9112 section 3.2.2); no page can make a browser do so.
    fn check_host(&self, headers: &HeaderMap, version: Version, as_proxy: bool) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(_), Some(_)) => Err(Refusal::malformed("The request has several Host fields.")),
            (None, _) if version == Version::HTTP_11 => Err(Refusal::malformed("The request has no Host field.")),
            (None, _) => Ok(()),
            (Some(_), None) if as_proxy => Ok(()),
            (Some(host), None) => match host.to_str().is_ok_and(|host| self.is_own_name(host)) {
                true => Ok(()),
                false => Err(Refusal::from_web_page()),
            },
        }
    }

    /// Any port: somebody may have forwarded one.
    fn is_own_name(&self, host: &str) -> bool {
        let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
        let is_address = match self {
            Self::Tcp { address: IpAddr::V6(address), .. } => name == format!("[{address}]"),
            Self::Tcp { address: IpAddr::V4(address), .. } => name == address.to_string(),
            Self::Unix => name.is_empty() || name.eq_ignore_ascii_case("evertoken"),
        };
        is_address || name.eq_ignore_ascii_case("localhost")
    }
}

fn shows(headers: &HeaderMap, token: &RunToken) -> bool {
    let credentials = [AUTHORIZATION, PROXY_AUTHORIZATION];
    credentials.iter().flat_map(|name| headers.get_all(name)).any(|value| token.is_shown_by(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use hyper::Request;

    use super::*;

    fn status(gate: &Gate, request: &[(&str, &str)], target: &str) -> u16 {
        let mut builder = Request::builder().uri(target);
        for (name, value) in request {
            builder = builder.header(*name, *value);
        }
        let (parts, ()) = builder.body(()).unwrap().into_parts();
        gate.check(&parts).map_or_else(|refusal| refusal.status(), |()| 200)
    }

    #[test]
    fn the_runs_token_lets_in_and_nothing_else_does() {
        let token = RunToken::random().unwrap();
        let good = format!("Bearer {}", token.expose());
        let gate = Gate::Tcp { address: "127.0.0.1".parse().unwrap(), token };
        let ask =
            |name: &str, value: &str, target: &str| status(&gate, &[("host", "127.0.0.1:1"), (name, value)], target);
        assert_eq!(ask("authorization", &good, "/"), 200);
        assert_eq!(ask("proxy-authorization", &good, "/"), 200);
        assert_eq!(ask("authorization", "Bearer x", "/"), 401);
        assert_eq!(ask("x", "y", "/"), 401);
        assert_eq!(ask("x", "y", "https://api.vault.ist/"), 407);
    }

    #[test]
    fn no_web_page_gets_in_even_with_the_token() {
        let token = RunToken::random().unwrap();
        let good = format!("Bearer {}", token.expose());
        let gate = Gate::Tcp { address: "::1".parse().unwrap(), token };
        let ask = |host: &str, name: &str, value: &str| {
            status(&gate, &[("authorization", &good), ("host", host), (name, value)], "/")
        };
        for own in ["[::1]:4000", "[::1]", "localhost:4000", "LOCALHOST"] {
            assert_eq!(ask(own, "x", "y"), 200, "{own}");
        }
        for foreign in ["evil.example", "127.0.0.1:4000", "localhost.evil.example", "x@localhost", "", "::1"] {
            assert_eq!(ask(foreign, "x", "y"), 403, "{foreign}");
        }
        assert_eq!(ask("[::1]", "origin", "https://evil.example"), 403);
        assert_eq!(ask("[::1]", "origin", "null"), 403);
        assert_eq!(ask("[::1]", "sec-fetch-site", "cross-site"), 403);
        assert_eq!(ask("[::1]", "host", "[::1]"), 400, "two hosts");
    }

    #[test]
    fn on_the_socket_nothing_is_to_be_shown() {
        assert_eq!(status(&Gate::Unix, &[("host", "localhost")], "/"), 200);
        assert_eq!(status(&Gate::Unix, &[("host", "evil.example")], "/"), 403);
        assert_eq!(status(&Gate::Unix, &[], "/"), 400);
    }
}
