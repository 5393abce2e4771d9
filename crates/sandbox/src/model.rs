//! The server without its sockets: everything it remembers and decides. Time and randomness are arguments.

use jiff::Timestamp;
use serde::Deserialize;

use crate::answer::Answer;
use crate::arguments::Settings;
use crate::authorization::{Codes, Consent};
use crate::client::Client;
use crate::device::{Devices, Polled};
use crate::family::{Families, SignIn, TokenBytes};
use crate::fault::{Fault, FaultQueue};
use crate::fingerprint::Fingerprint;
use crate::gate::Gates;
use crate::grant::Grant;
use crate::period::{Period, Skew};
use crate::request_error::RequestError;
use crate::request_log::{Arrival, Ending, Outcome, RequestId, RequestLog};
use crate::token::Seed;
use crate::token_request::{Code, Dialect, TokenRequest};
use crate::verdict::{Refusal, Rotation};

/// Who signs in where nobody else is named: always the same person, as on anybody's own machine.
const PERSON: &str = "usr:6c1e7b52-3f0a-4d1c-9a57-0b9d2f4e8c11";

/// The one state of the server.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) settings: Settings,
    /// The one client that may ask; none: anybody.
    pub(crate) client: Option<Client>,
    pub(crate) families: Families,
    pub(crate) faults: FaultQueue,
    pub(crate) gates: Gates,
    pub(crate) requests: RequestLog,
    /// What is answered when a browser asks to sign in.
    pub(crate) consent: Consent,
    pub(crate) codes: Codes,
    pub(crate) devices: Devices,
    /// How far the server's clock is ahead of this machine's.
    pub(crate) skew: Skew,
}

/// The body of `POST /sandbox/sign-in`; what is left out is as the command line says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SignInRequest {
    pub(crate) user_id: Option<String>,
    expires_in: Option<Period>,
    refresh_expires_in: Option<Period>,
}

/// A token request that has been decided: what is to be answered and what is to be recorded.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) answer: Answer,
    pub(crate) outcome: Outcome,
    pub(crate) successor: Option<Fingerprint>,
}

impl Model {
    pub(crate) fn new(settings: Settings, client: Option<Client>) -> Self {
        Self {
            settings,
            client,
            families: Families::default(),
            faults: FaultQueue::default(),
            gates: Gates::default(),
            requests: RequestLog::default(),
            consent: Consent::default(),
            codes: Codes::default(),
            devices: Devices::default(),
            skew: Skew::default(),
        }
    }

    pub(crate) fn sign_in(&mut self, request: SignInRequest, seed: &Seed, now: Timestamp) -> Grant {
        let login = SignIn {
            user_id: request.user_id.unwrap_or_else(|| PERSON.to_owned()),
            expires_in: request.expires_in.unwrap_or(self.settings.expires_in),
            refresh_expires_in: request.refresh_expires_in.unwrap_or(self.settings.refresh_expires_in),
        };
        let bytes = self.token_bytes();
        self.families.sign_in(login, bytes, seed, now)
    }

    /// A token request has arrived: records it and says what it meets.
    pub(crate) fn arrive(&mut self, arrival: Arrival) -> (RequestId, Fault) {
        (self.requests.arrived(arrival), self.faults.next())
    }

    /// Does what the request asks for: from here on the presented token is spent.
    pub(crate) fn commit(
        &mut self,
        dialect: Dialect,
        request: &Result<TokenRequest, RequestError>,
        seed: &Seed,
        now: Timestamp,
    ) -> Decision {
        if let (Dialect::OAuth, Ok(Some(code))) = (dialect, request.as_ref().map(TokenRequest::code)) {
            return self.redeem(&code, seed, now);
        }
        let read = |request| match dialect {
            Dialect::Reference | Dialect::OAuth => TokenRequest::refresh_token(request),
            Dialect::Revocation => TokenRequest::token_to_revoke(request),
        };
        let presented = match request.as_ref().map_err(Clone::clone).and_then(read) {
            Ok(token) => token.fingerprint(),
            Err(error) => {
                let answer = Answer::invalid(&error, dialect);
                return Decision { answer, outcome: Outcome::Invalid, successor: None };
            }
        };
        if dialect == Dialect::Revocation {
            self.families.revoke_login_of(presented);
            // Also of a token that nobody knows (RFC 7009 section 2.2).
            return Decision { answer: Answer::empty(200), outcome: Outcome::Revoked, successor: None };
        }
        let bytes = self.token_bytes();
        let granted = |grant: &Grant, outcome| Decision {
            answer: Answer::granted(grant),
            outcome,
            successor: Some(grant.refresh_token.fingerprint()),
        };
        match self.families.rotate(presented, self.settings.grace, bytes, seed, now) {
            Rotation::Granted(grant) => granted(&grant, Outcome::Granted),
            Rotation::ReplayedWithinGrace(grant) => granted(&grant, Outcome::ReplayedWithinGrace),
            Rotation::Refused(refusal) => Decision {
                answer: Answer::refused(refusal, dialect, &seed.hex("trace", 32)),
                outcome: match refusal {
                    Refusal::Replayed => Outcome::Replayed,
                    Refusal::Expired { .. } | Refusal::Unknown | Refusal::Revoked => Outcome::Refused,
                },
                successor: None,
            },
        }
    }

