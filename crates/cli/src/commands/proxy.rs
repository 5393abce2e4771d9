use std::ffi::OsString;
use std::process::{Command, ExitCode};

use clap::Args;
use evertoken_proxy::{Listen, Options, Origin};

use super::account_argument::AccountArgument;
use super::agent_client;
use super::exec::not_run;
use crate::failure::Failure;
use crate::output;

/// Give a tool the API without the token: a proxy on this machine that adds it
///
/// Requests to the proxy go to the allowed origin with a valid access token in Authorization. The tool never sees that
/// token; it shows the proxy another one, which is valid for this run only. A token that the server refuses is renewed,
/// and the request is sent again, once.
///
/// Without a command, prints where the proxy listens and which token it requires, and runs until Ctrl-C. With one,
/// prints nothing, and the command finds the same in its environment; signals and the exit code pass through.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken proxy --allow https://api.vault.ist -- ./agent.py
  evertoken proxy --allow https://api.vault.ist -- sh -c \\
    'echo \"Authorization: Bearer $EVERTOKEN_PROXY_TOKEN\" | curl -H @- $EVERTOKEN_PROXY_URL/v2.0/user/info'
  evertoken proxy --allow https://api.vault.ist --listen 127.0.0.1:8788 > proxy.env
  evertoken proxy --allow https://api.vault.ist --listen unix:$XDG_RUNTIME_DIR/vault.sock
  curl --unix-socket $XDG_RUNTIME_DIR/vault.sock http://localhost/v2.0/user/info

Environment of the command, and lines that are printed:
  EVERTOKEN_PROXY_URL      where the proxy listens, to be used like the API's own address
  EVERTOKEN_PROXY_TOKEN    for Authorization: Bearer, or as the password of Basic with any user name
  EVERTOKEN_PROXY_SOCKET   instead of both, with --listen unix:PATH; no token is required there

EVERTOKEN_LOG=info writes a line for each request to standard error, without query, headers and body.

Exit codes: 0 after Ctrl-C; the command's own, 127 and 126 as for exec; before that, as everywhere.")]
pub(crate) struct Proxy {
    #[command(flatten)]
    account: AccountArgument,
    /// Where requests may go: scheme, host and port. May be repeated; the first is used when a request names none
    #[arg(long, value_name = "ORIGIN", required = true)]
    allow: Vec<Origin>,
    /// Where to listen: 127.0.0.1:PORT, [::1]:PORT or unix:PATH. Port 0 stands for a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: Listen,
    /// Print JSON
    #[arg(long, conflicts_with = "command")]
    pub(crate) json: bool,
    /// A command to run with the proxy, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Proxy {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let options = Options { account: self.account.name()?, listen: self.listen, allowed: self.allow };
        let proxy = evertoken_proxy::Proxy::bind(options, agent_client().await?).await?;
        let mut words = self.command.into_iter();
        if let Some(program) = words.next() {
            let mut command = Command::new(&program);
            command.args(words);
            return proxy.run_for(command).await.map(ExitCode::from).map_err(|error| not_run(&program, &error));
        }
        if self.json {
            output::json(proxy.announcement())?;
        } else {
            output::line(proxy.announcement().lines().join("\n"))?;
        }
        proxy.run().await;
        Ok(ExitCode::SUCCESS)
    }
}
