//! The problems that the client itself sees: the agent that is not there, does not answer, or is another version.

use std::io;
use std::path::Path;
use std::time::Duration;

use evertoken_core::api::problem::{Problem, ProblemKind};
use hyper::HeaderMap;
use hyper::header::SERVER;

/// How a person ends an agent; the next command starts another.
const RESTART: &str = "Restart it: choose Quit in its tray menu, or end the process evertoken-agent, then try again.";

fn unavailable(detail: impl Into<String>, advice: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::AgentUnavailable, detail, advice)
}

/// Does this error mean that no agent runs, so that one may be started?
pub(crate) fn nobody_listens(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

pub(crate) fn unreachable(socket: &Path, error: &io::Error) -> Problem {
    let socket = socket.display();
    if nobody_listens(error) {
        unavailable(
            format!("No agent listens on {socket}."),
            "Run the command again, or start the agent: evertoken agent.",
        )
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        unavailable(
            format!("The agent's socket {socket} belongs to somebody else, so nothing was sent to it."),
            "Run this as the user who runs the agent, and check EVERTOKEN_SOCKET and XDG_RUNTIME_DIR.",
        )
    } else {
        unavailable(format!("The agent's socket {socket} cannot be used: {error}."), "Check EVERTOKEN_SOCKET.")
    }
}

/// Nobody listens, and no agent may be started.
pub(crate) fn not_to_be_started(socket: &Path, error: &io::Error) -> Problem {
    let socket = socket.display();
    let reason = if error.kind() == io::ErrorKind::ConnectionRefused {
        format!("Nobody listens on {socket} any more: it was left behind, as by a connection of ssh that ended")
    } else {
        format!("There is no socket {socket}")
    };
    unavailable(
        format!("{reason}; EVERTOKEN_START=never or a missing HOME keeps this command from starting an agent."),
        "Connect again; for ssh -R set StreamLocalBindUnlink yes in sshd_config, so that a left socket is replaced.",
    )
}

pub(crate) fn another_version() -> Problem {
    unavailable("The running agent is another version of Evertoken; your login is untouched.", RESTART)
}

/// [`another_version`] with the version that the agent's `Server` header tells; every other problem as it is.
pub(crate) fn with_version(problem: Problem, headers: &HeaderMap) -> Problem {
    const OWN: &str = env!("CARGO_PKG_VERSION");
    let server = headers.get(SERVER).and_then(|value| value.to_str().ok());
    let Some(agent) = server.and_then(|server| server.strip_prefix("evertoken/")) else { return problem };
    if agent == OWN || problem != another_version() {
        return problem;
    }
    let detail = format!(
        "The running agent is Evertoken {agent}, and this program is Evertoken {OWN}; your login is untouched."
    );
    unavailable(detail, RESTART)
}

pub(crate) fn broke_off() -> Problem {
    unavailable(
        "The agent ended before it answered.",
        "Run evertoken status: it starts the agent again and tells how things are.",
    )
}

pub(crate) fn no_answer(after: Duration) -> Problem {
    unavailable(format!("The agent has not answered for {} s.", after.as_secs()), RESTART)
}

pub(crate) fn not_installed() -> Problem {
    unavailable(
        "The program evertoken-agent is neither beside evertoken nor on the PATH.",
        "Install it beside evertoken.",
    )
}

pub(crate) fn not_started(reason: &str, log: &Path) -> Problem {
    unavailable(
        format!("The agent could not be started: {}.", reason.trim_end_matches('.')),
        format!("Fix that and try again; see {} for details.", log.display()),
    )
}

pub(crate) fn no_log(error: &io::Error, log: &Path) -> Problem {
    unavailable(
        format!("The agent could not be started, because its log {} cannot be opened: {error}.", log.display()),
        "Fix that and try again; your login is untouched.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn both_versions_are_named_when_the_agent_says_its_own() {
        let from = |server| HeaderMap::from_iter([(SERVER, HeaderValue::from_static(server))]);
        let problem = with_version(another_version(), &from("evertoken/9.9.9"));
        assert!(problem.detail.contains("9.9.9") && problem.detail.contains(env!("CARGO_PKG_VERSION")), "{problem}");
        assert_eq!(with_version(another_version(), &from("nginx")), another_version());
        let same = from(concat!("evertoken/", env!("CARGO_PKG_VERSION")));
        assert_eq!(with_version(another_version(), &same), another_version());
        assert_eq!(with_version(broke_off(), &from("evertoken/9.9.9")), broke_off());
    }
}
