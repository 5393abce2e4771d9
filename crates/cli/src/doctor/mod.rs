//! What Evertoken stands on, looked at piece by piece. Each check is a pure verdict over facts, and a thin edge that
//! collects them.

mod account;
mod agent;
mod approval;
#[cfg(target_os = "linux")]
mod certificates;
#[cfg(target_os = "linux")]
mod clipboard;
mod clock;
mod configuration;
#[cfg(target_os = "linux")]
mod display;
mod entry;
mod finding;
mod installation;
mod keychain;
mod lock;
mod page;
mod proxy;
#[cfg(target_os = "linux")]
mod services;
#[cfg(target_os = "linux")]
mod session_bus;
#[cfg(unix)]
mod socket;
mod state_folder;
mod surroundings;
mod token_file;
mod window;

use evertoken_core::api::status::StatusReport;
use evertoken_core::config::paths::Paths;
use evertoken_core::oauth::endpoint::{Endpoint, PRODUCTION_ENDPOINT};
use jiff::Timestamp;

pub(crate) use finding::{Finding, Verdict, worst};
pub(crate) use page::page;
use surroundings::Surroundings;

/// Every finding, in the order in which one depends on another.
pub(crate) async fn examine(paths: &Paths) -> Vec<Finding> {
    // First, so that its permissions are seen as they were before an agent is started.
    let file = configuration::read(&paths.config_file());
    let reached = agent::reach(paths).await;
    let report = reached.report();
    let diagnosis = reached.diagnosis(paths).await;
    let surroundings = Surroundings::of(diagnosis.as_ref(), paths);
    let file = if surroundings.configuration_folder() == paths.config {
        file
    } else {
        configuration::read(&surroundings.configuration_folder().join("config.toml"))
    };
    let configured = file.configuration();
    let keychain = configured.as_ref().map(|configuration| configuration.settings.keychain);
    let endpoints = endpoints(report);

    let mut findings =
        vec![agent::verdict(&reached, diagnosis.as_ref(), env!("CARGO_PKG_VERSION")), installation::look()];
    #[cfg(unix)]
    findings.push(socket::look(&paths.socket));
    findings.push(configuration::verdict(&file, report));
    findings.push(state_folder::look(surroundings.state_folder()));
    #[cfg(target_os = "linux")]
    findings.push(session_bus::look(&surroundings, keychain));
    findings.push(keychain::verdict(keychain.unwrap_or_default(), report, diagnosis.as_ref()));
    #[cfg(target_os = "linux")]
    findings.push(display::look(&surroundings));
    #[cfg(target_os = "linux")]
    findings.push(clipboard::look());
    #[cfg(target_os = "linux")]
    findings.extend(services::verdicts(diagnosis.as_ref()));
    findings.push(window::look());
    #[cfg(target_os = "linux")]
    findings.push(certificates::look(&surroundings, &endpoints));
    findings.push(proxy::look(&surroundings, &endpoints).await);
    findings.push(clock::verdict(report, diagnosis.as_ref(), Timestamp::now()));
    findings.extend(account::verdicts(report, Timestamp::now()));
    findings.extend(lock::verdicts(diagnosis.as_ref()));
    findings.extend(token_file::verdicts(report));
    findings.extend(approval::verdicts(report));
    findings
}

/// Where requests go, or will go after the first log-in.
fn endpoints(report: Option<&StatusReport>) -> Vec<Endpoint> {
    let accounts = report.map(|report| report.accounts.as_slice()).unwrap_or_default();
    let mut endpoints: Vec<&str> = accounts.iter().map(|account| account.endpoint.as_str()).collect();
    if endpoints.is_empty() {
        endpoints.push(PRODUCTION_ENDPOINT);
    }
    endpoints.iter().filter_map(|endpoint| endpoint.parse().ok()).collect()
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<std::ffi::OsString> {
    evertoken_client::environment::variable(name)
}
