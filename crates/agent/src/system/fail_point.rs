//! Places at which a test kills the process. Compiled out of release builds.

/// Kills this process, as a power cut would, when `EVERTOKEN_FAIL_POINT` names the place.
#[cfg(debug_assertions)]
pub(crate) fn fail_point(place: &str) {
    if is_set(place) {
        #[cfg(unix)]
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // All threads stop, and nothing is dropped.
        #[cfg(not(unix))]
        std::process::exit(1);
    }
}

/// Does `EVERTOKEN_FAIL_POINT` name this place? Never in a release build.
pub(crate) fn is_set(place: &str) -> bool {
    cfg!(debug_assertions) && std::env::var_os("EVERTOKEN_FAIL_POINT").is_some_and(|wanted| wanted == place)
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) fn fail_point(_place: &str) {}
