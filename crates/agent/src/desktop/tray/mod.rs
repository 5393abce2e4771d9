//! The icon in the tray. It renders [`evertoken_core::present::tray::Tray`] and knows nothing else; the agent runs just as well
//! without one.

pub(super) mod picture;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::is_there;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Tray, run_on_main_thread};
#[cfg(target_os = "linux")]
pub use linux::Tray;
#[cfg(target_os = "linux")]
pub(crate) use linux::is_there;

use std::sync::Arc;

/// Computes what the tray shows, now. It is called on every change and whenever the menu opens, so it must be quick and
/// must not block.
pub type Provider = Arc<dyn Fn() -> evertoken_core::present::tray::Tray + Send + Sync>;
