//! The one HTTP connector that all AWS clients of a process share.

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use rustls::{RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject};

use crate::start::Timing;

/// See `data/README.md`.
const AMAZON_ROOTS: &[u8] = include_bytes!("../data/amazon_roots.pem");

/// Makes the connector. `more_roots` is a PEM file of authorities that are trusted besides Amazon's.
///
/// It is built once and handed to every client, since each client would otherwise build two of its own.
pub(crate) fn connector(more_roots: Option<&[u8]>, timing: &Timing) -> Result<SharedHttpConnector, String> {
    let mut trusted = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    if let Some(pem) = more_roots {
        check(pem)?;
        trusted.add_pem_certificate(pem);
    }
    let tls = TlsContext::builder().with_trust_store(trusted).build().map_err(|e| e.to_string())?;
    // An attempt's limit is the client's; a limit on reading here would be a second timer for the same.
    let settings = HttpConnectorSettings::builder().connect_timeout(timing.connect).build();
    let connector = Connector::builder()
        .tls_provider(Provider::rustls(CryptoMode::Ring))
        .tls_context(tls)
        .connector_settings(settings)
        .sleep_impl(TokioSleep::new())
        .pool_idle_timeout(timing.idle)
        .build();
    Ok(SharedHttpConnector::new(connector))
}

/// The connector panics on roots that it cannot use, so they are tried here first.
fn check(pem: &[u8]) -> Result<(), String> {
    let mut store = RootCertStore::empty();
    let mut found = 0_usize;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        found += 1;
        let certificate = certificate.map_err(|e| format!("certificate {found} is not readable: {e}"))?;
        store.add(certificate).map_err(|e| format!("certificate {found} is not an authority: {e}"))?;
    }
    if found == 0 { Err("holds no certificate in PEM form".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_five_roots_are_there_and_usable() {
        check(AMAZON_ROOTS).unwrap();
        assert_eq!(CertificateDer::pem_slice_iter(AMAZON_ROOTS).count(), 5);
        connector(Some(AMAZON_ROOTS), &Timing::default()).unwrap();
    }

    #[test]
    fn a_bundle_that_cannot_be_used_is_told_and_not_panicked_about() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let unfinished = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        for bad in ["", "no certificate", broken, unfinished] {
            assert!(connector(Some(bad.as_bytes()), &Timing::default()).is_err(), "{bad}");
        }
    }
}
