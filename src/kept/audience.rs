//! Who besides its lodger may know of a consent, as release says it and the store keeps it.

use crate::base::id::PartnerId;
use crate::base::sensitive::Sensitive;
use crate::release::{counties_may_know, read_paper};
use crate::rules::Rules;
use crate::store::Audience;

/// Of one paper, as it was lodged. Of one nobody can read nobody else is told.
pub fn audience(rules: &Rules, body: &Sensitive<Vec<u8>>) -> Audience {
    let Some(paper) = read_paper(body) else {
        return Audience::default();
    };
    let named = paper.discloser_ids.iter().flat_map(|ids| &ids.0);
    Audience {
        named: named.map(|id| PartnerId::new(id)).collect(),
        counties: counties_may_know(rules, &paper),
    }
}
