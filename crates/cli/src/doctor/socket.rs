use std::path::Path;

use super::Finding;
use super::entry::{Entry, me};

const CHECK: &str = "socket";
/// In bytes: `sun_path` of `struct sockaddr_un` less its final zero, 108 on Linux and 104 on macOS and the BSDs.
const LONGEST_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

pub(super) fn look(socket: &Path) -> Finding {
    let folder = socket.parent().unwrap_or(Path::new("/"));
    verdict(socket, Entry::of(folder), Entry::of(socket), me())
}

fn verdict(path: &Path, folder: Option<Entry>, socket: Option<Entry>, me: u32) -> Finding {
    let parent = path.parent().unwrap_or(Path::new("/")).display();
    let shown = path.display();
    if path.as_os_str().len() > LONGEST_PATH {
        return Finding::fail(
            CHECK,
            format!("The path {shown} is longer than the {LONGEST_PATH} bytes that a socket's path may have."),
            "Set EVERTOKEN_SOCKET to a shorter path.",
        );
    }
    let (Some(folder), Some(socket)) = (folder, socket) else {
        let what = format!("There is no {shown}: no agent listens.");
        return Finding::warn(CHECK, what, "Fix the agent problem above first.");
    };
    // Root's own folders, such as /tmp, are nobody's trap.
    if ![me, 0].contains(&folder.owner) {
        let what = format!("The folder {parent} belongs to another user, who could put another socket there.");
        return Finding::fail(CHECK, what, "Check XDG_RUNTIME_DIR and EVERTOKEN_SOCKET.");
    }
    if (folder.is_writable_by_everybody() || folder.is_writable_by_group()) && !folder.is_sticky() {
        let what = format!("Others may write to the folder {parent}, and could put a socket of theirs there.");
        return Finding::fail(CHECK, what, format!("Run: chmod 700 '{parent}'"));
    }
    if !socket.is_socket {
        let what = format!("{shown} is not a socket.");
        return Finding::fail(CHECK, what, "Move it away, or set EVERTOKEN_SOCKET to another path.");
    }
    if socket.owner != me {
        let what = format!("{shown} belongs to another user.");
        return Finding::fail(CHECK, what, "Run this as the user who runs the agent.");
    }
    if socket.mode & 0o077 != 0 {
        let what = format!("Others may connect to {shown}; the agent turns them away.");
        return Finding::warn(CHECK, what, format!("Run: chmod 600 '{shown}'"));
    }
    Finding::ok(CHECK, format!("{shown} is yours alone."))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    const ME: u32 = 1000;

    fn found(folder: u32, socket: u32, owner: u32) -> Finding {
        let entry = |mode, owner, is_socket| Some(Entry { mode, owner, is_socket });
        let path = Path::new("/run/user/1000/evertoken/agent.sock");
        verdict(path, entry(folder, ME, false), entry(socket, owner, true), ME)
    }

    #[test]
    fn a_socket_that_others_could_replace_is_named() {
        assert_eq!(found(0o700, 0o600, ME).verdict, Verdict::Ok);
        for open in [0o777, 0o770, 0o722] {
            let finding = found(open, 0o600, ME);
            assert_eq!(finding.verdict, Verdict::Fail);
            assert_eq!(finding.cure.as_deref(), Some("Run: chmod 700 '/run/user/1000/evertoken'"));
        }
        assert_eq!(found(0o1777, 0o600, ME).verdict, Verdict::Ok);
        assert_eq!(found(0o700, 0o600, 1001).verdict, Verdict::Fail);
        assert_eq!(found(0o700, 0o666, ME).verdict, Verdict::Warn);
    }

    #[test]
    fn a_path_that_no_system_takes_is_named_before_the_socket_is_missed() {
        let path = format!("/{}/agent.sock", "x".repeat(LONGEST_PATH));
        let finding = verdict(Path::new(&path), None, None, ME);
        assert_eq!(finding.cure.as_deref(), Some("Set EVERTOKEN_SOCKET to a shorter path."));
    }
}
