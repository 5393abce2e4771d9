//! What runs here, and a text for those who are asked for help: no token, no user and no account's name.

use evertoken_core::api::diagnosis::Diagnosis;
use evertoken_core::api::status::StatusReport;
use evertoken_core::oauth::endpoint::Endpoint;
use serde::Serialize;

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the dialog shows.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct About {
    version: String,
    agent: String,
    diagnostics: String,
}

impl About {
    pub(crate) fn of(report: &StatusReport, diagnosis: &Diagnosis, variable: impl Fn(&str) -> String) -> Self {
        let agent = &report.agent;
        let mut lines = vec![
            format!(
                "Evertoken {VERSION} (window), {} (agent, since {})",
                agent.version,
                agent.started_at.strftime("%FT%TZ")
            ),
            format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            format!("Desktop: {}, {}", variable("XDG_CURRENT_DESKTOP"), variable("XDG_SESSION_TYPE")),
            format!("On the bus: {}", in_json(&diagnosis.session_bus)),
            format!("Endpoint's clock ahead by: {} s", in_json(&diagnosis.endpoint_clock_ahead)),
            report.summary(),
        ];
        lines.extend(report.accounts.iter().map(|account| {
            let host = account.endpoint.parse::<Endpoint>().map_or_else(|_| "?".to_owned(), |it| it.host().to_owned());
            format!("- {} at {host}: {} failures", in_json(&account.state).trim_matches('"'), account.refresh.failures)
        }));
        Self {
            version: VERSION.to_owned(),
            agent: format!("{} (process {})", agent.version, agent.pid),
            diagnostics: lines.join("\n"),
        }
    }
}

fn in_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
