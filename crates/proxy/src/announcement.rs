//! What clients have to know: printed, or put into the environment of a command.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;

use crate::bearer::RunToken;

/// Where the proxy listens and what it wants to be shown. Serializes with the run's token: that is its purpose.
#[derive(Clone, Serialize)]
#[serde(rename_all = "snake_case", untagged)]
pub enum Announcement {
    /// On loopback.
    Tcp {
        /// As in `http://127.0.0.1:4000`.
        url: String,
        /// The bearer token of this run.
        token: String,
    },
    /// On a Unix socket, where nothing is to be shown.
    Unix {
        /// Its absolute path.
        socket: PathBuf,
    },
}

impl Announcement {
    pub(crate) fn tcp(address: SocketAddr, token: &RunToken) -> Self {
        Self::Tcp { url: format!("http://{address}"), token: token.expose().to_owned() }
    }

    /// As environment variables.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Tcp { url, token } => {
                vec![("EVERTOKEN_PROXY_URL", url.clone()), ("EVERTOKEN_PROXY_TOKEN", token.clone())]
            }
            Self::Unix { socket } => vec![("EVERTOKEN_PROXY_SOCKET", socket.display().to_string())],
        }
    }

    /// As lines that a shell or an environment file takes.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.variables().into_iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect()
    }
}

impl std::fmt::Debug for Announcement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { url, token: _ } => f.debug_struct("Tcp").field("url", url).finish_non_exhaustive(),
            Self::Unix { socket } => f.debug_struct("Unix").field("socket", socket).finish(),
        }
    }
}

/// As it is where nothing in it means something to a shell.
fn quoted(value: String) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:[]".contains(c);
    if value.chars().all(is_plain) { value } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_shell_reads_what_is_printed() {
        let token = RunToken::random().unwrap();
        let tcp = Announcement::tcp("127.0.0.1:4000".parse().unwrap(), &token);
        let token = token.expose();
        assert_eq!(
            tcp.lines(),
            ["EVERTOKEN_PROXY_URL=http://127.0.0.1:4000".to_owned(), format!("EVERTOKEN_PROXY_TOKEN={token}")]
        );
        assert!(!format!("{tcp:?}").contains(token));
        let unix = Announcement::Unix { socket: "/run/it's here".into() };
        assert_eq!(unix.lines(), [r"EVERTOKEN_PROXY_SOCKET='/run/it'\''s here'"]);
    }
}
