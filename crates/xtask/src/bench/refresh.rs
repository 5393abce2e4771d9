//! A refresh, and what it is made of: the request, what is written to the disk, and the keychain.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::{Line, log_in, median, pause};
use crate::application::Application;
use crate::interrupt::Interrupt;
use crate::private_desktop::PrivateDesktop;
use crate::program::Program;
use crate::sandbox::Sandbox;

/// A refresh without a keychain, beside a request and one file that outlives a power cut.
const BOUND: f64 = 1.5;
const TIMES: usize = 9;
/// The endpoint is not asked about an account twice within half a minute.
const REST: Duration = Duration::from_secs(31);
/// A journal and its newest lines.
const RECORD: [u8; 2048] = [b'x'; 2048];

/// Ends the agent, and measures the rest with one that has no keychain.
pub(super) fn measure(
    application: &Application<'_>,
    desktop: &PrivateDesktop,
    sandbox: &Sandbox,
    mut agent: Program,
    interrupt: &Interrupt,
) -> Result<Vec<Line>> {
    let part = |work: &dyn Fn() -> Result<f64>| (0..TIMES).map(|_| work()).collect::<Result<Vec<_>>>().map(median);
    let request = part(&|| request(desktop, sandbox))?;
    let write = part(&|| durable_write(&desktop.path("state")))?;
    let with_keychain = refresh(application, desktop, sandbox, interrupt, "kept")?;
    agent.end()?;
    fs::write(desktop.configuration(), "settings.keychain = \"memory\"\n")?;
    let _agent = application.start_agent()?;
    let without = refresh(application, desktop, sandbox, interrupt, "held")?;
    Ok(vec![
        Line::figure("refresh: the request alone, by curl", request, "ms"),
        Line::figure("refresh: one durable write", write, "ms"),
        Line::figure("refresh: the keychain's part", with_keychain - without, "ms"),
        Line::figure("evertoken refresh", with_keychain, "ms"),
        Line::new("refresh without a keychain ÷ (request + write)", without / (request + write), "×", BOUND),
    ])
}

/// A grant over TLS, connection included, in milliseconds.
fn request(desktop: &PrivateDesktop, sandbox: &Sandbox) -> Result<f64> {
    let token_response: serde_json::Value = serde_json::from_str(&super::sign_in(desktop, sandbox)?)?;
    let body = serde_json::json!({ "grant_type": "refresh_token", "refresh_token": token_response["refresh_token"] });
    let mut curl = desktop.command("curl");
    curl.args(["--silent", "--fail", "--output", "/dev/null", "--write-out", "%{time_total}", "--json", "@-"]);
    curl.arg(sandbox.endpoint()).env("CURL_CA_BUNDLE", desktop.path("certificates.pem"));
    let mut curl = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start curl")?;
    if let Some(mut stdin) = curl.stdin.take() {
        stdin.write_all(body.to_string().as_bytes())?;
    }
    let output = curl.wait_with_output()?;
    if !output.status.success() {
        bail!("curl got no token");
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse::<f64>()? * 1_000.0)
}

/// Written beside, synced, renamed, its folder synced: in milliseconds.
fn durable_write(folder: &Path) -> Result<f64> {
    let (beside, file) = (folder.join("record.new"), folder.join("record"));
    let start = Instant::now();
    let mut new = File::create(&beside)?;
    new.write_all(&RECORD)?;
    new.sync_all()?;
    fs::rename(&beside, &file)?;
    File::open(folder)?.sync_all()?;
    Ok(start.elapsed().as_secs_f64() * 1_000.0)
}

/// `evertoken refresh` of accounts that have just logged in, the median in milliseconds.
fn refresh(
    application: &Application<'_>,
    desktop: &PrivateDesktop,
    sandbox: &Sandbox,
    interrupt: &Interrupt,
    accounts: &str,
) -> Result<f64> {
    let names: Vec<String> = (0..TIMES).map(|number| format!("{accounts}-{number}")).collect();
    names.iter().try_for_each(|name| log_in(application, desktop, sandbox, name))?;
    pause(interrupt, REST)?;
    let mut taken = Vec::new();
    for name in &names {
        let start = Instant::now();
        let (code, said) = application.ask(&["refresh", name], "")?;
        if code != 0 {
            bail!("`evertoken refresh` ended with {code}: {said}");
        }
        taken.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(median(taken))
}
