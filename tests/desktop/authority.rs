//! Certificates, good ones and bad ones, of an authority that a desktop can be made to trust.

use std::fs;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::Desktop;

/// Signs certificates for tests.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// An authority that every program trusts that is started on this desktop from now on.
    pub(crate) fn trusted_by(desktop: &mut Desktop) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "Evertoken tests");
        let key = KeyPair::generate().unwrap();
        let file = desktop.environment.path("authority.pem");
        fs::write(&file, parameters.self_signed(&key).unwrap().pem()).unwrap();
        desktop.environment.set("SSL_CERT_FILE", &file.display().to_string());
        Self { issuer: Issuer::new(parameters, key) }
    }

    /// A server with a certificate for this name, that is valid up to this year.
    pub(crate) fn certify(&self, name: &str, until: i32) -> TlsAcceptor {
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        acceptor(certificate.der().clone(), &key)
    }

    /// A server that vouches for itself.
    pub(crate) fn self_signed(name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
        acceptor(certificate.der().clone(), &key)
    }
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
