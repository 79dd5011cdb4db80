//! Whom TLS trusts: the bundled roots and those of `ca_file` beside them.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::base::sentence::error_text;

/// What a client of HTTPS needs.
pub(super) fn client(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| refused(path, &error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows these versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The text of the file, for who reads PEM himself; it holds one certificate at least.
pub(super) fn pem(path: &Path) -> Result<Vec<u8>, String> {
    certificates(path)?;
    read(path)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| refused(path, &error.to_string()))?;
    if found.is_empty() {
        return Err(refused(path, "it holds no certificate"));
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error: io::Error| refused(path, &error_text(&error)))
}

fn refused(path: &Path, reason: &str) -> String {
    format!("cannot use ca_file {}: {reason}", path.display())
}
