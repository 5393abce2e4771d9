use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use evertoken_core::oauth::endpoint::Endpoint;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Finding, Surroundings};

const CHECK: &str = "proxy";
/// A proxy is near; a person waits for the answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
const RESTART: &str = "and restart the agent";

/// The variables that choose a proxy, each with the name under which it was found.
#[derive(Debug, Default)]
struct Variables {
    https: Option<(&'static str, String)>,
    all: Option<(&'static str, String)>,
    http: Option<(&'static str, String)>,
    no: Option<(&'static str, String)>,
}

/// How endpoints that are not on this machine are asked.
#[derive(Debug)]
enum Way {
    /// There is no more to look at.
    Known(Finding),
    /// Through this proxy, if somebody is there.
    Through { hosts: String, name: &'static str, is_tls: bool, proxy: String },
}

pub(super) async fn look(surroundings: &Surroundings, endpoints: &[Endpoint]) -> Finding {
    let first =
        |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, surroundings.variable(name)?)));
    let variables = Variables {
        https: first(["HTTPS_PROXY", "https_proxy"]),
        all: first(["ALL_PROXY", "all_proxy"]),
        http: first(["HTTP_PROXY", "http_proxy"]),
        no: first(["NO_PROXY", "no_proxy"]),
    };
    match way(&variables, endpoints) {
        Way::Known(finding) => finding,
        Way::Through { hosts, name, is_tls, proxy } => {
            let met = meet(&proxy, if is_tls { 443 } else { 80 }).await;
            through(&hosts, name, &proxy, met)
        }
    }
}

/// Does somebody take connections there? Nothing is sent.
async fn meet(proxy: &str, usual_port: u16) -> Result<(), io::ErrorKind> {
    let named_port = proxy.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = named_port.unwrap_or((proxy, usual_port));
    let connected = timeout(ANSWERS_WITHIN, connect(host.trim_matches(['[', ']']), port)).await;
    connected.map_err(|_elapsed| io::ErrorKind::TimedOut)?.map(drop).map_err(|error| error.kind())
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = evertoken_proxy::addresses(host).await?;
    let addresses: Vec<SocketAddr> = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    TcpStream::connect(addresses.as_slice()).await
}

fn through(hosts: &str, name: &str, proxy: &str, met: Result<(), io::ErrorKind>) -> Finding {
    match met {
        Ok(()) => Finding::ok(CHECK, format!("{hosts} is asked through {proxy} ({name}).")),
        Err(kind) => Finding::fail(
            CHECK,
            format!("{name} names {proxy}, where no proxy answers: {}.", reason(kind)),
            format!("Start that proxy, or correct or unset {name}, {RESTART}."),
        ),
    }
}

/// The system's word for a name that cannot be resolved is no word at all.
fn reason(kind: io::ErrorKind) -> String {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
    let is_telling = [ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut].contains(&kind);
    if is_telling { kind.to_string() } else { "its name cannot be resolved".to_owned() }
}

fn way(variables: &Variables, endpoints: &[Endpoint]) -> Way {
    let mut hosts: Vec<&str> =
        endpoints.iter().filter(|endpoint| !endpoint.is_loopback()).map(Endpoint::host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    if hosts.is_empty() {
        return Way::Known(Finding::ok(CHECK, "Not needed: every endpoint is on this machine."));
    }
    if let Some((name, list)) = &variables.no {
        let through: Vec<&str> = hosts.iter().copied().filter(|host| !is_excepted(host, list)).collect();
        if through.is_empty() {
            return Way::Known(Finding::ok(CHECK, format!("{} is asked directly ({name}).", hosts.join(", "))));
        }
        hosts = through;
    }
    let hosts = hosts.join(", ");
    let Some((name, value)) = variables.https.as_ref().or(variables.all.as_ref()) else {
        return Way::Known(match &variables.http {
            None => Finding::ok(CHECK, format!("None is set: {hosts} is asked directly.")),
            Some((name, _)) => Finding::warn(
                CHECK,
                format!("{name} is set, which is for http only; {hosts} is asked directly."),
                format!("If the network needs the proxy, set https_proxy as well, {RESTART}."),
            ),
        });
    };
    Way::Known(match proxy(value) {
        Some((scheme @ ("http" | "https"), proxy)) => {
            return Way::Through { hosts, name, is_tls: scheme == "https", proxy: proxy.to_owned() };
        }
        Some((scheme, _)) => Finding::fail(
            CHECK,
            format!("{name} names a {scheme} proxy, which Evertoken cannot use."),
            format!("Name an http proxy in https_proxy, or {hosts} in no_proxy, {RESTART}."),
        ),
        None => Finding::fail(
            CHECK,
            format!("{name} is set and names no proxy."),
            format!("Write it as http://HOST:PORT or unset it, {RESTART}."),
        ),
    })
}

/// Scheme and host of a proxy.
fn proxy(value: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = value.trim().split_once("://").unwrap_or(("http", value.trim()));
    let authority = rest.split(['/', '?', '#']).next()?;
    let is_host = !authority.is_empty() && !authority.starts_with(':') && !authority.contains(char::is_whitespace);
    is_host.then_some((scheme, authority))
}

/// Is a host in a `no_proxy` list: `*`, itself, or below a domain of it?
fn is_excepted(host: &str, list: &str) -> bool {
    list.split(',').map(|entry| entry.trim().trim_start_matches('.')).filter(|entry| !entry.is_empty()).any(|entry| {
        entry == "*"
            || host.eq_ignore_ascii_case(entry)
            || host.to_ascii_lowercase().ends_with(&format!(".{}", entry.to_ascii_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::super::Verdict;
    use super::*;

    fn found(variables: &Variables) -> Finding {
        let endpoints = ["https://api.vault.ist/x".parse().unwrap(), "http://127.0.0.1:1/x".parse().unwrap()];
        match way(variables, &endpoints) {
            Way::Known(finding) => finding,
            Way::Through { hosts, name, proxy, .. } => through(&hosts, name, &proxy, Ok(())),
        }
    }

    fn set(name: &'static str, value: &str) -> Option<(&'static str, String)> {
        Some((name, value.to_owned()))
    }

    #[test]
    fn a_proxy_for_http_alone_is_noticed() {
        let finding = found(&Variables { http: set("http_proxy", "http://proxy:3128"), ..Variables::default() });
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.cure.unwrap().contains("https_proxy"));
    }

    #[tokio::test]
    async fn a_proxy_that_is_not_there_is_named() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (name, value) = ("https_proxy", format!("http://{free}"));
        let variables = Variables { https: set(name, &value), ..Variables::default() };
        let Way::Through { proxy, .. } = way(&variables, &["https://api.vault.ist/x".parse().unwrap()]) else {
            panic!("it is to be tried")
        };
        let finding = through("api.vault.ist", name, &proxy, meet(&proxy, 80).await);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.what.contains(&format!("names {free}")), "{finding:?}");
    }

    #[test]
    fn what_cannot_be_used_fails_and_what_is_excepted_does_not_matter() {
        let with = |value: &str, no| Variables { all: set("ALL_PROXY", value), no, ..Variables::default() };
        assert_eq!(found(&with("http://proxy:3128", None)).verdict, Verdict::Ok);
        assert_eq!(found(&with("socks5://proxy", None)).verdict, Verdict::Fail);
        assert_eq!(found(&with("http://", None)).verdict, Verdict::Fail);
        assert_eq!(found(&with("socks5://proxy", set("NO_PROXY", "localhost, .vault.ist"))).verdict, Verdict::Ok);
        assert_eq!(found(&with("socks5://proxy", set("NO_PROXY", "vault.istanbul"))).verdict, Verdict::Fail);
    }
}
