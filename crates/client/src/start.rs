use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use evertoken_core::api::problem::Problem;
use evertoken_core::config::paths::Paths;
use tokio::sync::oneshot;

use crate::Client;
use crate::background::{self, Log};
use crate::environment;
use crate::unavailable::{no_log, nobody_listens, not_installed, not_started, not_to_be_started, unreachable};

/// What the agent prints when its socket listens.
const READY: &str = "ready";
/// An agent is ready in a few milliseconds. On a machine that just started, a virus scanner or a slow disk takes seconds;
/// an agent that cannot start says so at once.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// When ours ended because another agent was first, that one listens within this: 10 times 30 ms.
const OTHER_AGENT_TRIES: u32 = 10;
const OTHER_AGENT_WAIT: Duration = Duration::from_millis(30);
/// How an agent's reason begins that finds the state folder or the socket in use.
const ANOTHER_AGENT: &str = "another agent";
/// In bytes. More than any line that an agent announces itself with.
const LONGEST_LINE: u64 = 64;

/// The agent's program: beside the one that runs, else on the PATH.
#[must_use]
pub fn agent_program() -> PathBuf {
    background::program("evertoken-agent")
}

/// Connects to the agent; starts it in the background when none runs.
///
/// # Errors
/// [`AgentUnavailable`](evertoken_core::api::problem::ProblemKind::AgentUnavailable), with the agent's own reason when
/// it could not start.
pub async fn connect_or_start(paths: &Paths) -> Result<Client, Problem> {
    connect_or_start_with(paths, || Command::new(agent_program())).await
}

async fn connect_or_start_with(paths: &Paths, agent: impl Fn() -> Command) -> Result<Client, Problem> {
    match Client::try_connect(paths).await {
        Ok(client) => Ok(client),
        Err(error) if nobody_listens(&error) && !environment::may_start() => {
            Err(not_to_be_started(&paths.socket, &error))
        }
        Err(error) if nobody_listens(&error) => match start(paths, agent()).await {
            // One that was just killed holds the state folder until the kernel has closed its files.
            Err(problem) if problem.detail.contains(ANOTHER_AGENT) => start(paths, agent()).await,
            started => started,
        },
        Err(error) => Err(unreachable(&paths.socket, &error)),
    }
}

async fn start(paths: &Paths, mut agent: Command) -> Result<Client, Problem> {
    let path = paths.log();
    let refused = |error: std::io::Error| not_started(&error.to_string(), &path);
    let log = Log::open(&path).map_err(|error| no_log(&error, &path))?;
    background::detach(&mut agent).arg("--in-background").stdout(Stdio::piped()).stderr(log.stdio().map_err(refused)?);
    let child = agent
        .spawn()
        .map_err(|error| if error.kind() == std::io::ErrorKind::NotFound { not_installed() } else { refused(error) })?;

    match tokio::time::timeout(READY_WITHIN, announcement(child)).await {
        Ok(true) => Client::try_connect(paths).await.map_err(|error| {
            let socket = paths.socket.display();
            not_started(&format!("it is ready, yet {socket} cannot be used: {error}"), &path)
        }),
        Ok(false) => another_agent(paths).await.ok_or_else(|| {
            not_started(&log.last_line().unwrap_or_else(|| "it ended without a word".to_owned()), &path)
        }),
        Err(_) => Err(not_started(&format!("it was not ready within {} s", READY_WITHIN.as_secs()), &path)),
    }
}

/// Two started at the same moment: the second ends, because the first has the socket or is about to.
async fn another_agent(paths: &Paths) -> Option<Client> {
    for _ in 0..OTHER_AGENT_TRIES {
        if let Ok(client) = Client::try_connect(paths).await {
            return Some(client);
        }
        tokio::time::sleep(OTHER_AGENT_WAIT).await;
    }
    None
}

