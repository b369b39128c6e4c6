//! Reasons in plain words, English and Spanish: what the first policy that spoke says.

use super::decide::{NOTHING_OPENS, Policy};
use serde::Serialize;
use std::sync::Arc;

/// The same in Spanish; a machine draft.
const NOTHING_OPENS_ES: &str =
    "ninguna regla ni consentimiento lo abre a este destinatario para este fin";

/// A reason in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plain {
    /// In English.
    pub reason: Arc<str>,
    /// In Spanish.
    pub reason_es: Arc<str>,
    /// Whether nobody has reviewed the Spanish.
    pub es_machine_draft: bool,
}

impl Policy {
    /// Why a class goes or stays, in plain words: what the first policy of its row says.
    pub fn plain(&self, policies: &[Arc<str>]) -> Plain {
        let first = policies.first();
        let rule = first.and_then(|id| self.pack().rules.iter().find(|rule| rule.id == *id));
        match rule {
            Some(rule) => Plain {
                reason: Arc::clone(&rule.plain_en),
                reason_es: Arc::clone(&rule.plain_es),
                es_machine_draft: rule.es_reviewer.is_none(),
            },
            None => Plain {
                reason: Arc::from(NOTHING_OPENS),
                reason_es: Arc::from(NOTHING_OPENS_ES),
                es_machine_draft: true,
            },
        }
    }
}
