//! Which program is at the other end of a connection, as the operating system tells it.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
use elsewhere as platform;
#[cfg(target_os = "linux")]
use linux as platform;

#[cfg(target_os = "linux")]
pub(crate) use linux::program;

use evertoken_core::account::approval::Caller;

/// The process that opened a connection; absent where the system does not tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) Option<u32>);

impl Peer {
    /// Who asks: the program of the process, or of the one that ran `evertoken`.
    pub(crate) fn caller(self) -> Caller {
        let Some(pid) = self.0 else { return Caller::default() };
        let mut caller = pid;
        // `sh -c evertoken …` in a script in a script: deeper than anybody nests, and an end in any case.
        for _ in 0..8 {
            match platform::parent_if_evertoken(caller) {
                Some(parent) => caller = parent,
                None => break,
            }
        }
        Caller { program: platform::program(caller), pid: Some(caller) }
    }
}
