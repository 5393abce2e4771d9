//! The named pipe: for its owner and the system alone, and for this machine alone.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evertoken_core::config::paths::pipe_name;
use interprocess::os::windows::named_pipe::PipeListenerOptions;
use interprocess::os::windows::named_pipe::pipe_mode::Bytes;
use interprocess::os::windows::named_pipe::tokio::{DuplexPipeStream, PipeListener};
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use tracing::warn;
use widestring::u16cstr;

use crate::system::peer::Peer;
use crate::system::service_manager::Inherited;

/// A client's connection.
pub(super) type Stream = DuplexPipeStream<Bytes>;

/// The pipe, held by this process alone.
pub(crate) struct Listener(PipeListener<Bytes, Bytes>);

/// Why there is no pipe.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another agent listens there.
    #[error("another agent already serves {0}: use that one, or end it first")]
    AnotherAgent(PathBuf),
    /// The pipe cannot be made.
    #[error("the pipe {0} cannot be made: {1}")]
    Io(PathBuf, io::Error),
}

/// Makes the pipe, unless another agent has it.
pub(crate) fn bind(path: &Path, _inherited: Inherited) -> Result<Listener, BindError> {
    // Inherits nothing (P), and grants all (GA) to its owner (OW) and to the system (SY). By default everybody may read.
    let owner_only = u16cstr!("D:P(A;;GA;;;OW)(A;;GA;;;SY)");
    let made = SecurityDescriptor::deserialize(owner_only).and_then(|access| {
        let options = PipeListenerOptions::new().path(pipe_name(path, std::env::var_os("USERNAME")));
        options.accept_remote(false).security_descriptor(Some(access)).create_tokio_duplex()
    });
    made.map(Listener).map_err(|error| {
        if error.kind() == io::ErrorKind::PermissionDenied {
            return BindError::AnotherAgent(path.to_owned());
        }
        BindError::Io(path.to_owned(), error)
    })
}

impl Listener {
    /// The next client and the process that connected; `None` when the system has no more connections.
    pub(crate) async fn accept(&self) -> Option<(Stream, Peer)> {
        match self.0.accept().await {
            Ok(stream) => {
                let peer = Peer::new(stream.client_process_id().ok());
                Some((stream, peer))
            }
            Err(error) => {
                warn!("a client could not be served: {error}");
                // It passes when other clients leave.
                tokio::time::sleep(Duration::from_millis(100)).await;
                None
            }
        }
    }
}

/// Handles are not counted on Windows.
pub(super) const fn open_files(wanted: usize) -> usize {
    wanted
}
