//! A private desktop for each test: real programs, doubles only where a person would stand.

mod agent;
pub(crate) mod artefact;
mod authority;
mod axe;
mod browser;
mod bus;
mod calm;
mod canary;
mod clipboard;
mod deadline;
mod disk;
mod display;
mod effort;
mod environment;
mod evertoken;
mod evidence;
mod faketime;
mod hang;
mod keepassxc;
mod keyring;
mod login_state;
pub(crate) mod memory;
mod notifications;
pub(crate) mod npm;
mod panel;
mod process;
pub(crate) mod procfs;
mod proxy;
mod sandbox;
mod scene;
mod schema;
mod screen;
mod secret_service;
mod session;
mod socket;
mod status;
mod sway;
mod system;
mod tray;
mod upstream;
mod watcher;
mod window;
mod wine;
pub(crate) mod wire;
mod wiretap;

pub(crate) use agent::Agent;
pub(crate) use authority::Authority;
pub(crate) use browser::{Browser, Page};
pub(crate) use bus::Bus;
pub(crate) use calm::window_share;
pub(crate) use canary::Canary;
pub(crate) use clipboard::Clipboard;
pub(crate) use deadline::{PATIENCE, eventually, throughout, within};
pub(crate) use disk::Disk;
pub(crate) use display::Display;
pub(crate) use effort::{effort, note, random_bits, random_share};
pub(crate) use environment::Environment;
pub(crate) use evertoken::{built, source};
pub(crate) use faketime::Faketime;
pub(crate) use hang::Hang;
pub(crate) use keepassxc::KeePassXc;
pub(crate) use keyring::{Entry, Keyring};
pub(crate) use login_state::fingerprint;
pub(crate) use notifications::{Nature, Notifications};
pub(crate) use panel::{Dunst, Panel};
pub(crate) use process::{Outcome, Process};
pub(crate) use proxy::Proxy;
pub(crate) use sandbox::{Grant, Sandbox};
pub(crate) use scene::Scene;
pub(crate) use schema::{Schema, docs};
pub(crate) use screen::{Button, NOWHERE, Point};
pub(crate) use session::{Parts, Session};
pub(crate) use socket::Answer;
pub(crate) use status::Status;
pub(crate) use system::System;
pub(crate) use tray::Tray;
pub(crate) use upstream::Upstream;
pub(crate) use watcher::Watcher;
pub(crate) use window::Window;
pub(crate) use wine::on_drive;
pub(crate) use wire::{Behaviour, Wire};
pub(crate) use wiretap::Wiretap;

/// Folders, a session bus and, if wanted, a screen. Everything else comes and goes as values of its own.
pub(crate) struct Desktop {
    /// First, so that the X server can take its lock file away before everything else is killed.
    display: Option<Display>,
    pub(crate) environment: Environment,
    pub(crate) bus: Bus,
    /// Where a window lets itself be driven.
    inspector: u16,
}

impl Desktop {
    /// A session without a screen, as over SSH.
    pub(crate) async fn without_screen() -> Self {
        Self::start(Environment::create(), None).await
    }

    /// A session with a screen.
    pub(crate) async fn with_screen() -> Self {
        Self::with_manager("openbox").await
    }

    /// A session on sway, where programs see Wayland alone.
    pub(crate) async fn on_sway() -> Self {
        let mut environment = Environment::create();
        let display = Display::of_sway(&mut environment).await;
        Self::start(environment, Some(display)).await
    }

    /// A session with a screen and this window manager.
    pub(crate) async fn with_manager(manager: &str) -> Self {
        let mut environment = Environment::create();
        let display = Display::start_with(&environment, manager);
        environment.set("DISPLAY", display.name());
        Self::start(environment, Some(display)).await
    }

    /// A session whose screen is named but does not answer yet; [`Display::start_as`] brings it.
    pub(crate) async fn with_promised_screen() -> (Self, String) {
        let mut environment = Environment::create();
        let name = Display::promise();
        environment.set("DISPLAY", &name);
        (Self::start(environment, None).await, name)
    }

    async fn start(mut environment: Environment, display: Option<Display>) -> Self {
        let bus = Bus::start(&environment, "bus").await;
        environment.set("DBUS_SESSION_BUS_ADDRESS", bus.address());
        let inspector = window::free_port();
        window::let_be_driven(&mut environment, inspector);
        Self { display, environment, bus, inspector }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if evidence::is_wanted() && self.display.is_some() {
            evidence::keep_screen(&self.environment);
        }
        // Nobody waits for a window that an agent opened: the test's own time does not have its.
        let spent: f64 = self.environment.processes().into_iter().map(procfs::processor_seconds).sum();
        note(&format!("left to itself: {spent:.2} s on a processor"));
    }
}
