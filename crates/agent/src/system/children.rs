//! Programs that the agent starts and that are not part of it: the window, the browser, a person's command. They inherit
//! no open file, which `keep_files` sees to at the start, and no variable that was meant for the agent alone.

use std::process::Command;

/// What a service manager tells the agent alone, and a token that a shell around it had.
const VARIABLES: [&str; 17] = [
    "NOTIFY_SOCKET",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "CREDENTIALS_DIRECTORY",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "VAULT_ACCESS_TOKEN",
    "EVERTOKEN_PROXY_URL",
    "EVERTOKEN_PROXY_TOKEN",
    "EVERTOKEN_PROXY_SOCKET",
    "EVERTOKEN_FAIL_POINT",
];

/// Takes away what is the agent's own.
pub(crate) fn keep_variables_from(command: &mut Command) {
    for variable in VARIABLES {
        command.env_remove(variable);
    }
}

/// Whatever is open now ends with this program: what it starts later does not get it.
pub(crate) fn keep_files() {
    #[cfg(unix)]
    close_fds::set_fds_cloexec(3, &[]);
}
