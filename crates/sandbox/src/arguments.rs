//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser};

use crate::period::Period;
use crate::token_request::Encoding;

/// A Vault token endpoint to run on your own machine: tokens that rotate and expire, replay detection, and
/// faults on request. It gives tokens to anyone who asks, so it listens on loopback only.
#[derive(Debug, Parser)]
#[command(name = "evertoken-sandbox", version)]
pub(crate) struct Arguments {
    /// Where to listen: a loopback address; port 0 takes a free port, named on standard output
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,

    /// Serve https with a certificate for localhost that is made at start
    #[arg(long)]
    pub(crate) tls: bool,

    /// Write that certificate (PEM) to this file and keep it; implies --tls
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// End when standard input closes, as it does when the process that started this one is gone
    #[arg(long)]
    pub(crate) exit_with_parent: bool,

    /// Take requests of this client only (RFC 6749 section 2.3); without a secret it is a public one
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,

    /// A file with that client's secret, read anew for each request; it is to be sent as client_secret_basic or
    /// client_secret_post
    #[arg(long, value_name = "FILE", requires = "client_id")]
    pub(crate) client_secret_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// What the endpoint does.
#[derive(Clone, Debug, Args)]
pub(crate) struct Settings {
    /// How long an access token is valid
    #[arg(long, default_value = "24h", value_name = "DURATION")]
    pub(crate) expires_in: Period,

    /// How long a login lasts; rotating its refresh token does not prolong it
    #[arg(long, default_value = "30d", value_name = "DURATION")]
    pub(crate) refresh_expires_in: Period,

    /// How often the refresh token that was spent last may be presented again before the login is revoked
    #[arg(long, default_value_t = 1, value_name = "TIMES")]
    pub(crate) grace: u32,

    /// Which request bodies are taken; form and both add /oauth/token, /oauth/revoke, /oauth/authorize,
    /// /oauth/device_authorization and the metadata of RFC 8414
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) encoding: Encoding,

    /// How long a code of a sign-in on another device lives
    #[arg(long, default_value = "10m", value_name = "DURATION")]
    pub(crate) device_expires_in: Period,

    /// How long a device waits between two polls
    #[arg(long, default_value = "5s", value_name = "DURATION")]
    pub(crate) device_interval: Period,

    /// Make access tokens at least this long
    #[arg(long, value_name = "N", value_parser = token_bytes)]
    pub(crate) access_token_bytes: Option<usize>,

    /// Make refresh tokens this long; below 320 bytes they are opaque instead of JWT-looking
    #[arg(long, value_name = "N", value_parser = token_bytes)]
    pub(crate) refresh_token_bytes: Option<usize>,
}

/// 22 characters of base64 are 128 bits (RFC 6749 section 10.10); beyond 64 KiB a token fits into no request.
fn token_bytes(text: &str) -> Result<usize, String> {
    let range = 22..=60_000;
    text.parse()
        .ok()
        .filter(|bytes| range.contains(bytes))
        .ok_or_else(|| format!("a token has {} to {} bytes", range.start(), range.end()))
}
