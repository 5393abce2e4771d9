//! P3: only the endpoint's own word asks for a log-in. Every wrong, odd or hostile answer of the table is given to an
//! account of its own; all accounts are one agent's, at the same time.

mod table;

use std::fs;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use rustix::process::Signal;
use tokio::time::{interval, timeout};

use self::table::{Certificate, Expected, FIRST, Row, SECOND, Server, granting};
use crate::desktop::wire::{answer, grant};
use crate::desktop::{Agent, Authority, Behaviour, Desktop, Keyring, Notifications, System, Wire, eventually, procfs};

/// What the endpoint grants when it is itself again.
const THIRD: (&str, &str) = ("at-canary-3", "rt-canary-3");
/// Seconds. Long enough that nothing is refreshed by itself here, and that no token ends.
const LIFE: u64 = 3600;
/// Two grants lie 30 s apart, and an endpoint that says nothing is left after 30 s.
const BOUND: Duration = Duration::from_secs(150);
/// What hostile answers add to the agent's memory at their worst, in KiB: far less than the longest of them.
const MOST_GROWTH: u64 = 16 << 10;

/// A row at work.
struct Case {
    row: Row,
    /// Where it logged in.
    home: Wire,
    /// Where it is sent instead, if the wrong answer comes from elsewhere.
    abroad: Option<Wire>,
}

impl Case {
    async fn log_in(row: Row, desktop: &Desktop, authority: &Authority) -> Self {
        let home = Wire::start(grant(FIRST.0, FIRST.1, LIFE)).await;
        let arguments = format!("login {} --endpoint {}", row.name, home.endpoint());
        desktop.evertoken_reading("rt-canary-0", &arguments).await.succeeded();
        let good = Behaviour::Says(granting("", ""));
        let abroad = match &row.server {
            Server::Plain(_) | Server::Elsewhere(_) => None,
            Server::Tls(Certificate::None) => Some(Wire::start(Behaviour::SpeaksFirst(granting("", ""))).await),
            Server::Tls(certificate) => Some(Wire::start_with_tls(good, acceptor(authority, *certificate)).await),
        };
        Self { row, home, abroad }
    }

    fn wrong_endpoint(&self) -> String {
        match (&self.row.server, &self.abroad) {
            (Server::Elsewhere(endpoint), _) => (*endpoint).to_owned(),
            (_, Some(abroad)) => abroad.endpoint().replace("http:", "https:"),
            (_, None) => self.home.endpoint(),
        }
    }

    fn goes_wrong(&self) {
        if let Server::Plain(behaviour) = &self.row.server {
            self.home.behave(behaviour.clone());
        }
    }

    fn presented(&self) -> Vec<String> {
        let abroad = self.abroad.as_ref().map(Wire::presented).unwrap_or_default();
        [self.home.presented(), abroad].concat()
    }

    /// Insists on a refresh until there was one, and looks at what comes of it.
    async fn is_refreshed(&self, desktop: &Desktop) -> Vec<String> {
        let before = self.presented().len();
        let call = format!("POST /v1/accounts/{}/refresh", self.row.name);
        let insisting = async {
            let mut pace = interval(Duration::from_secs(1));
            loop {
                pace.tick().await;
                // All ask at once: an agent that is busy with the others may not answer in time.
                let says_no = desktop.api(&call, "{}").await.is_some_and(|answer| answer.status != 200);
                if says_no || self.presented().len() > before {
                    break;
                }
            }
        };
        match timeout(BOUND, insisting).await {
            Ok(()) => self.says_what_happened(desktop).await,
            Err(_) => vec![format!("{}: no refresh in {BOUND:?}", self.row.name)],
        }
    }

    /// What a person and a script are told; one line for each thing that is not as expected.
    async fn says_what_happened(&self, desktop: &Desktop) -> Vec<String> {
        let name = self.row.name;
        let outcome = desktop.evertoken(&format!("refresh {name}")).await;
        let token = desktop.evertoken(&format!("token {name} --min-valid 0s")).await;
        let (code, words, access_token) = match self.row.expected {
            Expected::Fails(words) => (4, [words, "the login is kept"], FIRST.0),
            Expected::RefusesTheClient(words) => (1, [words, "the login is kept"], FIRST.0),
            Expected::AsksForLogin(words) => (3, [words, "evertoken login"], FIRST.0),
            Expected::Renews(..) => (0, ["", ""], SECOND.0),
            Expected::KeepsTheLogin => (4, ["granted no access token that can be used", "the login is kept"], ""),
        };
        let mut wrong = Vec::new();
        if outcome.code != code || !words.iter().all(|words| outcome.stderr.contains(words)) {
            wrong.push(format!("{name}: not {code} with {words:?}, but {} with {}", outcome.code, outcome.stderr));
        }
        if token.stdout.trim_end() != access_token {
            wrong.push(format!("{name}: the access token should be {access_token}: {token:?}"));
        }
        wrong
    }

