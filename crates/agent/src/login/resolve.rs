//! The server that an account gets by what was asked for.

use std::collections::BTreeMap;

use evertoken_core::account::Preset;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::AccountSettings;
use evertoken_core::oauth::client_authentication::AuthMethod;
use evertoken_core::oauth::endpoint::{Endpoint, InvalidEndpoint};
use evertoken_core::oauth::issuer::{InvalidIssuer, Issuer};
use evertoken_core::oauth::metadata::Metadata;
use evertoken_core::oauth::redirect_uri::InvalidRedirectUri;
use evertoken_core::oauth::server::{Encoding, Server};

/// How a refused log-in begins.
pub(crate) const NOT_LOGGED_IN: &str = "Not logged in";
const NOTHING: &str = "Nothing was sent and nothing was changed.";

/// The issuer that has to be asked first, if one was given.
pub(crate) fn issuer_of(settings: &AccountSettings) -> Result<Option<Issuer>, Problem> {
    let AccountSettings { issuer, preset, endpoint, .. } = settings;
    if issuer.is_some() && (preset.is_some() || endpoint.is_some()) {
        return Err(invalid("An issuer and an endpoint were given, and the issuer names the endpoint.", NOTHING));
    }
    let read = |text: &String| {
        text.parse().map_err(|error: InvalidIssuer| invalid(format!("{NOT_LOGGED_IN}: {error}."), NOTHING))
    };
    issuer.as_ref().map(read).transpose()
}

/// The server as it was, changed by what was asked for. `refusal` begins the sentence that says why not; `metadata` is
/// what the issuer in `settings` said.
pub(crate) fn resolve(
    refusal: &str,
    before: Option<&Server>,
    settings: AccountSettings,
    metadata: Option<Metadata>,
    has_secret: bool,
) -> Result<Server, Problem> {
    let AccountSettings { token_endpoint_auth_method, .. } = &settings;
    let method = match (token_endpoint_auth_method, before, &metadata) {
        (Some(chosen), ..) => *chosen,
        (None, _, Some(metadata)) if has_secret => metadata.method_with_secret().map_err(|error| {
            invalid(format!("{refusal}: the client secret cannot be used, because {error}."), NOTHING)
        })?,
        (None, Some(before), _) if !has_secret || before.token_endpoint_auth_method.needs_secret() => {
            before.token_endpoint_auth_method
        }
        (None, ..) if has_secret => AuthMethod::ClientSecretBasic,
        (None, ..) => AuthMethod::None,
    };
    if has_secret && !method.needs_secret() {
        return Err(invalid("A client secret was given, and the method none uses no secret.", NOTHING));
    }
    let server =
        Server { token_endpoint_auth_method: method, ..at_its_endpoints(refusal, before, settings, metadata)? };
    if let (Some(before), false) = (before, has_secret) {
        keep_secret_where_it_was(refusal, before, &server)?;
    }
    server.check().map_err(|error| invalid(format!("{refusal}: {error}."), NOTHING))?;
    Ok(server)
}

