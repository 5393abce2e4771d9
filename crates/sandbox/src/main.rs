#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its caller")]

mod answer;
mod arguments;
mod authorization;
mod authorization_endpoint;
mod certificate;
mod client;
mod control;
mod device;
mod family;
mod fault;
mod fingerprint;
mod gate;
mod grant;
mod http;
mod metadata;
mod model;
mod pages;
mod period;
mod request_error;
mod request_log;
mod resource;
mod server;
mod state;
mod token;
mod token_endpoint;
mod token_request;
mod verdict;

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::arguments::Arguments;
use crate::certificate::Certificate;
use crate::client::Client;
use crate::model::Model;
use crate::state::Shared;

/// Wrong usage, as clap has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.listen.ip().is_loopback() {
        eprintln!(
            "evertoken-sandbox: {} is not a loopback address, and the sandbox gives tokens to anyone who asks; use 127.0.0.1 or [::1]",
            arguments.listen.ip()
        );
        return ExitCode::from(USAGE);
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evertoken-sandbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let secret_file = arguments.client_secret_file.clone();
    let client = arguments.client_id.clone().map(|id| Client::new(id, secret_file)).transpose()?;
    let listener = listen(&arguments).await?;
    let certificate = match (arguments.tls, arguments.tls_cert) {
        (false, None) => None,
        (_, keep) => Some(Certificate::make(keep)?),
    };
    let scheme = if certificate.is_some() { "https" } else { "http" };
    if let Some(certificate) = &certificate {
        eprintln!("evertoken-sandbox: the certificate to trust is in {}", certificate.file.path().display());
    }
    let terminated = terminated()?;
    let base = format!("{scheme}://{}", listener.local_addr()?);
    println!("listening on {base}");
    io::stdout().flush()?;

    let tls = certificate.as_ref().map(|certificate| certificate.server.clone());
    let encoding = arguments.settings.encoding;
    let mut model = Model::new(arguments.settings, client);
    model.consent.issuer.clone_from(&base);
    let metadata = metadata::document(&base, model.client.as_ref());
    let shared = Shared::new(model);
    tokio::select! {
        () = server::serve(listener, tls, shared, encoding, metadata) => {}
        () = terminated => {}
        () = parent_gone(arguments.exit_with_parent) => {}
    }
    Ok(())
}

async fn listen(arguments: &Arguments) -> anyhow::Result<TcpListener> {
    let address = arguments.listen;
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            anyhow::anyhow!("{address} is in use by another program; choose another with --listen")
        } else {
            anyhow::anyhow!("cannot listen on {address}: {error}")
        }
    })
}

/// Ends at SIGTERM or SIGINT. The handlers stand when this returns: a parent may send one as soon as it has read
/// the line on standard output.
#[cfg(unix)]
fn terminated() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends at Ctrl-C.
#[cfg(windows)]
fn terminated() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c().context("cannot wait for Ctrl-C")?;
    Ok(async move {
        let _ = interrupt.recv().await;
    })
}

/// Ends when standard input closes, if that was asked for.
async fn parent_gone(is_asked_for: bool) {
    if !is_asked_for {
        return std::future::pending().await;
    }
    let (closed, is_closed) = oneshot::channel::<()>();
    // A thread of its own: a blocking read cannot be cancelled, and the process must not wait for it at its end.
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while io::stdin().read(&mut buffer).is_ok_and(|length| length > 0) {}
        drop(closed);
    });
    let _ = is_closed.await;
}