    /// The endpoint is itself again: the login goes on with the token that counts.
    async fn goes_on(&self, desktop: &Desktop) {
        let name = self.row.name;
        let before = self.home.presented().len();
        self.home.behave(grant(THIRD.0, THIRD.1, LIFE));
        let call = format!("POST /v1/accounts/{name}/refresh");
        let going_on = async {
            let mut pace = interval(Duration::from_secs(1));
            while desktop.token_over_the_socket(name).await.as_deref() != Some(THIRD.0) {
                pace.tick().await;
                desktop.api(&call, "{}").await.unwrap();
            }
        };
        let presented = timeout(BOUND, going_on).await.map(|()| self.home.presented());
        let Ok(presented) = presented else { panic!("{name} does not go on in {BOUND:?}") };
        let expected = match self.row.expected {
            Expected::Fails(_) | Expected::RefusesTheClient(_) | Expected::AsksForLogin(_) => FIRST.1,
            Expected::Renews(_, next) => next,
            Expected::KeepsTheLogin => SECOND.1,
        };
        assert_eq!(presented[before], expected, "{name} presents the token that counts");
    }
}

fn acceptor(authority: &Authority, certificate: Certificate) -> tokio_rustls::TlsAcceptor {
    match certificate {
        Certificate::Good | Certificate::None => authority.certify("127.0.0.1", 2090),
        Certificate::OtherHost => authority.certify("vault.example", 2090),
        Certificate::Expired => authority.certify("127.0.0.1", 2021),
        Certificate::SelfSigned => Authority::self_signed("127.0.0.1"),
    }
}

/// The logins are those of other servers from now on, in the keychain and in `config.toml`; the agent has seen it.
async fn set_endpoints(desktop: &Desktop, agent: &Agent, pairs: &[(String, String)]) {
    let file = desktop.environment.configuration();
    let mut text = fs::read_to_string(&file).unwrap();
    Keyring::move_logins(desktop, pairs).await;
    for (old, new) in pairs {
        text = text.replace(&format!("\"{old}\""), &format!("\"{new}\""));
    }
    fs::write(&file, text).unwrap();
    procfs::signal(agent.pid(), Signal::HUP);
    eventually("the agent knows the new endpoints", async || {
        let status = desktop.status().await.0.to_string();
        pairs.iter().all(|(_, new)| status.contains(&format!("\"{new}\""))).then_some(())
    })
    .await;
}