/// Did the agent say that it is ready? `false`: it ended.
async fn announcement(child: Child) -> bool {
    let (sender, receiver) = oneshot::channel();
    // A thread, because a pipe's end cannot be awaited without tokio's process driver. It stays to collect the
    // exit status for programs that outlive the agent, and ends with this process otherwise.
    std::thread::spawn(move || {
        let mut child = child;
        let line = child.stdout.take().and_then(|stdout| {
            let mut line = String::new();
            BufReader::new(stdout.take(LONGEST_LINE)).read_line(&mut line).ok()?;
            Some(line)
        });
        let _ = sender.send(line.is_some_and(|line| line.trim_end() == READY));
        drop(child.wait());
    });
    receiver.await.unwrap_or(false)
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use evertoken_core::api::problem::ProblemKind;
    use std::fs;
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use tokio::task::JoinHandle;

    fn paths(folder: &Path) -> Paths {
        Paths { config: folder.join("c"), state: folder.join("s"), socket: folder.join("agent.sock") }
    }

    /// An agent that is a shell script; `$0` is the folder.
    fn agent(folder: &Path, script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).arg(folder);
        command
    }

    /// Listens on the socket once the agent has made the file `ran`.
    fn listen_when_it_ran(folder: &Path, then: impl FnOnce() + Send + 'static) -> JoinHandle<UnixListener> {
        let (socket, ran) = (paths(folder).socket, folder.join("ran"));
        tokio::task::spawn_blocking(move || {
            while !ran.exists() {
                std::thread::yield_now();
            }
            let listener = UnixListener::bind(socket).unwrap();
            then();
            listener
        })
    }

    #[tokio::test]
    async fn an_agent_that_cannot_start_tells_why() {
        let folder = tempfile::tempdir().unwrap();
        let agent = || agent(folder.path(), "echo starting >&2; echo 'Error: line 3 is no TOML.' >&2; exit 1");
        let problem = connect_or_start_with(&paths(folder.path()), agent).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::AgentUnavailable);
        assert_eq!(problem.detail, "The agent could not be started: line 3 is no TOML.");
    }

    #[tokio::test]
    async fn an_agent_that_is_not_installed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let agent = || Command::new(folder.path().join("nowhere"));
        let problem = connect_or_start_with(&paths(folder.path()), agent).await.unwrap_err();
        assert_eq!(problem, not_installed());
    }

    #[tokio::test]
    async fn the_first_command_after_boot_starts_the_agent() {
        let folder = tempfile::tempdir().unwrap();
        // It says `ready` only when something listens: a FIFO orders the two.
        let script = r#"test "$1" = --in-background || exit 1; mkfifo "$0/go"; : >"$0/ran"; cat "$0/go"; echo ready"#;
        let go = folder.path().join("go");
        let listening = listen_when_it_ran(folder.path(), move || fs::write(go, "").unwrap());
        let client = connect_or_start_with(&paths(folder.path()), || agent(folder.path(), script)).await;
        drop(listening.await.unwrap());
        client.unwrap();
    }

    #[tokio::test]
    async fn the_loser_of_two_starting_agents_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let agent = || agent(folder.path(), r#": >"$0/ran"; echo 'another agent runs' >&2; exit 1"#);
        let listening = listen_when_it_ran(folder.path(), || {});
        let client = connect_or_start_with(&paths(folder.path()), agent).await;
        drop(listening.await.unwrap());
        client.unwrap();
    }

    #[tokio::test]
    async fn an_agent_that_is_just_dying_does_not_stop_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let script = r#"mkdir "$0/dying" && { echo 'another agent runs' >&2; exit 1; }; mkfifo "$0/go"; : >"$0/ran"; cat "$0/go"; echo ready"#;
        let go = folder.path().join("go");
        let listening = listen_when_it_ran(folder.path(), move || fs::write(go, "").unwrap());
        let client = connect_or_start_with(&paths(folder.path()), || agent(folder.path(), script)).await;
        drop(listening.await.unwrap());
        client.unwrap();
    }
}
