//! The local API, version 1: HTTP over a socket that only this user can open.

mod arguments;
mod connection;
#[cfg(unix)]
mod half_closed;
#[cfg(windows)]
#[path = "whole_closed.rs"]
mod half_closed;
mod health;
mod json;
mod origin;
mod refusal;
mod routes;
mod token_read;
#[cfg(unix)]
mod unix;
mod usual_read;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::BindError;
#[cfg(unix)]
pub(crate) use unix::{Listener, bind};
#[cfg(unix)]
use unix::{Stream, open_files};
#[cfg(windows)]
pub use windows::BindError;
#[cfg(windows)]
pub(crate) use windows::{Listener, bind};
#[cfg(windows)]
use windows::{Stream, open_files};

use tokio::sync::watch;

use crate::request::OwnerHandle;
use crate::store::token_file::TokenFileStore;

/// Serves clients until `closing` says so. Those who have come in by then get their answers, and the next agent gets the
/// socket, in which the others wait.
pub(crate) async fn serve(
    listener: Listener,
    owner: OwnerHandle,
    token_files: TokenFileStore,
    closing: watch::Receiver<bool>,
) -> Listener {
    connection::accept_all(&listener, routes::Api::new(owner, token_files), closing).await;
    listener
}
