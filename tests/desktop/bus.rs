//! A private D-Bus.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use zbus::Connection;
use zbus::names::BusName;

use super::deadline::eventually;
use super::environment::Environment;
use super::process::Process;

/// A message bus of its own: it starts nothing but what [`Environment::offer_service`] offered.
pub(crate) struct Bus {
    address: String,
    connection: Connection,
    _daemon: Process,
}

impl Bus {
    /// Starts a bus; `name` tells several in one desktop apart.
    pub(crate) async fn start(environment: &Environment, name: &str) -> Self {
        let config = environment.path(format!("{name}.conf"));
        let socket = environment.path("run").join(name);
        fs::write(&config, rules(&socket, &environment.path("services"))).unwrap();
        let mut command = environment.command("dbus-daemon");
        command.arg(format!("--config-file={}", config.display())).args([
            "--nofork",
            "--nopidfile",
            "--nosyslog",
            "--print-address=1",
        ]);
        let (daemon, address) = Process::spawn_until_line(&mut command, |line| Some(line.to_owned()));
        let connection = connect(&address).await;
        Self { address, connection, _daemon: daemon }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The test's own connection.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// One more connection, for a double that comes and goes.
    pub(crate) async fn another_connection(&self) -> Connection {
        connect(&self.address).await
    }

    /// Whether someone owns this name now.
    pub(crate) async fn has_owner(&self, name: &str) -> bool {
        let dbus = zbus::fdo::DBusProxy::new(&self.connection).await.unwrap();
        let name = BusName::try_from(name).unwrap();
        dbus.name_has_owner(name).await.unwrap()
    }

    /// Waits until someone owns this name.
    pub(crate) async fn owned(&self, name: &str) {
        eventually(&format!("{name} is on the bus"), async || self.has_owner(name).await.then_some(())).await;
    }

    /// Waits until this connection listens for signals of this interface, so that emitting one is not in vain.
    pub(crate) async fn listens(&self, listener: &str, interface: &str) {
        eventually(&format!("{listener} listens to {interface}"), async || {
            let rules = self.match_rules().await;
            rules.get(listener).is_some_and(|rules| rules.contains(interface)).then_some(())
        })
        .await;
    }

    /// Waits until any connection listens for signals of this interface.
    pub(crate) async fn somebody_listens(&self, interface: &str) {
        eventually(&format!("somebody listens to {interface}"), async || {
            let rules = self.match_rules().await;
            rules.values().any(|rules| rules.contains(interface)).then_some(())
        })
        .await;
    }

    /// What each connection listens for, as the bus tells it.
    async fn match_rules(&self) -> HashMap<String, String> {
        let stats = "org.freedesktop.DBus.Debug.Stats";
        let dbus = (Some("org.freedesktop.DBus"), "/org/freedesktop/DBus");
        let reply = self.connection.call_method(dbus.0, dbus.1, Some(stats), "GetAllMatchRules", &()).await.unwrap();
        let rules: HashMap<String, Vec<String>> = reply.body().deserialize().unwrap();
        rules.into_iter().map(|(listener, rules)| (listener, rules.join("\n"))).collect()
    }
}

async fn connect(address: &str) -> Connection {
    zbus::connection::Builder::address(address).unwrap().build().await.unwrap()
}

fn rules(socket: &Path, services: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        socket.display(),
        services.display()
    )
}
