//! Which servers a secret may be sent to.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::oauth::endpoint::Endpoint;

/// Scheme, host and port of a server, as RFC 6454 section 6.2 writes them: `https://api.vault.ist`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Origin(String);

impl Origin {
    /// The origin of an endpoint.
    #[must_use]
    pub fn of(endpoint: &Endpoint) -> Self {
        Self(endpoint.origin())
    }

    /// The host and, where it is not the usual one, the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.split_once("://").map_or(&*self.0, |(_, host)| host)
    }
}

/// The servers that a login was proven at. Empty: none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origins(BTreeSet<Origin>);

impl Origins {
    /// The origins of these endpoints.
    pub fn of<'a>(endpoints: impl IntoIterator<Item = &'a Endpoint>) -> Self {
        Self(endpoints.into_iter().map(Origin::of).collect())
    }

    /// Are all of these among them?
    #[must_use]
    pub fn cover(&self, others: &Self) -> bool {
        others.0.is_subset(&self.0)
    }

    /// Does the secret belong to the server of this endpoint?
    ///
    /// # Errors
    /// [`ForeignServer`] when it does not.
    pub fn permit(&self, endpoint: &Endpoint) -> Result<(), ForeignServer> {
        if self.0.contains(&Origin::of(endpoint)) {
            return Ok(());
        }
        let configured = Origin::of(endpoint).host().to_owned();
        Err(ForeignServer { belongs_to: self.to_string(), configured })
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self.0.iter().map(Origin::host).collect();
        f.write_str(if hosts.is_empty() { "no known server" } else { "" })?;
        f.write_str(&hosts.join(", "))
    }
}

/// A secret would go to another server than its own. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this login belongs to {belongs_to}, and the configuration names {configured}")]
pub struct ForeignServer {
    /// The hosts that the secret belongs to.
    pub belongs_to: String,
    /// The host that it would have gone to.
    pub configured: String,
}

/// A secret and the servers that it may be sent to. Only a request to one of them gets at its bytes.
#[derive(Debug, Clone)]
pub struct Bound<S> {
    secret: S,
    origins: Origins,
}

impl<S> Bound<S> {
    /// Binds a secret to the servers that it belongs to.
    #[must_use]
    pub const fn new(secret: S, origins: Origins) -> Self {
        Self { secret, origins }
    }

    /// The servers that it belongs to.
    #[must_use]
    pub const fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The secret, for a request to this endpoint.
    pub(crate) fn for_request(&self, endpoint: &Endpoint) -> Result<&S, ForeignServer> {
        self.origins.permit(endpoint).map(|()| &self.secret)
    }

    /// The secret, for its entry in the keychain.
    pub(crate) const fn for_entry(&self) -> &S {
        &self.secret
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use proptest::prelude::*;

    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn p9_only_the_same_scheme_host_and_port_is_the_same_server() {
        let bound = Bound::new("secret", Origins::of([&endpoint("https://a.example/token")]));
        for same in ["https://a.example/", "https://a.example:443/revoke?x=1", "https://A.EXAMPLE/token"] {
            assert_eq!(bound.for_request(&endpoint(same)), Ok(&"secret"), "{same}");
        }
        for other in [
            "https://a.example:8443/token",
            "https://b.example/token",
            "https://a.example.evil.example/token",
            "https://sub.a.example/token",
            "http://localhost/token",
            "http://127.0.0.1/token",
        ] {
            assert!(bound.for_request(&endpoint(other)).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn p9_a_secret_goes_to_its_own_servers_whatever_they_are_called(
            known in proptest::collection::vec(("[ab]\\.example", 440_u16..446), 1..3),
            asked in ("[ab]\\.example", 440_u16..446),
            path in "(/[a-z]{0,4}){0,2}",
        ) {
            let urls: Vec<_> = known.iter().map(|(host, port)| endpoint(&format!("https://{host}:{port}/token"))).collect();
            let origins = Origins::of(&urls);
            let at = endpoint(&format!("https://{}:{}{path}", asked.0, asked.1));
            let is_known = known.contains(&asked);
            prop_assert_eq!(origins.permit(&at).is_ok(), is_known);
            prop_assert_eq!(Bound::new((), origins.clone()).for_request(&at).is_ok(), is_known);
            prop_assert_eq!(origins.cover(&Origins::of([&at])), is_known);
            prop_assert!(Origins::of(urls.iter().chain([&at])).cover(&origins));
            let read: Origins = serde_json::from_str(&serde_json::to_string(&origins).unwrap()).unwrap();
            prop_assert_eq!(read, origins);
        }
    }

    #[test]
    fn p9_what_belongs_to_no_known_server_is_sent_to_none() {
        let refused = Origins::default().permit(&endpoint("https://a.example/token")).unwrap_err();
        assert_eq!(refused.to_string(), "this login belongs to no known server, and the configuration names a.example");
    }

    #[test]
    fn every_endpoint_of_a_server_counts_and_people_read_hosts() {
        let origins = Origins::of([&endpoint("http://127.0.0.1:8787/token"), &endpoint("https://b.example/revoke")]);
        assert_eq!(origins.permit(&endpoint("https://b.example/token")), Ok(()));
        assert_eq!(origins.to_string(), "127.0.0.1:8787, b.example");
        let text = serde_json::to_string(&origins).unwrap();
        assert_eq!(text, r#"["http://127.0.0.1:8787","https://b.example"]"#);
        assert_eq!(serde_json::from_str::<Origins>(&text).unwrap(), origins);
    }
}
