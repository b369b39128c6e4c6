//! Who speaks beside HTTP: the same credentials, as they stand now.

use crate::base::id::PartnerId;
use crate::listen::Callers;
use crate::web::principal::Principal;
use crate::web::site::Site;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// The credentials of a site.
pub(super) struct Known(pub(super) Arc<Site>);

impl Callers for Known {
    fn acceptor(&self) -> Option<TlsAcceptor> {
        let tls = self.0.tls.as_ref()?;
        Some(tls.load().beside_http.clone())
    }

    fn partner(&self, certificate: Option<&CertificateDer<'_>>) -> Option<PartnerId> {
        let now = self.0.clock.now();
        let directory = self.0.directory.load();
        let Some(tls) = &self.0.tls else {
            let named = self.0.config.listen.mllp_partner.as_ref()?;
            return directory.pass(named).map(|pass| pass.id.clone());
        };
        let peer = tls.load().authorities.identify(certificate?, now)?;
        match directory.by_certificate(&peer, now)? {
            Principal::Partner(pass) => Some(pass.id.clone()),
            // An operator hands no records in.
            Principal::Operator(_) => None,
        }
    }

    fn within_rate(&self, partner: &PartnerId) -> bool {
        let directory = self.0.directory.load();
        directory
            .pass(partner)
            .is_some_and(|pass| pass.within_rate())
    }
}
