//! Where people sign in: with a browser (RFC 6749 section 3.1), or on another device (RFC 8628 sections 3.1 and 3.3).

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method};
use jiff::Timestamp;

use crate::answer::Answer;
use crate::authorization::{AuthorizationRequest, Decision};
use crate::client::Client;
use crate::device::DeviceAnswer;
use crate::http::seed;
use crate::model::Model;
use crate::pages;
use crate::state::Shared;
use crate::token::Seed;
use crate::token_request::{Dialect, TokenRequest};

type Answered = Result<Answer, Answer>;

/// A browser asks.
pub(crate) async fn ask(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Answered {
    let request = AuthorizationRequest::read(query.as_deref().unwrap_or_default());
    let request = request.ok_or_else(|| refused("A parameter is given twice."))?;
    let seed = seed()?;
    Ok(shared.change(|model, now| {
        if !request.is_for(model.client.as_ref().map(Client::id)) {
            return refused("The client is unknown, or its redirect_uri is not http://127.0.0.1:PORT/callback.");
        }
        let issuer = model.consent.issuer.clone();
        match (request.error(), model.consent.decision) {
            (Some(error), _) => Answer::redirect(&request.answer(&[("error", error)], &issuer)),
            (None, Decision::Ask) => {
                let client_id = request.client_id.clone();
                let id = model.codes.wait(request, &seed);
                Answer::page(200, pages::consent(&client_id, &id))
            }
            (None, Decision::Approve) => decided(model, request, true, &seed, now),
            (None, Decision::Deny) => decided(model, request, false, &seed, now),
        }
    }))
}

/// A person has pressed a button.
pub(crate) async fn answer(State(shared): State<Shared>, body: Bytes) -> Answered {
    let form = form(&body);
    let seed = seed()?;
    Ok(shared.change(|model, now| match form.get("id").and_then(|id| model.codes.take(id)) {
        Some(request) => decided(model, request, is_yes(&form), &seed, now),
        None => refused("Nothing waits for this answer."),
    }))
}

fn decided(model: &mut Model, request: AuthorizationRequest, yes: bool, seed: &Seed, now: Timestamp) -> Answer {
    let issuer = model.consent.issuer.clone();
    if !yes {
        let denied = [("error", "access_denied"), ("error_description", "The person said <no>")];
        return Answer::redirect(&request.answer(&denied, &issuer));
    }
    let code = model.codes.issue(request.clone(), model.consent.user_id.clone(), seed, now);
    Answer::redirect(&request.answer(&[("code", &code)], &issuer))
}

/// A device asks for a code.
pub(crate) async fn device(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Answered {
    let (encoding, client) = shared.read(|model, _| (model.settings.encoding, model.client.clone()));
    TokenRequest::read(Dialect::OAuth, encoding, &Method::POST, &headers, Some(&body), client.is_none())
        .and_then(|request| request.authenticated(client.as_ref(), &headers))
        .map_err(|error| Answer::invalid(&error, Dialect::OAuth))?;
    let seed = seed()?;
    let body = shared.change(|model, now| {
        let (issuer, settings) = (model.consent.issuer.clone(), model.settings.clone());
        model.devices.begin(&issuer, &settings, &seed, now)
    });
    Ok(Answer::json(200, &body))
}

/// A person comes with a code.
pub(crate) async fn device_page(RawQuery(query): RawQuery) -> Answer {
    let given = form(query.unwrap_or_default().as_bytes());
    Answer::page(200, pages::device(given.get("user_code").map_or("", String::as_str)))
}

/// A person has answered for a device.
pub(crate) async fn answer_device(State(shared): State<Shared>, body: Bytes) -> Answer {
    let form = form(&body);
    let user_code = form.get("user_code").map_or("", String::as_str);
    let answer = if is_yes(&form) { DeviceAnswer::Approve } else { DeviceAnswer::Deny };
    let is_known = shared.change(|model, now| {
        let user_id = model.consent.user_id.clone();
        model.devices.answer(Some(user_code), answer, user_id, now)
    });
    if is_known {
        Answer::page(200, pages::said("Done: you can close this page."))
    } else {
        refused("No device waits with that code.")
    }
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn is_yes(form: &BTreeMap<String, String>) -> bool {
    form.get("answer").is_some_and(|answer| answer == "approve")
}

fn refused(text: &str) -> Answer {
    Answer::page(400, pages::said(text))
}
