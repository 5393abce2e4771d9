//! What becomes of a request: whether it reaches the server, what that says, and what of it an agent hears.

use evertoken_core::login::access_token::AccessTokenInfo;
use evertoken_core::login::rotation::{Answer, Granted};
use evertoken_core::login::token_store::RefreshTokenInfo;
use evertoken_core::oauth::failure::{Failure, NotSent, OutcomeUnknown};
use evertoken_core::oauth::token::{Fingerprint, RefreshToken};
use evertoken_core::oauth::token_response::{self, Grant};
use jiff::SignedDuration;

use super::agent::Job;
use super::clock::{SECOND, timestamp};
use super::server::{Fault, Verdict};
use super::world::{Happening, World};

/// How long an agent waits for an answer.
const TIME_LIMIT: i64 = 30 * SECOND;

impl World {
    pub(super) fn send(&mut self, i: usize, info: RefreshTokenInfo) -> (Answer, i64) {
        let in_slot = self.keychain.token_in(info.slot);
        let token = match &self.running(i).job {
            Job::LogIn(token, ..) => token.clone(),
            Job::Open | Job::Refresh(_) | Job::Forget => in_slot.unwrap(),
        };
        self.check_may_send(i, info, &token);
        let t = self.t;
        let running = self.running(i);
        (running.presented, running.sent_at, running.sending) = (Some(token.clone()), t, true);
        running.new_access = None;
        self.maybe_fail_while_sending();
        self.exchange(i, &token)
    }

    fn exchange(&mut self, i: usize, token: &str) -> (Answer, i64) {
        let failed = |failure| Answer::RequestFailed(failure);
        let unknown = |outcome| failed(Failure::OutcomeUnknown(outcome));
        let fault = self.fault_of_request();
        self.trace(|| format!("agent {i}: sends {token}, {fault:?}"));
        let soon = self.random.spread(20, 2 * SECOND);
        match fault {
            Fault::Dns => (failed(Failure::NotSent(NotSent::Dns)), soon),
            Fault::Refused => (failed(Failure::NotSent(NotSent::Connect)), soon),
            Fault::Tls => (failed(Failure::NotSent(NotSent::Tls)), soon),
            Fault::ClosedBeforeCommit => (unknown(OutcomeUnknown::Interrupted), soon),
            Fault::StalledBeforeCommit => (unknown(OutcomeUnknown::TimedOut), TIME_LIMIT),
            Fault::CommittedLate => {
                self.schedule(TIME_LIMIT + 10 * SECOND, Happening::LateCommit(token.to_owned()));
                (unknown(OutcomeUnknown::TimedOut), TIME_LIMIT)
            }
            Fault::ClosedAfterCommit => (self.lose_answer(token, OutcomeUnknown::Interrupted), soon),
            Fault::StalledAfterCommit => (self.lose_answer(token, OutcomeUnknown::TimedOut), TIME_LIMIT),
            Fault::ServerErrorAfterCommit => {
                self.lose_answer(token, OutcomeUnknown::Interrupted);
                (self.read(i, 500, None, "oops"), soon)
            }
            Fault::ServerError => (self.read(i, 502, None, "<html>bad gateway</html>"), soon),
            Fault::TooManyRequests => (self.read(i, 429, None, ""), soon),
            Fault::Unavailable => (self.read(i, 503, None, "{}"), soon),
            Fault::RetryAfter(seconds) => (self.read(i, 429, Some(seconds), ""), soon),
            Fault::Portal200 => (self.read(i, 200, None, "<html>Sign in to the airport's network</html>"), soon),
            Fault::Portal401 => (self.read(i, 401, None, "<html>Sign in to the airport's network</html>"), soon),
            Fault::Portal403 => (self.read(i, 403, None, r#"{"status":"UNAUTHORIZED"}"#), soon),
            Fault::TornAfterCommit => {
                let (status, body) = self.verdict(token);
                let cut = if status == 200 { body.len() / 2 } else { 1 };
                self.server.lose_children_under_way(token);
                (self.read(i, status, None, &body[..cut]), soon)
            }
            Fault::None | Fault::Slow => {
                let (status, body) = self.verdict(token);
                let answer = self.read(i, status, None, &body);
                let takes = if fault == Fault::Slow { self.random.between(SECOND, TIME_LIMIT - 1) } else { soon };
                (answer, takes)
            }
        }
    }

    fn verdict(&mut self, token: &str) -> (u16, String) {
        let verdict = self.server.exchange(token, self.t);
        if let Verdict::Refused { replayed: true } = verdict {
            self.check_replay(token);
        }
        // A refused candidate gives way to the login before it.
        let left_behind = self.keychain.left_behind().filter(|_| matches!(verdict, Verdict::Refused { .. }));
        if let Some(candidate) = left_behind.filter(|slot| self.keychain.token_in(*slot).as_deref() == Some(token)) {
            // After a log-out nothing has to be held, whatever landed late.
            self.must_hold = self.must_hold.take().and(self.keychain.token_in(candidate.other()));
        }
        self.server.answer(&verdict, token)
    }

    /// The server commits, and nobody hears of it.
    fn lose_answer(&mut self, token: &str, outcome: OutcomeUnknown) -> Answer {
        self.verdict(token);
        self.server.lose_children_under_way(token);
        Answer::RequestFailed(Failure::OutcomeUnknown(outcome))
    }

    /// The answer as core reads it; the clock's moves while it was under way are not the answer's business.
    fn read(&mut self, i: usize, http_status: u16, retry_after: Option<i64>, body: &str) -> Answer {
        let retry_after = retry_after.map(|seconds| seconds.to_string());
        let body = body.as_bytes();
        let answer = token_response::Answer {
            http_status,
            retry_after: retry_after.as_deref(),
            body,
            broken: None,
            secrets: &[],
        };
        match token_response::read(answer, SignedDuration::from_hours(24), self.clock.timestamp(self.t)) {
            Ok(Grant { access_token, refresh_token, lifetime, scope, user_id }) => {
                let running = self.running(i);
                running.new_access = Some(access_token.expose().to_owned());
                running.new_refresh = refresh_token.as_ref().map(|token| body_field(body, "refresh_token", token));
                let issued_at = timestamp(0);
                let access_token = AccessTokenInfo { issued_at, expires_at: issued_at + lifetime, scope, user_id };
                let refresh_token = refresh_token.map(|token| token.fingerprint());
                Answer::Granted(Granted { refresh_token, access_token })
            }
            Err(failure) => Answer::RequestFailed(failure),
        }
    }
}

/// The bytes of a token in an answer, which core shows to nobody.
fn body_field(body: &[u8], name: &str, token: &RefreshToken) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    let bytes = body[name].as_str().unwrap().to_owned();
    assert_eq!(Fingerprint::of(&bytes), token.fingerprint());
    bytes
}
