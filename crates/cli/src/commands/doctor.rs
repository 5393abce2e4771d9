use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::paths;
use crate::doctor::{Finding, Verdict, examine, page, worst};
use crate::failure::Failure;
use crate::output::{self, Style};

/// Check everything Evertoken depends on, and say what to do about each finding
///
/// Changes nothing and sends no request to an endpoint; starts the agent if none runs, as other commands do. Folders,
/// proxy, certificates, session bus and display are checked as the agent sees them, not as this shell does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken doctor
  evertoken doctor --json | jq '.findings[] | select(.verdict != \"ok\")'

Exit codes:
  0 no problems (there may be warnings)   1 at least one problem")]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `evertoken doctor --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report<'a> {
    /// The version of the command.
    version: &'static str,
    /// The worst of all findings; `fail` makes the exit code 1.
    verdict: Verdict,
    /// In the order in which one thing depends on another.
    findings: &'a [Finding],
}

impl Doctor {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let findings = examine(&paths()?).await;
        let verdict = worst(&findings);
        if self.json {
            output::json(&Report { version: env!("CARGO_PKG_VERSION"), verdict, findings: &findings })?;
        } else {
            output::line(page(&findings, Style::of(&std::io::stdout())))?;
        }
        Ok(match verdict {
            Verdict::Ok | Verdict::Warn => ExitCode::SUCCESS,
            Verdict::Fail => ExitCode::FAILURE,
        })
    }
}