    /// A code becomes a login, once.
    fn redeem(&mut self, code: &Code<'_>, seed: &Seed, now: Timestamp) -> Decision {
        let refused = |error: &str, outcome| Decision { answer: Answer::error(error), outcome, successor: None };
        let user_id = match code {
            Code::Authorization { code, redirect_uri, verifier, client_id } => {
                match self.codes.redeem(code, redirect_uri, verifier, *client_id, now) {
                    Ok(user_id) => user_id,
                    Err(replayed) => {
                        // Somebody else has it too (RFC 6749 section 4.1.2).
                        replayed.into_iter().for_each(|login| self.families.revoke_login_of(login));
                        return refused("invalid_grant", Outcome::Refused);
                    }
                }
            }
            Code::Device(code) => match self.devices.poll(code, now) {
                Polled::Approved(user_id) => user_id,
                Polled::Pending(error) => return refused(error, Outcome::Pending),
                Polled::Refused(error) => return refused(error, Outcome::Refused),
            },
        };
        let grant = self.sign_in(SignInRequest { user_id, ..SignInRequest::default() }, seed, now);
        let login = grant.refresh_token.fingerprint();
        if let Code::Authorization { code, .. } = code {
            self.codes.led_to(code, login);
        }
        Decision { answer: Answer::granted(&grant), outcome: Outcome::Granted, successor: Some(login) }
    }

    /// The request's answer is on its way, as `fault` left it.
    pub(crate) fn end(&mut self, request: RequestId, fault: &Fault, decision: &Decision) {
        let ending = Ending {
            outcome: if fault.spoils_answer() { Outcome::Fault } else { decision.outcome },
            status: fault.close.is_none().then(|| decision.answer.status()),
            successor: decision.successor,
        };
        self.requests.ended(request, ending);
    }

    fn token_bytes(&self) -> TokenBytes {
        TokenBytes { access_token: self.settings.access_token_bytes, refresh_token: self.settings.refresh_token_bytes }
    }
}

impl Decision {
    /// Nothing was committed: the fault has the word.
    pub(crate) fn none() -> Self {
        Self { answer: Answer::empty(500), outcome: Outcome::Fault, successor: None }
    }

    pub(crate) fn under(mut self, fault: &Fault) -> Self {
        self.answer = fault.apply(self.answer);
        self
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use clap::Parser as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::arguments::Arguments;
    use crate::fault::Faults;
    use crate::token::RefreshToken;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn model() -> Model {
        Model::new(Arguments::parse_from(["evertoken-sandbox"]).settings, None)
    }

    /// One token request under `fault`, from its arrival to its end; what the log says of it.
    fn exchange(model: &mut Model, token: &RefreshToken, fault: Value, seed: u8) -> Value {
        model.faults.push(serde_json::from_value::<Faults>(fault).unwrap()).unwrap();
        let arrival = Arrival {
            at: NOW,
            path: String::new(),
            content_type: None,
            grant_type: None,
            fingerprint: None,
            headers: Vec::new(),
        };
        let (id, fault) = model.arrive(arrival);
        let request = Ok(TokenRequest::presenting(token.clone()));
        let decision = if fault.commits() {
            model.commit(Dialect::Reference, &request, &Seed::of(seed), NOW)
        } else {
            Decision::none()
        };
        model.end(id, &fault, &decision.under(&fault));
        let last = model.requests.finished() - 1;
        model.requests.to_json()[last].take()
    }

    #[test]
    fn the_log_tells_a_spoilt_answer_from_a_real_one() {
        let mut model = model();
        let token = model.sign_in(SignInRequest::default(), &Seed::of(0), NOW).refresh_token;
        let seen = |entry: Value| (entry["outcome"].clone(), entry["status"].clone(), entry["successor"].is_string());

        let untouched = exchange(&mut model, &token, json!({"status": 503}), 1);
        assert_eq!(seen(untouched), (json!("fault"), json!(503), false));
        let lost = exchange(&mut model, &token, json!({"close": "after"}), 2);
        assert_eq!(seen(lost), (json!("fault"), Value::Null, true));
        let retried = exchange(&mut model, &token, json!({}), 3);
        assert_eq!(seen(retried), (json!("replayed-within-grace"), json!(200), true));
        let replayed = exchange(&mut model, &token, json!({}), 4);
        assert_eq!(seen(replayed), (json!("replayed"), json!(401), false));
    }

    #[test]
    fn a_request_without_its_token_spends_nothing() {
        let mut model = model();
        let decision = model.commit(Dialect::Reference, &Ok(TokenRequest::default()), &Seed::of(0), NOW);
        assert_eq!((decision.outcome, decision.answer.status()), (Outcome::Invalid, 400));
    }
}
