//! What a person has to do while a sign-in waits for them.

use crate::present::wall_clock::WallClock;
use jiff::Timestamp;
use serde::Serialize;

use crate::api::requests::SignInPrompt;
use crate::present::sentence::local_time;

/// All that the page shows of a sign-in under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Waiting {
    /// What to do, in a sentence.
    pub words: String,
    /// The code to enter; empty where there is none.
    pub code: String,
    /// What the address is for, in a sentence; empty where there is none.
    pub address_words: String,
    /// The address to open; empty where there is none.
    pub address: String,
    /// The server's address for a browser on another machine; empty where there is none.
    pub elsewhere: String,
    /// Until when: "Waiting until 14:32."
    pub until: String,
}

impl Waiting {
    /// What a sign-in tells at `now`, in the person's time zone.
    #[must_use]
    pub fn of(prompt: &SignInPrompt, now: Timestamp, wall: &WallClock) -> Self {
        let until = |at: &Timestamp| format!("Waiting until {}.", local_time(*at, now, wall));
        match prompt {
            SignInPrompt::Browser { url, opened, authorization_url, expires_at, .. } => {
                let (words, address_words) = if *opened {
                    (
                        "Your browser opens for the sign-in. This window continues automatically.",
                        "If none does, open this address on this machine:",
                    )
                } else {
                    (
                        "Sign in with a browser. This window continues automatically.",
                        "Open this address on this machine:",
                    )
                };
                Self {
                    words: words.to_owned(),
                    code: String::new(),
                    address_words: address_words.to_owned(),
                    address: url.clone(),
                    elsewhere: authorization_url.clone(),
                    until: until(expires_at),
                }
            }
            SignInPrompt::Device { user_code, verification_uri, verification_uri_complete: _, expires_at } => Self {
                words: "Enter this code on any device. This window continues automatically.".to_owned(),
                code: user_code.clone(),
                address_words: "Enter it at:".to_owned(),
                address: verification_uri.clone(),
                elsewhere: String::new(),
                until: until(expires_at),
            },
            SignInPrompt::Command { expires_at } => Self {
                words: "Running the account’s sign-in command. This window continues automatically.".to_owned(),
                code: String::new(),
                address_words: String::new(),
                address: String::new(),
                elsewhere: String::new(),
                until: until(expires_at),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn waiting(prompt: &SignInPrompt) -> Waiting {
        Waiting::of(prompt, "2026-11-22T14:27:00Z".parse().unwrap(), &WallClock::UTC)
    }

    fn expires_at() -> Timestamp {
        "2026-11-22T14:32:00Z".parse().unwrap()
    }

    #[test]
    fn a_person_whose_browser_did_not_open_is_not_told_to_look_at_it() {
        let told = |opened| {
            let url = "http://127.0.0.1:4000/abc".to_owned();
            let (redirect_uri, authorization_url) = (String::new(), String::new());
            waiting(&SignInPrompt::Browser { url, opened, redirect_uri, authorization_url, expires_at: expires_at() })
        };
        assert!(told(true).words.starts_with("Your browser opens"), "{:?}", told(true));
        assert!(!told(false).words.contains("opens"), "{:?}", told(false));
        assert_eq!(
            (told(false).address.as_str(), told(false).until.as_str()),
            ("http://127.0.0.1:4000/abc", "Waiting until 14:32.")
        );
    }

    #[test]
    fn a_code_comes_with_the_place_to_enter_it() {
        let told = waiting(&SignInPrompt::Device {
            user_code: "WDJB-MJHT".to_owned(),
            verification_uri: "https://i.example/device".to_owned(),
            verification_uri_complete: Some("https://i.example/device?user_code=WDJB-MJHT".to_owned()),
            expires_at: expires_at(),
        });
        assert_eq!((told.code.as_str(), told.address.as_str()), ("WDJB-MJHT", "https://i.example/device"));
    }

    #[test]
    fn a_command_leaves_nothing_to_do() {
        let told = waiting(&SignInPrompt::Command { expires_at: expires_at() });
        assert_eq!((told.code, told.address), (String::new(), String::new()));
    }
}
