//! Signing in on another device: device codes and what people say to them (RFC 8628).

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments::Settings;
use crate::fingerprint::Fingerprint;
use crate::token::Seed;

/// Letters that nobody mistakes, and no words (RFC 8628 section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// What `slow_down` adds (RFC 8628 section 3.5).
const SLOWER: SignedDuration = SignedDuration::from_secs(5);

/// What is said to a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeviceAnswer {
    Approve,
    Deny,
    Expire,
    /// The next poll is told to slow down.
    SlowDown,
}

/// What a poll is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    Approved(Option<String>),
    /// To be asked again: RFC 8628's error.
    Pending(&'static str),
    Refused(&'static str),
}

#[derive(Debug)]
struct Device {
    code: Fingerprint,
    user_code: String,
    expires_at: Timestamp,
    interval: SignedDuration,
    polled_at: Option<Timestamp>,
    is_too_fast: bool,
    answer: Option<(bool, Option<String>)>,
}

/// All devices that wait, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Devices(Vec<Device>);

impl Devices {
    /// The documented answer for one more, of a server at `base`.
    pub(crate) fn begin(&mut self, base: &str, settings: &Settings, seed: &Seed, now: Timestamp) -> Value {
        let code = seed.hex("device", 64);
        let user_code = user_code(seed);
        self.0.push(Device {
            code: Fingerprint::of(&code),
            user_code: user_code.clone(),
            expires_at: settings.device_expires_in.after(now),
            interval: SignedDuration::from_secs(settings.device_interval.as_secs()),
            polled_at: None,
            is_too_fast: false,
            answer: None,
        });
        json!({
            "device_code": code,
            "user_code": user_code,
            "verification_uri": format!("{base}/oauth/device"),
            "verification_uri_complete": format!("{base}/oauth/device?user_code={user_code}"),
            "expires_in": settings.device_expires_in.as_secs(),
            "interval": settings.device_interval.as_secs(),
        })
    }

    /// Says it to a code, or to the newest; `false`: no device waits with that.
    pub(crate) fn answer(
        &mut self,
        user_code: Option<&str>,
        answer: DeviceAnswer,
        user_id: Option<String>,
        now: Timestamp,
    ) -> bool {
        let typed = user_code.map(|code| code.trim().to_ascii_uppercase());
        let mut waiting = self.0.iter_mut().rev().filter(|device| device.expires_at > now && device.answer.is_none());
        let Some(device) = waiting.find(|device| typed.as_ref().is_none_or(|typed| *typed == device.user_code)) else {
            return false;
        };
        match answer {
            DeviceAnswer::Approve => device.answer = Some((true, user_id)),
            DeviceAnswer::Deny => device.answer = Some((false, None)),
            DeviceAnswer::Expire => device.expires_at = now,
            DeviceAnswer::SlowDown => device.is_too_fast = true,
        }
        true
    }

    pub(crate) fn poll(&mut self, code: &str, now: Timestamp) -> Polled {
        let code = Fingerprint::of(code);
        let Some(at) = self.0.iter().position(|device| device.code == code) else {
            return Polled::Refused("invalid_grant");
        };
        let device = &mut self.0[at];
        if device.expires_at <= now {
            return Polled::Refused("expired_token");
        }
        let last = device.polled_at.replace(now);
        let is_early = last.is_some_and(|last| now.duration_since(last) < device.interval);
        if std::mem::take(&mut device.is_too_fast) || is_early {
            device.interval += SLOWER;
            return Polled::Pending("slow_down");
        }
        match &device.answer {
            None => Polled::Pending("authorization_pending"),
            Some((false, _)) => Polled::Refused("access_denied"),
            Some((true, _)) => Polled::Approved(self.0.remove(at).answer.and_then(|(_, user_id)| user_id)),
        }
    }
}

fn user_code(seed: &Seed) -> String {
    let digits = seed.hex("user code", 16);
    let letter =
        |pair: &str| char::from(LETTERS[usize::from(u8::from_str_radix(pair, 16).unwrap_or(0)) % LETTERS.len()]);
    let letters: Vec<char> = (0..8).map(|at| letter(&digits[2 * at..2 * at + 2])).collect();
    let text = |part: &[char]| part.iter().collect::<String>();
    format!("{}-{}", text(&letters[..4]), text(&letters[4..]))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use clap::Parser as _;

    use super::*;
    use crate::arguments::Arguments;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn begun() -> (Devices, String, String) {
        let settings = Arguments::parse_from(["evertoken-sandbox"]).settings;
        let mut devices = Devices::default();
        let body = devices.begin("http://a", &settings, &Seed::of(1), at(0));
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        assert_eq!((body["interval"].as_i64(), body["expires_in"].as_i64()), (Some(5), Some(600)));
        (devices, text("device_code"), text("user_code"))
    }

    #[test]
    fn a_device_waits_for_its_person_and_is_let_in_once() {
        let (mut devices, code, user_code) = begun();
        assert_eq!(devices.poll(&code, at(5)), Polled::Pending("authorization_pending"));
        assert!(!devices.answer(Some("WRONG"), DeviceAnswer::Approve, None, at(6)));
        assert!(devices.answer(Some(&user_code.to_lowercase()), DeviceAnswer::Approve, Some("u".into()), at(6)));
        assert_eq!(devices.poll(&code, at(10)), Polled::Approved(Some("u".into())));
        assert_eq!(devices.poll(&code, at(20)), Polled::Refused("invalid_grant"));
    }

    #[test]
    fn who_polls_too_fast_is_slowed_down() {
        let (mut devices, code, _) = begun();
        devices.poll(&code, at(0));
        assert_eq!(devices.poll(&code, at(4)), Polled::Pending("slow_down"));
        assert_eq!(devices.poll(&code, at(13)), Polled::Pending("slow_down"), "10 s by now");
        assert_eq!(devices.poll(&code, at(28)), Polled::Pending("authorization_pending"));
    }

    #[test]
    fn a_code_ends_by_no_and_by_time() {
        let (mut devices, code, _) = begun();
        assert!(devices.answer(None, DeviceAnswer::Deny, None, at(1)));
        assert_eq!(devices.poll(&code, at(5)), Polled::Refused("access_denied"));
        let (mut devices, code, _) = begun();
        assert_eq!(devices.poll(&code, at(600)), Polled::Refused("expired_token"));
        assert!(!devices.answer(None, DeviceAnswer::Approve, None, at(600)));
    }
}
