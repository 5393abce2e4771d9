//! Reads `config.toml` again when it was changed: on another thread, because its disk may hang.

use std::thread;
use std::time::Duration;

use evertoken_core::config::Configuration;
use tracing::info;

use super::agent::Agent;
use super::finished::{Finished, JobResult};
use super::reading::Reading;
use crate::store::config_file::ConfigurationFileError;
use crate::system::service_manager;

/// From the moment when an editor empties the file until it has written it, on a busy machine.
const AN_EDITOR_WRITES: Duration = Duration::from_secs(1);

impl Agent {
    pub(super) fn read_configuration(&mut self) {
        if self.reading.is_running {
            return self.reading.outdate();
        }
        self.reading = Reading { is_running: true, is_outdated: false, ..self.reading };
        let (file, in_use, reports) = (self.file.clone(), self.configuration.clone(), self.finished.clone());
        // It is not waited for at the end: this agent has the configuration that it has.
        tokio::task::spawn_blocking(move || {
            let read = file.read_changed(&in_use, || thread::sleep(AN_EDITOR_WRITES));
            let _ = reports.send(Finished::unasked(JobResult::ConfigurationRead(read)));
        });
    }

    /// The configuration that this agent has stays when the file cannot be read, and when it is gone. Its own changes
    /// come by here too.
    pub(super) fn configuration_read(&mut self, read: Result<Option<Configuration>, ConfigurationFileError>) {
        self.reading.is_running = false;
        if self.reading.is_outdated {
            return self.read_configuration();
        }
        match read {
            Ok(None) => {}
            Ok(Some(configuration)) => self.follow_file(configuration),
            Err(error) => tracing::error!("the configuration was not read again: {error}"),
        }
        if std::mem::take(&mut self.reading.is_reload) {
            service_manager::reloaded();
        }
    }

    fn follow_file(&mut self, configuration: Configuration) {
        if configuration != self.configuration {
            info!("the configuration was changed");
            self.adopt(configuration);
            self.write_missing_ids();
        }
        self.write_log_ins();
    }

    pub(super) fn reload(&mut self) {
        service_manager::reloading();
        self.reading.is_reload = true;
        self.read_configuration();
        self.token_files.try_again();
        // Who mended the keychain file or its key has no other way to say so.
        self.keychain_returned();
    }
}
