//! Following a sign-in, and the question whether another user may take an account.

use evertoken_client::environment::wall_clock;
use evertoken_core::present::wall_clock::Precision;
use std::io::{self, IsTerminal, Write};

use clap::Args;
use evertoken_client::{Client, SignIn};
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{SignInEvent, SignInPrompt};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::oauth::server::SignInMethod;
use evertoken_core::oauth::token::Fingerprint;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::output::{self, Colour, Style, plain};

/// How the refresh token is got.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct WayArguments {
    /// Sign in in the browser of this machine, at the account's server (RFC 8252)
    #[arg(long)]
    pub(crate) browser: bool,
    /// Sign in on another device, with a code that is shown here (RFC 8628)
    #[arg(long)]
    pub(crate) device: bool,
    /// Run the account's login_command, as config.toml has it, and take what it prints
    #[arg(long)]
    pub(crate) command: bool,
}

/// `None`: with a refresh token.
pub(super) fn the_way(arguments: &WayArguments) -> Option<SignInMethod> {
    let WayArguments { browser, device, command } = arguments;
    let ways = [(SignInMethod::Browser, *browser), (SignInMethod::Device, *device), (SignInMethod::Command, *command)];
    ways.into_iter().find_map(|(way, wanted)| wanted.then_some(way))
}

/// Shows what is to be done, and waits for the end. Ctrl-C ends the sign-in with this program.
pub(super) async fn follow(
    mut sign_in: SignIn,
    client: &Client,
    account: Option<&AccountName>,
    json: bool,
    pasted: &mut Lines,
) -> Result<Result<AccountStatus, Problem>, Failure> {
    while let Some(event) = next(&mut sign_in, client, account, pasted).await {
        match event? {
            SignInEvent::Prompt(prompt) => {
                *pasted = matches!(prompt, SignInPrompt::Browser { .. }).then(lines);
                if json { output::json(&prompt)? } else { show(&prompt) }
            }
            SignInEvent::Done(account) => return Ok(Ok(*account)),
            SignInEvent::Problem(problem) => return Ok(Err(problem)),
        }
    }
    let gone = Problem::new(
        ProblemKind::AgentUnavailable,
        "The agent ended before the sign-in did.",
        "Run evertoken status to see how things are, then sign in again.",
    );
    Ok(Err(gone))
}

/// What happens next; until then, what a person pastes is handed to the agent.
async fn next(
    sign_in: &mut SignIn,
    client: &Client,
    account: Option<&AccountName>,
    pasted: &mut Lines,
) -> Option<Result<SignInEvent, Problem>> {
    loop {
        let line = async {
            match pasted {
                Some(lines) => lines.recv().await,
                None => None,
            }
        };
        tokio::select! {
            event = sign_in.next() => return event,
            Some(line) = line => {
                if line.trim().is_empty() {
                    continue;
                }
                if let Err(problem) = client.sign_in_callback(account, &line).await {
                    let _ = writeln!(io::stderr().lock(), "{}\n{}", plain(&problem.detail), plain(&problem.advice));
                }
            }
        }
    }
}

/// Standard input, once something reads it for the whole of a sign-in.
pub(super) type Lines = Option<mpsc::UnboundedReceiver<String>>;

/// The lines of standard input, as they come.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    // It ends with the program: a read from a terminal cannot be given up.
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// On standard error: standard output is for the outcome.
fn show(prompt: &SignInPrompt) {
    let stderr = io::stderr();
    let style = Style::of(&stderr);
    let bold = |text: &str| style.paint(Colour::Bold, &plain(text));
    let until = |at: &jiff::Timestamp| wall_clock().time(*at, Precision::Minutes);
    let text = match prompt {
        SignInPrompt::Browser { url, opened, redirect_uri, authorization_url, expires_at } => {
            let what = if *opened { "Sign in in the browser that opens. If none does, open" } else { "Open" };
            let elsewhere = format!(
                "Or open this on another machine, and paste here the last address, which its browser cannot open:\n  {}\n",
                plain(authorization_url)
            );
            format!(
                "{what} on this machine:\n  {}\n{}If the server shows an error, it may not know the redirect URI {redirect_uri}: \
                 register it there, or name another one with --redirect-uri.\nWaiting until {} (Ctrl-C cancels).",
                bold(url),
                if *opened { "" } else { &elsewhere },
                until(expires_at),
                redirect_uri = plain(redirect_uri)
            )
        }
        SignInPrompt::Device { user_code, verification_uri, verification_uri_complete, expires_at } => {
            let complete = verification_uri_complete.as_deref();
            let complete = complete.map(|url| format!("or {} and compare the code\n", plain(url))).unwrap_or_default();
            format!(
                "On any device, open {} and enter the code\n  {}\n{complete}Waiting until {} (Ctrl-C cancels).",
                bold(verification_uri),
                bold(user_code),
                until(expires_at)
            )
        }
        SignInPrompt::Command { expires_at } => {
            format!("Running the account's sign-in command, until {} (Ctrl-C cancels).", until(expires_at))
        }
    };
    // Who closed standard error does not want to read it.
    let _ = writeln!(stderr.lock(), "{text}");
}

/// Asks a person whether another user may take the account; a script has to say so with `--replace-user`.
pub(super) async fn ask_or_fail(problem: Problem, lines: &mut Lines) -> Result<Fingerprint, Failure> {
    let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    let Some(login) = problem.login.filter(|_| can_ask) else { return Err(problem.into()) };
    let _ = write!(io::stderr(), "{} Replace it? [y/N] ", plain(&problem.detail));
    let _ = io::stderr().flush();
    let answer = lines.get_or_insert_with(self::lines).recv().await.unwrap_or_default();
    let said_yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if said_yes { Ok(login) } else { Err(problem.into()) }
}
