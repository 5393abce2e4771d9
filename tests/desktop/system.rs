//! A private system bus with doubles of logind and NetworkManager.

use zbus::interface;

use super::Desktop;
use super::bus::Bus;

/// NetworkManager's states that matter here.
const DISCONNECTED: u32 = 20;
const CONNECTED_GLOBAL: u32 = 70;

/// The system bus of one desktop. Start it before the programs that should find it.
pub(crate) struct System {
    bus: Bus,
}

impl System {
    pub(crate) async fn start(desktop: &mut Desktop) -> Self {
        let bus = Bus::start(&desktop.environment, "system-bus").await;
        let connection = bus.connection();
        let server = connection.object_server();
        server.at("/org/freedesktop/login1", Logind).await.unwrap();
        server.at("/org/freedesktop/NetworkManager", NetworkManager).await.unwrap();
        connection.request_name("org.freedesktop.login1").await.unwrap();
        connection.request_name("org.freedesktop.NetworkManager").await.unwrap();
        desktop.environment.set("DBUS_SYSTEM_BUS_ADDRESS", bus.address());
        Self { bus }
    }

    /// One more connection to this bus.
    pub(crate) async fn another_connection(&self) -> zbus::Connection {
        self.bus.another_connection().await
    }

    /// The machine was suspended and is awake again.
    pub(crate) async fn suspend_and_resume(&self) {
        self.suspend().await;
        self.resume().await;
    }

    /// The machine is about to be suspended.
    pub(crate) async fn suspend(&self) {
        self.prepare_for_sleep(true).await;
    }

    /// The machine is awake again.
    pub(crate) async fn resume(&self) {
        self.prepare_for_sleep(false).await;
    }

    async fn prepare_for_sleep(&self, sleeping: bool) {
        self.emit("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep", &(sleeping,)).await;
    }

    /// The network was lost and is back.
    pub(crate) async fn lose_and_find_network(&self) {
        for state in [DISCONNECTED, CONNECTED_GLOBAL] {
            let name = "org.freedesktop.NetworkManager";
            self.emit("/org/freedesktop/NetworkManager", name, "StateChanged", &(state,)).await;
        }
    }

    async fn emit<B>(&self, path: &str, interface: &str, signal: &str, body: &B)
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        self.bus.somebody_listens(interface).await;
        self.bus.connection().emit_signal(None::<&str>, path, interface, signal, body).await.unwrap();
    }
}

struct Logind;

#[interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    #[zbus(property)]
    fn preparing_for_sleep(&self) -> bool {
        false
    }
}

struct NetworkManager;

#[interface(name = "org.freedesktop.NetworkManager")]
impl NetworkManager {
    #[zbus(property)]
    fn state(&self) -> u32 {
        CONNECTED_GLOBAL
    }
}
