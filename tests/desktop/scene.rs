//! The usual beginning: a person who has logged in.

use super::{Agent, Desktop, Keyring, Sandbox};

/// A desktop with an unlocked keyring, a sandbox and a running agent.
pub(crate) struct Scene {
    pub(crate) agent: Agent,
    pub(crate) sandbox: Sandbox,
    pub(crate) keyring: Keyring,
    pub(crate) desktop: Desktop,
}

impl Scene {
    /// Everything runs; nobody has logged in.
    pub(crate) async fn signed_out(desktop: Desktop, sandbox_options: &str) -> Self {
        let keyring = Keyring::start(&desktop).await;
        let sandbox = Sandbox::start(&desktop, sandbox_options).await;
        let agent = Agent::start(&desktop).await;
        Self { agent, sandbox, keyring, desktop }
    }

    /// As [`Scene::signed_out`], and the account `default` is logged in.
    pub(crate) async fn logged_in_on(desktop: Desktop, sandbox_options: &str) -> Self {
        let scene = Self::signed_out(desktop, sandbox_options).await;
        scene.desktop.login("default", &scene.sandbox).await;
        scene
    }

    /// As [`Scene::logged_in_on`] without a screen.
    pub(crate) async fn logged_in(sandbox_options: &str) -> Self {
        Self::logged_in_on(Desktop::without_screen().await, sandbox_options).await
    }

    /// The agent is killed without warning and started again.
    pub(crate) async fn crash_and_restart(&mut self) {
        self.agent.kill();
        self.agent = Agent::start(&self.desktop).await;
    }
}
