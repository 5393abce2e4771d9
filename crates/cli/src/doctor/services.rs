//! What the desktop offers on its session bus, by what the agent sees there: who shows its icon and its notifications.

use evertoken_core::api::diagnosis::{Diagnosis, Presence};

use super::Finding;

/// A service: the check's name, what it is called, what is missing without it, and what to do.
struct Service {
    check: &'static str,
    name: &'static str,
    without: &'static str,
    cure: &'static str,
}

const TRAY: Service = Service {
    check: "tray",
    name: "panel with tray icons (org.kde.StatusNotifierWatcher)",
    without: "the icon is not shown",
    cure: "Start one: waybar and polybar have a tray, GNOME needs the extension AppIndicator. The icon comes by itself then.",
};
const NOTIFICATIONS: Service = Service {
    check: "notifications",
    name: "notification daemon (org.freedesktop.Notifications)",
    without: "you are not told when you have to log in",
    cure: "Start one, for instance dunst or mako. What is outstanding is shown then.",
};

/// Nothing while no agent of this version says how it is.
pub(super) fn verdicts(diagnosis: Option<&Diagnosis>) -> Vec<Finding> {
    let Some(diagnosis) = diagnosis else { return Vec::new() };
    let of = |service: &Service, presence: fn(&Diagnosis) -> Option<Presence>| verdict(service, presence(diagnosis));
    vec![
        of(&TRAY, |diagnosis| Some(diagnosis.session_bus?.tray)),
        of(&NOTIFICATIONS, |diagnosis| Some(diagnosis.session_bus?.notifications)),
    ]
}

fn verdict(service: &Service, presence: Option<Presence>) -> Finding {
    let Service { check, name, without, cure } = service;
    match presence {
        Some(Presence::Running) => Finding::ok(check, format!("There is a {name}.")),
        Some(Presence::Startable) => Finding::ok(check, format!("The bus starts a {name} when it is needed.")),
        Some(Presence::Absent) => Finding::warn(check, format!("There is no {name}: {without}."), *cure),
        None => Finding::warn(
            check,
            format!("The agent reaches no session bus: {without}."),
            "Normal on a server. On a desktop fix the session bus if it failed above, or run `evertoken agent stop` and \
             then this command again.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use evertoken_core::api::diagnosis::SessionBus;

    fn found(bus: Option<SessionBus>) -> Vec<Verdict> {
        let diagnosis = Diagnosis { session_bus: bus, ..Diagnosis::default() };
        verdicts(Some(&diagnosis)).iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn what_is_missing_is_told_apart_from_what_starts_by_itself() {
        let bus =
            SessionBus { tray: Presence::Absent, notifications: Presence::Startable, keychain: Presence::Running };
        assert_eq!(found(Some(bus)), [Verdict::Warn, Verdict::Ok]);
        assert_eq!(found(None), [Verdict::Warn, Verdict::Warn]);
        assert_eq!(verdicts(None), []);
    }
}
