use std::io;
use std::path::{Path, PathBuf};

use evertoken_client::files::read_file;
use evertoken_core::api::status::StatusReport;
use evertoken_core::config::{self, Configuration, ConfigurationError};

use super::Finding;
use super::entry::Entry;

const CHECK: &str = "configuration";

/// The configuration as it lies on the disk.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    text: Result<String, io::ErrorKind>,
    entry: Option<Entry>,
}

pub(super) fn read(path: &Path) -> File {
    let text = read_file(path).map_err(|error| error.kind());
    File { path: path.to_owned(), text, entry: Entry::of(path) }
}

impl File {
    /// What it says; without a file, what is usual. `None` where it cannot be used.
    pub(super) fn configuration(&self) -> Option<Configuration> {
        match self.text {
            Err(io::ErrorKind::NotFound) => Some(Configuration::default()),
            Ok(_) | Err(_) => self.parsed()?.ok(),
        }
    }

    fn parsed(&self) -> Option<Result<Configuration, ConfigurationError>> {
        self.text.as_deref().ok().map(config::parse)
    }
}

pub(super) fn verdict(file: &File, report: Option<&StatusReport>) -> Finding {
    let path = file.path.display();
    match file.text {
        Err(io::ErrorKind::NotFound) if report.is_some_and(|report| !report.accounts.is_empty()) => {
            let what = format!("{path} is gone, and the agent serves accounts that were in it.");
            return Finding::fail(
                CHECK,
                what,
                "Put it back from a backup before the agent ends: the accounts' ids are in it.",
            );
        }
        Err(io::ErrorKind::NotFound) => {
            return Finding::ok(CHECK, format!("There is no {path} yet; the first log-in makes it."));
        }
        Err(kind) => {
            let what = format!("{path} cannot be read: {kind}.");
            return Finding::fail(CHECK, what, "Make it a text file that you may read and write.");
        }
        Ok(_) => {}
    }
    let configuration = match file.parsed() {
        Some(Err(error)) => {
            let what = format!("{path}: {error}.");
            return Finding::fail(CHECK, what, "Correct it by hand; Evertoken never overwrites what it cannot read.");
        }
        Some(Ok(configuration)) => configuration,
        None => Configuration::default(),
    };
    if file.entry.is_some_and(Entry::is_writable_by_everybody) {
        let what = format!("Everybody may write to {path}, and could send your login to another endpoint.");
        return Finding::fail(CHECK, what, format!("Run: chmod 600 '{path}'"));
    }
    if file.entry.is_some_and(Entry::is_writable_by_group) {
        let what = format!("Your group may write to {path}, and could send your login to another endpoint.");
        return Finding::warn(CHECK, what, format!("Run: chmod 600 '{path}'"));
    }
    if let Some(report) = report.filter(|report| is_stale(&configuration, report)) {
        let what = format!("{path} was changed, and the agent has not read it since.");
        return Finding::warn(CHECK, what, format!("Run: kill -HUP {}", report.agent.pid));
    }
    let count = match configuration.accounts.len() {
        1 => "1 account".to_owned(),
        several => format!("{several} accounts"),
    };
    Finding::ok(CHECK, format!("{path} is readable: {count}."))
}

/// Does the agent serve other accounts or endpoints than the file names?
fn is_stale(configuration: &Configuration, report: &StatusReport) -> bool {
    let on_disk = configuration.accounts.iter().map(|(name, account)| (name, account.server.endpoint.as_str()));
    let served = report.accounts.iter().map(|account| (&account.name, account.endpoint.as_str()));
    !on_disk.eq(served)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::account::tests::{account, report};
    use super::*;
    use evertoken_core::api::status::State;

    const GOOD: &str = "version = 1\n[accounts.eu]\nendpoint = \"https://api.vault.ist/v2.0/reference/gettoken\"";

    fn file(text: Result<&str, io::ErrorKind>, mode: u32) -> File {
        let entry = Some(Entry { mode, owner: 1000, is_socket: false });
        File { path: "/c/config.toml".into(), text: text.map(str::to_owned), entry }
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let finding = verdict(&file(Ok("version = 1\ncolour = 3"), 0o600), None);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.what.contains("line 2"), "{finding:?}");
    }

    #[test]
    fn whoever_could_change_the_endpoint_is_named() {
        assert_eq!(verdict(&file(Ok(GOOD), 0o644), None).verdict, Verdict::Ok);
        assert_eq!(verdict(&file(Ok(GOOD), 0o664), None).verdict, Verdict::Warn);
        assert_eq!(verdict(&file(Ok(GOOD), 0o666), None).verdict, Verdict::Fail);
    }

    #[test]
    fn no_file_is_how_it_begins_and_an_unreadable_one_is_not() {
        assert_eq!(verdict(&file(Err(io::ErrorKind::NotFound), 0), None).verdict, Verdict::Ok);
        let served = report(vec![account(State::Valid, None)]);
        assert_eq!(verdict(&file(Err(io::ErrorKind::NotFound), 0), Some(&served)).verdict, Verdict::Fail);
        let finding = verdict(&file(Err(io::ErrorKind::PermissionDenied), 0), None);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.what.ends_with("permission denied."), "{finding:?}");
    }

    #[test]
    fn a_change_by_hand_that_the_agent_has_not_read_is_noticed() {
        let served = report(vec![account(State::Valid, None)]);
        assert_eq!(verdict(&file(Ok(GOOD), 0o600), Some(&served)).verdict, Verdict::Ok);
        let changed = GOOD.replace("api.vault.ist", "eu.vault.ist");
        assert_eq!(verdict(&file(Ok(&changed), 0o600), Some(&served)).cure.as_deref(), Some("Run: kill -HUP 7"));
    }
}
