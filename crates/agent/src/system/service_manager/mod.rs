//! What the service manager is told, and what it hands over. Nothing is said where there is none.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod inherited;
#[cfg(target_os = "linux")]
mod systemd;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Inherited, ending, follow, reloaded, reloading};
#[cfg(target_os = "linux")]
pub(crate) use inherited::Inherited;
#[cfg(target_os = "linux")]
pub(crate) use systemd::{ending, follow, reloaded, reloading};