fn packed(desktop: &Desktop, script: &str) -> Vec<u8> {
    let mut command = desktop.environment.command("sh");
    let output = command.args(["-c", script]).stdout(std::process::Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{script}");
    output.stdout
}

/// The most memory that a process ever had resident, in KiB.
fn peak_memory(pid: procfs::Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Nobody is asked to log in who is not meant, and the access tokens from before are still there.
async fn tell_the_truth(cases: &[Case], desktop: &Desktop, notifications: &Notifications) {
    let status = desktop.status().await;
    let mut asked = Vec::new();
    for Case { row: Row { name, expected, .. }, .. } in cases {
        let account = status.account(name);
        let state = status.state(name);
        match expected {
            Expected::Fails(_) | Expected::RefusesTheClient(_) => {
                assert!(matches!(state, "retrying" | "refreshing"), "{account:#}");
            }
            Expected::Renews(seconds, _) => {
                assert_eq!(state, "valid", "{account:#}");
                let left = status.expires_in(name);
                assert!((seconds - 140..=*seconds).contains(&left), "{name} should last {seconds} s: {left}");
            }
            Expected::KeepsTheLogin => assert!(matches!(state, "expired" | "refreshing"), "{account:#}"),
            Expected::AsksForLogin(_) => {
                assert_eq!(state, "login-soon", "{account:#}");
                asked.push(*name);
            }
        }
        assert_eq!(account["login"]["required_since"].is_string(), asked.contains(name), "{account:#}");
    }
    for _ in &asked {
        notifications.shown("Log in to 127.0.0.1 again").await;
    }
    let mut told: Vec<_> = notifications.all().into_iter().map(|one| (one.summary, one.body)).collect();
    told.retain(|(summary, body)| {
        let meant = asked.iter().any(|name| body.starts_with(&format!("{name}: ")));
        !(meant && summary == "Log in to 127.0.0.1 again")
    });
    assert!(told.is_empty(), "these notifications should not be there: {told:#?}");
    assert_eq!(notifications.all().len(), asked.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_no_wrong_odd_or_hostile_answer_asks_for_a_log_in_or_loses_one() {
    let mut desktop = Desktop::without_screen().await;
    let system = System::start(&mut desktop).await;
    let authority = Authority::trusted_by(&mut desktop);
    let notifications = Notifications::arrive(&desktop.bus).await;
    let _keyring = Keyring::start(&desktop).await;
    let agent = Agent::start(&desktop).await;
    let trap = Wire::start(Behaviour::Says(granting("", ""))).await;
    let gzipped = packed(&desktop, r#"printf '{"access_token":"at-canary-2","refresh_token":"rt-canary-2"}' | gzip"#);
    let gzip_bomb = packed(&desktop, "head -c 100M /dev/zero | gzip");
    let rows = table::rows(&trap.endpoint(), gzipped, gzip_bomb);
    assert!(rows.len() >= 40, "only {} rows", rows.len());
    let logins = stream::iter(rows).map(|row| Case::log_in(row, &desktop, &authority));
    let cases: Vec<_> = logins.buffered(8).collect().await;

    let calm = peak_memory(agent.pid());
    let abroad: Vec<_> = cases.iter().map(|case| (case.home.endpoint(), case.wrong_endpoint())).collect();
    set_endpoints(&desktop, &agent, &abroad).await;
    cases.iter().for_each(Case::goes_wrong);
    let wrong = join_all(cases.iter().map(|case| case.is_refreshed(&desktop))).await.concat();
    assert!(wrong.is_empty(), "{wrong:#?}");

    tell_the_truth(&cases, &desktop, &notifications).await;
    assert_eq!(trap.connections(), 0, "a redirect was followed");
    let sent: Vec<_> = cases.iter().flat_map(|case| case.home.requests()).collect();
    let asks_for_json = |request: &String| request.to_ascii_lowercase().contains("\r\naccept: application/json\r\n");
    assert!(!sent.is_empty() && sent.iter().all(asks_for_json), "a request does not say that it takes JSON");
    let unheard =
        cases.iter().filter(|case| matches!(case.row.expected, Expected::Fails(_) | Expected::RefusesTheClient(_)));
    let foreign: Vec<_> = unheard.filter_map(|case| case.abroad.as_ref()).flat_map(Wire::requests).collect();
    assert!(foreign.is_empty(), "sent to a server that could not prove itself: {foreign:#?}");

    let home: Vec<_> = abroad.into_iter().map(|(home, abroad)| (abroad, home)).collect();
    set_endpoints(&desktop, &agent, &home).await;
    let network = async {
        let mut pace = interval(Duration::from_secs(1));
        loop {
            pace.tick().await;
            system.lose_and_find_network().await;
        }
    };
    tokio::select! {
        _ = join_all(cases.iter().map(|case| case.goes_on(&desktop))) => {}
        () = network => {}
    }

    notifications.gone().await;
    let status = desktop.status().await;
    assert!(cases.iter().all(|case| status.state(case.row.name) == "valid"), "{:#}", status.0);
    let growth = peak_memory(agent.pid()) - calm;
    assert!(growth < MOST_GROWTH, "the agent took {calm} KiB and then grew by {growth} KiB");
    assert!(!agent.log().contains("canary"), "a token is in the log");
    for (file, bytes) in desktop.environment.files() {
        let leaked = bytes.windows(6).any(|window| window == b"canary");
        assert!(!leaked, "a token is in {}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_wants_a_password_and_one_that_refuses_are_named_and_get_no_token() {
    for (status, words) in [
        ("407 Proxy Authentication Required", "a proxy before the endpoint wants a user name and a password"),
        ("403 Forbidden", "the proxy before the endpoint does not connect to it"),
    ] {
        let mut desktop = Desktop::without_screen().await;
        let page = "<html>Blocked by your company</html>";
        let proxy = Wire::start(Behaviour::Says(answer(status, "Content-Type: text/html\r\n", page))).await;
        desktop.environment.set("https_proxy", &proxy.url(""));
        let _keyring = Keyring::start(&desktop).await;
        let _agent = Agent::start(&desktop).await;
        let login = "login default --endpoint https://vault.example/token";
        let said = desktop.evertoken_reading("rt-canary-0", login).await;
        assert!(said.failed(4).contains(words) && said.stderr.contains("nothing was changed"), "{said:?}");
        let asked = proxy.requests().concat();
        assert!(asked.starts_with("CONNECT vault.example:443 ") && !asked.contains("canary"), "{asked}");
    }
}
