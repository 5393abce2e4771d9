//! One request: let in, given a token, sent on, and once more if the token was refused.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::sync::OwnedSemaphorePermit;

use crate::fields;
use crate::gate::Gate;
use crate::origin::Origin;
use crate::refusal::{AnswerBody, Refusal};
use crate::request::Outgoing;
use crate::tokens::Tokens;
use crate::upstream::Upstream;
use crate::{target, tunnel};

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) gate: Gate,
    pub(crate) allowed: Vec<Origin>,
    pub(crate) tokens: Tokens,
    pub(crate) upstream: Upstream,
}

impl Forwarder {
    /// The upstream's answer, or the proxy's own.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        place: &Arc<OwnedSemaphorePermit>,
    ) -> Response<AnswerBody> {
        let method = request.method().clone();
        match self.forward(request, place).await {
            Ok(response) => response,
            Err(refusal) => {
                tracing::info!(%method, status = refusal.status(), "{}", refusal.detail());
                refusal.into_response()
            }
        }
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
        place: &Arc<OwnedSemaphorePermit>,
    ) -> Result<Response<AnswerBody>, Refusal> {
        let client = hyper::upgrade::on(&mut request);
        let (parts, body) = request.into_parts();
        self.gate.check(&parts)?;
        let origin = target::origin(&self.allowed, &parts.uri)?;
        let uri =
            target::at(origin, &parts.uri).ok_or_else(|| Refusal::malformed("The request's target is no URL."))?;
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let client = wants_websocket(&parts).then_some(client);
        let outgoing = Outgoing::new(parts, uri, body, client.is_some()).await?;
        let response = self.exchange(outgoing).await?;
        tracing::info!(%method, %origin, path, status = response.status().as_u16(), "passed on");
        hand_on(response, client, place)
    }

    /// Sends the request; when the token is refused, renews it and sends what can be repeated once more.
    async fn exchange(&self, mut outgoing: Outgoing) -> Result<Response<Incoming>, Refusal> {
        let token = self.tokens.current().await.map_err(Refusal::no_token)?;
        let response = self.upstream.send(outgoing.with(&token)?).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        // What cannot be repeated gets its 401; the client's next attempt finds the new token.
        match self.tokens.after_refusal(&token).await {
            Some(newer) if outgoing.is_replayable() => self.upstream.send(outgoing.with(&newer)?).await,
            Some(_) | None => Ok(response),
        }
    }
}

fn wants_websocket(parts: &Parts) -> bool {
    parts.method == Method::GET && parts.version == Version::HTTP_11 && fields::has_websocket(&parts.headers)
}

/// Makes the answer fit for the client's connection.
fn hand_on(
    mut response: Response<Incoming>,
    client: Option<OnUpgrade>,
    place: &Arc<OwnedSemaphorePermit>,
) -> Result<Response<AnswerBody>, Refusal> {
    let is_switch = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let to_websocket = is_switch && fields::has_websocket(response.headers());
    fields::remove_hop_by_hop(response.headers_mut());
    match client {
        Some(client) if to_websocket => {
            tunnel::join(client, hyper::upgrade::on(&mut response), Arc::clone(place));
            fields::set_websocket(response.headers_mut());
        }
        Some(_) | None if is_switch => {
            let detail = "The server changed to a protocol that nobody asked for.";
            return Err(Refusal::upstream(StatusCode::BAD_GATEWAY, "http_upgrade_failed", detail));
        }
        Some(_) | None => {}
    }
    Ok(response.map(BodyExt::boxed_unsync))
}
