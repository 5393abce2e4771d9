//! The system's trust store. Whether an endpoint's certificate is trusted shows when it is asked; an empty store shows
//! here, before a login depends on it.

use std::path::{Path, PathBuf};

use evertoken_core::oauth::endpoint::Endpoint;

use super::{Finding, Surroundings};

const CHECK: &str = "certificates";
/// Where distributions keep the bundle: Debian and Alpine, Fedora, SUSE, Arch and others.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Where single certificates are.
const FOLDER: &str = "/etc/ssl/certs";
/// Either of these replaces the system's store.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// What a variable names, and whether it can be read.
type Named = (&'static str, PathBuf, bool);

pub(super) fn look(surroundings: &Surroundings, endpoints: &[Endpoint]) -> Finding {
    let named: Vec<Named> = VARIABLES
        .into_iter()
        .filter_map(|name| {
            let places: Vec<PathBuf> = std::env::split_paths(&surroundings.variable(name)?).collect();
            let here = || places.iter().any(|place| has_content(place));
            let can_be_read = surroundings.has_certificates().unwrap_or_else(here);
            Some((name, places.into_iter().next().unwrap_or_default(), can_be_read))
        })
        .collect();
    let store = BUNDLES.into_iter().chain([FOLDER]).map(Path::new).find(|place| has_content(place));
    let store = store.filter(|_| surroundings.has_certificates() != Some(false));
    verdict(endpoints.iter().any(|endpoint| !endpoint.is_loopback()), &named, store)
}

fn has_content(place: &Path) -> bool {
    std::fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_some())
        || (place.is_file() && std::fs::File::open(place).is_ok_and(|f| f.metadata().is_ok_and(|m| m.len() > 0)))
}

fn verdict(is_needed: bool, named: &[Named], store: Option<&Path>) -> Finding {
    if !is_needed {
        return Finding::ok(CHECK, "Not needed: every endpoint is on this machine.");
    }
    if let Some((name, place, _)) = named.iter().find(|(.., can_be_read)| !can_be_read) {
        let what = format!("{name} names {}, where no certificate can be read.", place.display());
        return Finding::fail(CHECK, what, format!("Correct or unset {name}, and restart the agent."));
    }
    if let Some((name, place, _)) = named.first() {
        return Finding::ok(CHECK, format!("Those of {} are trusted ({name}).", place.display()));
    }
    match store {
        Some(store) => Finding::ok(CHECK, format!("Those of {} are trusted.", store.display())),
        None => Finding::fail(
            CHECK,
            "The system has no trusted certificates, so no https endpoint can be asked.",
            "Install them; on Debian and Ubuntu: apt-get install ca-certificates",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_bare_container_is_told_what_to_install() {
        let finding = verdict(true, &[], None);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.cure.is_some_and(|cure| cure.contains("ca-certificates")));
        assert_eq!(verdict(false, &[], None).verdict, Verdict::Ok);
    }

    #[test]
    fn a_variable_that_hides_the_systems_store_is_named() {
        let store = Some(Path::new(BUNDLES[0]));
        let wrong = [("SSL_CERT_FILE", PathBuf::from("/gone.pem"), false)];
        let finding = verdict(true, &wrong, store);
        assert_eq!(finding.cure.as_deref(), Some("Correct or unset SSL_CERT_FILE, and restart the agent."));
        assert_eq!(verdict(true, &[], store).verdict, Verdict::Ok);
    }
}
