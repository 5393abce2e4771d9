//! The certificate of `--tls`: self-signed, for this machine only, made anew at every start.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd};
use tempfile::NamedTempFile;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// The longest that all platforms take from a server certificate is 398 days.
const VALID_DAYS: i64 = 397;

/// What the listener needs, and where clients find what to trust.
pub(crate) struct Certificate {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) file: CertificateFile,
}

/// The certificate as PEM: kept where it was asked for, otherwise removed when the process ends.
pub(crate) enum CertificateFile {
    Kept(PathBuf),
    Temporary(NamedTempFile),
}

impl CertificateFile {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(file) => file.path(),
        }
    }
}

impl Certificate {
    pub(crate) fn make(keep: Option<PathBuf>) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let certificate = parameters()?.self_signed(&key)?;
        let private_key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private_key)?;
        let pem = certificate.pem();
        let file = match keep {
            Some(path) => {
                fs::write(&path, pem).with_context(|| format!("cannot write the certificate to {}", path.display()))?;
                CertificateFile::Kept(path)
            }
            None => {
                let mut file = tempfile::Builder::new().prefix("evertoken-sandbox-").suffix(".pem").tempfile()?;
                file.write_all(pem.as_bytes())?;
                CertificateFile::Temporary(file)
            }
        };
        Ok(Self { server: Arc::new(server), file })
    }
}

fn parameters() -> anyhow::Result<CertificateParams> {
    let mut parameters = CertificateParams::new(NAMES.map(String::from))?;
    parameters.distinguished_name.push(DnType::CommonName, "Evertoken sandbox");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let midnight = |date: Date| -> anyhow::Result<_> {
        Ok(date_time_ymd(date.year().into(), date.month().try_into()?, date.day().try_into()?))
    };
    // A day's room for clocks that are behind.
    parameters.not_before = midnight(today.checked_sub(Span::new().days(1))?)?;
    parameters.not_after = midnight(today.checked_add(Span::new().days(VALID_DAYS - 1))?)?;
    Ok(parameters)
}
