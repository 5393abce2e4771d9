//! The session bus, on which keychain, tray and notifications are. Only whether it answers: the agent speaks to it.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};

use evertoken_core::config::Keychain;

use super::{Finding, Surroundings};

const CHECK: &str = "session-bus";
const VARIABLE: &str = "DBUS_SESSION_BUS_ADDRESS";

/// How the bus was met.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Met {
    /// It takes connections at this address.
    Answers(String),
    /// It does not, at this address.
    Silent(String, io::ErrorKind),
    /// It is reached by other means than a socket of this machine.
    Elsewhere,
    /// No address is known.
    Nowhere,
}

pub(super) fn look(surroundings: &Surroundings, keychain: Option<Keychain>) -> Finding {
    let set = surroundings.variable(VARIABLE);
    // What every D-Bus library takes when the variable is not set.
    let address = set.or_else(|| {
        let socket = surroundings.folder("XDG_RUNTIME_DIR")?.join("bus");
        socket.exists().then(|| format!("unix:path={}", socket.display()))
    });
    verdict(&address.map_or(Met::Nowhere, |address| meet(&address)), keychain)
}

/// Tries the addresses in turn, as the D-Bus specification asks.
fn meet(addresses: &str) -> Met {
    let mut met = Met::Elsewhere;
    for address in addresses.split(';') {
        let Some(socket) = socket(address) else { continue };
        match socket.and_then(|socket| UnixStream::connect_addr(&socket)) {
            Ok(_) => return Met::Answers(address.to_owned()),
            Err(error) => met = Met::Silent(address.to_owned(), error.kind()),
        }
    }
    met
}

/// The socket of an address such as `unix:path=/run/user/1000/bus,guid=…`; `None` for other transports.
fn socket(address: &str) -> Option<io::Result<SocketAddr>> {
    let pairs = address.trim().strip_prefix("unix:")?;
    pairs.split(',').filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| match key {
        "path" => Some(SocketAddr::from_pathname(std::path::PathBuf::from(unescaped(value)))),
        "abstract" => Some(SocketAddr::from_abstract_name(unescaped(value))),
        _ => None,
    })
}

/// Bytes that are written as `%2d` (D-Bus specification, "Server Addresses").
fn unescaped(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn verdict(met: &Met, keychain: Option<Keychain>) -> Finding {
    let what = match met {
        Met::Answers(address) => return Finding::ok(CHECK, format!("It answers at {address}.")),
        Met::Elsewhere => return Finding::ok(CHECK, "It is not a socket of this machine, so it was not tried."),
        Met::Silent(address, kind) => format!("It does not answer at {address}: {kind}."),
        Met::Nowhere => format!("No session bus: {VARIABLE} is not set."),
    };
    let missing = "Log in to a desktop, or run the agent in one: dbus-run-session -- evertoken agent";
    match keychain {
        Some(Keychain::Os) => {
            Finding::fail(CHECK, format!("{what} Keychain, tray and notifications are not there without it."), missing)
        }
        Some(Keychain::File) => {
            Finding::ok(CHECK, format!("{what} None is needed: tokens are in a file, notices in the log."))
        }
        // Without a configuration that can be used it is not known whether the keychain is there.
        Some(Keychain::Memory) | None => {
            Finding::warn(CHECK, format!("{what} Tray and notifications are not there without it."), missing)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::super::Verdict;
    use super::*;

    #[test]
    fn addresses_are_read_as_the_specification_writes_them() {
        let path = |address: &str| {
            let socket = socket(address)?.unwrap();
            socket.as_pathname().map(|path| path.display().to_string())
        };
        assert_eq!(path("unix:path=/run/user/1000/bus,guid=1").unwrap(), "/run/user/1000/bus");
        assert_eq!(path("unix:guid=1,path=/tmp/a%2db%").unwrap(), "/tmp/a-b%");
        assert_eq!(path("tcp:host=localhost,port=1"), None);
        let hidden = socket("unix:abstract=/tmp/x").unwrap().unwrap();
        assert_eq!(hidden.as_abstract_name().unwrap(), b"/tmp/x");
    }

    #[test]
    fn a_bus_that_has_gone_is_a_failure_where_the_keychain_is_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("bus");
        let address = format!("tcp:host=x;unix:path={}", socket.display());
        let met = meet(&address);
        assert!(matches!(met, Met::Silent(_, io::ErrorKind::NotFound)), "{met:?}");
        assert_eq!(verdict(&met, Some(Keychain::Os)).verdict, Verdict::Fail);
        assert_eq!(verdict(&Met::Nowhere, Some(Keychain::Memory)).verdict, Verdict::Warn);
        assert_eq!(verdict(&Met::Nowhere, Some(Keychain::File)).verdict, Verdict::Ok);
        assert_eq!(verdict(&Met::Nowhere, None).verdict, Verdict::Warn);

        let _bus = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(matches!(meet(&address), Met::Answers(_)));
    }
}
