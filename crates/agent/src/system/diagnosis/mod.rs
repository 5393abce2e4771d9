//! What only the agent can see of its surroundings. Looked at when somebody asks, never by itself.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
use elsewhere as platform;
#[cfg(target_os = "linux")]
use linux as platform;

use evertoken_core::api::diagnosis::Diagnosis;

use crate::http::endpoint_clock;

pub(crate) async fn diagnosis() -> Diagnosis {
    Diagnosis { session_bus: platform::session_bus().await, endpoint_clock_ahead: endpoint_clock::ahead() }
}
