//! The calls under `/sandbox`: for people and tests, not part of the contract.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::authorization::{Consent, Decision};
use crate::device::DeviceAnswer;
use crate::fault::{Faults, Hold};
use crate::fingerprint::{Fingerprint, FingerprintError};
use crate::http::{from_json, from_json_required, seed};
use crate::model::{Model, SignInRequest};
use crate::period::Skew;
use crate::state::Shared;

/// Below the minute after which most HTTP clients give up.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

type Answered = Result<Answer, Answer>;

/// Names the gate that opens.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    #[serde(default)]
    name: Hold,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockRequest {
    skew: Skew,
}

/// What `GET /sandbox/requests` waits for, up to 30 s: all of what is given.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WaitFor {
    /// That many requests have finished.
    wait_for: usize,
    /// That many requests are in flight.
    wait_for_in_flight: usize,
    /// A request waits at this gate.
    wait_for_held: Option<String>,
}

impl WaitFor {
    fn is_met(&self, model: &Model) -> bool {
        model.requests.finished() >= self.wait_for
            && model.requests.in_flight() >= self.wait_for_in_flight
            && self.wait_for_held.as_ref().is_none_or(|name| model.gates.is_waiting(name))
    }
}

pub(crate) async fn sign_in(State(shared): State<Shared>, body: Bytes) -> Answered {
    let request: SignInRequest = from_json(&body)?;
    let seed = seed()?;
    Ok(Answer::granted(&shared.change(|model, now| model.sign_in(request, &seed, now))))
}

pub(crate) async fn expire(State(shared): State<Shared>) -> Answer {
    let expired = shared.change(|model, now| model.families.expire(now));
    ok(&json!({"expired": expired}))
}

pub(crate) async fn queue_faults(State(shared): State<Shared>, body: Bytes) -> Answered {
    let faults: Faults = from_json_required(&body)?;
    shared.change(|model, _| model.faults.push(faults)).map_err(|message| Answer::common(400, &message))?;
    Ok(faults_json(&shared))
}

pub(crate) async fn show_faults(State(shared): State<Shared>) -> Answer {
    faults_json(&shared)
}

pub(crate) async fn clear_faults(State(shared): State<Shared>) -> Answer {
    shared.change(|model, _| model.faults.clear());
    faults_json(&shared)
}

pub(crate) async fn release(State(shared): State<Shared>, body: Bytes) -> Answered {
    let release: Release = from_json(&body)?;
    shared.change(|model, _| model.gates.release(&release.name.0));
    Ok(ok(&json!({"released": release.name})))
}

pub(crate) async fn requests(State(shared): State<Shared>, Query(wait): Query<WaitFor>) -> Answer {
    // Too long is no error: the answer says what there is.
    let _ = tokio::time::timeout(LONGEST_WAIT, shared.wait_until(|model| wait.is_met(model))).await;
    shared.read(|model, _| {
        ok(&json!({
            "requests": model.requests.to_json(),
            "in_flight": model.requests.in_flight(),
            "held": model.gates.waiting(),
        }))
    })
}

/// What a browser that asks to sign in is answered from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentRequest {
    answer: Decision,
    user_id: Option<String>,
    issuer: Option<String>,
}

pub(crate) async fn set_consent(State(shared): State<Shared>, body: Bytes) -> Answered {
    let ConsentRequest { answer, user_id, issuer } = from_json_required(&body)?;
    shared.change(|model, _| {
        let issuer = issuer.unwrap_or_else(|| model.consent.issuer.clone());
        model.consent = Consent { decision: answer, user_id, issuer };
    });
    Ok(ok(&json!({})))
}

/// What a person, or the clock, says to a device's code; without a code, to the newest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceRequest {
    user_code: Option<String>,
    answer: DeviceAnswer,
    user_id: Option<String>,
}

pub(crate) async fn answer_device(State(shared): State<Shared>, body: Bytes) -> Answered {
    let DeviceRequest { user_code, answer, user_id } = from_json_required(&body)?;
    let is_known = shared.change(|model, now| model.devices.answer(user_code.as_deref(), answer, user_id, now));
    if is_known { Ok(ok(&json!({}))) } else { Err(Answer::common(404, "No device waits with that code")) }
}

pub(crate) async fn set_clock(State(shared): State<Shared>, body: Bytes) -> Answered {
    let request: ClockRequest = from_json_required(&body)?;
    shared.change(|model, _| model.skew = request.skew);
    Ok(clock_json(&shared))
}

pub(crate) async fn show_clock(State(shared): State<Shared>) -> Answer {
    clock_json(&shared)
}

pub(crate) async fn inspect(State(shared): State<Shared>, Path(text): Path<String>) -> Answered {
    let fingerprint: Fingerprint =
        text.parse().map_err(|error: FingerprintError| Answer::common(400, &error.to_string()))?;
    Ok(ok(&json!(shared.read(|model, now| model.families.inspect(fingerprint, now)))))
}

fn faults_json(shared: &Shared) -> Answer {
    ok(&json!({"faults": shared.read(|model, _| json!(model.faults.queued()))}))
}

fn clock_json(shared: &Shared) -> Answer {
    shared.read(|model, now| ok(&json!({"now": format!("{now:.3}"), "skew": model.skew})))
}

fn ok(body: &Value) -> Answer {
    Answer::json(200, body)
}