fn at_its_endpoints(
    refusal: &str,
    before: Option<&Server>,
    settings: AccountSettings,
    metadata: Option<Metadata>,
) -> Result<Server, Problem> {
    let AccountSettings { preset, endpoint, encoding, headers, client_id, issuer, .. } = settings;
    let chosen = endpoint.or_else(|| preset.map(|preset| preset.endpoint().to_owned()));
    let chosen = chosen.as_deref().map(|text| endpoint_of(refusal, text)).transpose()?;
    let revocation_endpoint =
        settings.revocation_endpoint.as_deref().map(|text| endpoint_of(refusal, text)).transpose()?;
    let redirect_uri = settings
        .redirect_uri
        .as_deref()
        .map(|text| text.parse().map_err(|error: InvalidRedirectUri| invalid(format!("{refusal}: {error}."), NOTHING)));
    let redirect_uri = redirect_uri.transpose()?;
    let (mut server, usual) = match (metadata, chosen, before) {
        (Some(metadata), ..) => (discovered(metadata, issuer)?, Some(Encoding::Form)),
        // What an issuer said goes with the endpoint that it named.
        (None, Some(endpoint), Some(before)) if before.endpoint == endpoint => (endpoints_of(before), None),
        (None, Some(endpoint), _) => (Server::at(endpoint), None),
        (None, None, Some(before)) => (endpoints_of(before), None),
        (None, None, None) => (Server::at(endpoint_of(refusal, Preset::Production.endpoint())?), None),
    };
    // What was configured for one server, a key in a header perhaps, says nothing to another.
    let before = before.filter(|before| before.origins().permit(&server.endpoint).is_ok());
    let or_before = |given: BTreeMap<String, String>, kept: fn(&Server) -> &BTreeMap<String, String>| {
        if given.is_empty() { before.map(kept).cloned().unwrap_or_default() } else { given }
    };
    server.encoding = encoding.or(usual).or_else(|| before.map(|before| before.encoding)).unwrap_or_default();
    server.headers = or_before(headers, |before| &before.headers);
    server.parameters = or_before(settings.parameters, |before| &before.parameters);
    server.token_parameters =
        settings.token_parameters.or_else(|| before.and_then(|before| before.token_parameters.clone()));
    server.client_id = client_id.or_else(|| before.and_then(|before| before.client_id.clone()));
    server.login_command = before.map(|before| before.login_command.clone()).unwrap_or_default();
    server.redirect_uri = redirect_uri.or_else(|| before.and_then(|before| before.redirect_uri.clone()));
    if let Some(endpoint) = revocation_endpoint {
        refuse_elsewhere(refusal, &server, &endpoint)?;
        server.revocation_endpoint = Some(endpoint);
    }
    Ok(server)
}

/// Only metadata, or the person's own hand in `config.toml`, may name another server for what a log-out sends.
fn refuse_elsewhere(refusal: &str, server: &Server, endpoint: &Endpoint) -> Result<(), Problem> {
    server.origins().permit(endpoint).map_err(|_| {
        let (host, named) = (server.endpoint.host(), endpoint.host());
        invalid(
            format!(
                "{refusal}: the login would belong to {host}, and the revocation endpoint, {named}, is another server."
            ),
            "Leave it out, or let the issuer name it with --issuer; nothing was sent and nothing was changed.",
        )
    })
}

fn endpoint_of(refusal: &str, text: &str) -> Result<Endpoint, Problem> {
    text.parse().map_err(|error: InvalidEndpoint| {
        invalid(format!("{refusal}: {error}."), "Check the endpoint; nothing was sent and nothing was changed.")
    })
}

fn endpoints_of(before: &Server) -> Server {
    let Server { endpoint, revocation_endpoint, issuer, authorization_endpoint, device_authorization_endpoint, .. } =
        before.clone();
    let at = Server::at(endpoint);
    Server { revocation_endpoint, issuer, authorization_endpoint, device_authorization_endpoint, ..at }
}

fn discovered(metadata: Metadata, issuer: Option<String>) -> Result<Server, Problem> {
    let Metadata { token_endpoint, revocation_endpoint, authorization_endpoint, device_authorization_endpoint, .. } =
        metadata;
    let issuer = issuer.map(|text| text.parse()).transpose();
    let issuer = issuer.map_err(|error: InvalidIssuer| invalid(error.to_string(), NOTHING))?;
    let at = Server::at(token_endpoint);
    Ok(Server { revocation_endpoint, issuer, authorization_endpoint, device_authorization_endpoint, ..at })
}

/// A client secret that was given for one server is not sent to another by a change of the endpoint.
fn keep_secret_where_it_was(refusal: &str, before: &Server, server: &Server) -> Result<(), Problem> {
    let both = before.token_endpoint_auth_method.needs_secret() && server.token_endpoint_auth_method.needs_secret();
    let sent_to =
        [Some(&server.endpoint), server.revocation_endpoint.as_ref(), server.device_authorization_endpoint.as_ref()];
    let known = before.origins();
    match sent_to.into_iter().flatten().find(|endpoint| both && known.permit(endpoint).is_err()) {
        None => Ok(()),
        Some(elsewhere) => Err(invalid(
            format!(
                "{refusal}: the account's client secret belongs to {}, and {} is another server.",
                before.endpoint.host(),
                elsewhere.host()
            ),
            "Give the client secret of that server with --client-secret; nothing was sent and nothing was changed.",
        )),
    }
}

