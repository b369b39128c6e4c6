//! What papers on file say of one another, found once for a question.
//!
//! Mostly they say nothing, and then none is compared with all others. It decides nothing.

use super::request::Consent;

/// What some papers say of one another, found once: mostly nothing, and then nothing is compared.
#[derive(Clone, Copy, Debug)]
pub struct Among {
    /// Two of them carry one id.
    pub(super) ids_repeat: bool,
    /// One of them retires others.
    pub(super) any_retires: bool,
}

impl Among {
    /// Looks at all of them.
    pub fn of(consents: &[Consent]) -> Among {
        let mut ids: Vec<&str> = consents.iter().filter_map(|c| c.id.as_deref()).collect();
        ids.sort_unstable();
        Among {
            ids_repeat: ids.windows(2).any(|pair| pair.first() == pair.last()),
            any_retires: consents.iter().any(|c| !c.supersedes.0.is_empty()),
        }
    }
}
