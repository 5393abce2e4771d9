//! Where the agent is: its folders and its environment, or this command's own while no agent tells.

use std::path::Path;

use evertoken_core::api::diagnosis::{self, Diagnosis};
use evertoken_core::config::paths::Paths;

use super::variable;

#[derive(Debug)]
pub(super) struct Surroundings {
    told: diagnosis::Surroundings,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux keeps certificates in files"))]
    is_the_agents: bool,
}

impl Surroundings {
    pub(super) fn of(diagnosis: Option<&Diagnosis>, own: &Paths) -> Self {
        if let Some(told) = diagnosis.and_then(|diagnosis| diagnosis.surroundings.clone()) {
            return Self { told, is_the_agents: true };
        }
        let variables = diagnosis::Surroundings::variables(|name| Some(variable(name)?.to_string_lossy().into_owned()));
        let (configuration_folder, state_folder) = (own.config.clone(), own.state.clone());
        let told = diagnosis::Surroundings { configuration_folder, state_folder, variables, has_certificates: false };
        Self { told, is_the_agents: false }
    }

    pub(super) fn configuration_folder(&self) -> &Path {
        &self.told.configuration_folder
    }

    pub(super) fn state_folder(&self) -> &Path {
        &self.told.state_folder
    }

    /// A variable that is set to something.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.told.variables.get(name).cloned()
    }

    #[cfg(target_os = "linux")]
    pub(super) fn folder(&self, name: &str) -> Option<std::path::PathBuf> {
        self.variable(name).map(Into::into)
    }

    /// Whether the agent can check servers' certificates; `None` where no agent tells.
    #[cfg(target_os = "linux")]
    pub(super) fn has_certificates(&self) -> Option<bool> {
        self.is_the_agents.then_some(self.told.has_certificates)
    }
}