pub(crate) fn invalid(detail: impl Into<String>, advice: &str) -> Problem {
    Problem::new(ProblemKind::InvalidInput, detail, advice)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use serde_json::json;

    use super::*;

    fn settings(json: serde_json::Value) -> AccountSettings {
        serde_json::from_value(json).unwrap()
    }

    fn metadata(methods: serde_json::Value) -> Metadata {
        let document = json!({
            "issuer": "https://i.example", "token_endpoint": "https://i.example/token",
            "revocation_endpoint": "https://i.example/revoke",
            "token_endpoint_auth_methods_supported": methods,
        });
        Metadata::read(document.to_string().as_bytes(), &"https://i.example".parse().unwrap()).unwrap()
    }

    fn with_secret() -> Server {
        let wanted = settings(json!({"issuer": "https://i.example", "client_id": "me"}));
        resolve(NOT_LOGGED_IN, None, wanted, Some(metadata(json!(["client_secret_post"]))), true).unwrap()
    }

    #[test]
    fn an_issuer_settles_everything_that_it_speaks_of() {
        let account = with_secret();
        assert_eq!(account.endpoint.as_str(), "https://i.example/token");
        assert_eq!(
            (account.encoding, account.token_endpoint_auth_method),
            (Encoding::Form, AuthMethod::ClientSecretPost)
        );
        assert_eq!(account.issuer.as_ref().unwrap().as_str(), "https://i.example");
        let again = resolve(NOT_LOGGED_IN, Some(&account), AccountSettings::default(), None, false).unwrap();
        assert_eq!(again, account, "a log-in without settings changes nothing");
    }

    #[test]
    fn a_secret_is_sent_as_basic_unless_something_else_is_said() {
        let id = json!({"client_id": "me"});
        let method = |before: Option<&Server>, has_secret| {
            resolve(NOT_LOGGED_IN, before, settings(id.clone()), None, has_secret).unwrap().token_endpoint_auth_method
        };
        assert_eq!(method(None, true), AuthMethod::ClientSecretBasic);
        assert_eq!(method(None, false), AuthMethod::None);
        assert_eq!(method(Some(&with_secret()), true), AuthMethod::ClientSecretPost);
        let contradiction = settings(json!({"client_id": "me", "token_endpoint_auth_method": "none"}));
        assert!(resolve(NOT_LOGGED_IN, None, contradiction, None, true).is_err());
        assert!(
            resolve(NOT_LOGGED_IN, None, AccountSettings::default(), None, true)
                .unwrap_err()
                .detail
                .contains("client_id")
        );
    }

    #[test]
    fn another_server_gets_neither_the_secret_nor_the_endpoints_of_the_one_before() {
        let before = with_secret();
        let mut before = before;
        before.headers = [("X-Api-Key".to_owned(), "k".to_owned())].into();
        before.parameters = [("audience".to_owned(), "x".to_owned())].into();
        before.login_command = vec!["sign-in".to_owned()];
        let elsewhere = settings(json!({"endpoint": "https://other.example/token", "client_id": "you"}));
        let refused = resolve(NOT_LOGGED_IN, Some(&before), elsewhere.clone(), None, false).unwrap_err();
        assert!(
            refused.detail.contains("belongs to i.example") && refused.detail.contains("other.example"),
            "{refused}"
        );
        let revoked_elsewhere = settings(json!({"revocation_endpoint": "https://other.example/revoke"}));
        for has_secret in [false, true] {
            assert!(resolve(NOT_LOGGED_IN, Some(&before), revoked_elsewhere.clone(), None, has_secret).is_err());
        }
        let account = resolve(NOT_LOGGED_IN, Some(&before), elsewhere, None, true).unwrap();
        assert_eq!((account.issuer, account.revocation_endpoint), (None, None));
        assert!(account.headers.is_empty() && account.parameters.is_empty() && account.login_command.is_empty());
        let same = settings(json!({"endpoint": "https://i.example/v2/token"}));
        assert!(resolve(NOT_LOGGED_IN, Some(&before), same, None, false).is_ok());
    }

    #[test]
    fn an_issuer_and_an_endpoint_contradict_each_other() {
        let both = json!({"issuer": "https://i.example", "endpoint": "https://a.example/"});
        assert!(issuer_of(&settings(both)).is_err());
        assert!(issuer_of(&settings(json!({"issuer": "http://i.example"}))).is_err());
        assert_eq!(issuer_of(&AccountSettings::default()).unwrap(), None);
    }
}
