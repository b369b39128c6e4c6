//! Signed agreements: the kinds there are, with whom one is, and whether it holds on a day.
//!
//! It reads what partner files state. What somebody signed with the gateway's operator is nothing
//! between them and another partner, and one partner's agreement is nobody else's. It must never
//! say what an agreement opens: that is law, and stands in `policies/`.

use super::partner::{Agreement, Partner};
use crate::base::clock::Timestamp;
use crate::base::id::PartnerId;
use jiff::tz::TimeZone;
use std::sync::LazyLock;

/// Agreement kinds there are.
pub const KINDS: &[&str] = &[
    "baa",
    "qsoa",
    "contract_10850",
    "county_contract",
    "part2_audit",
    "part2_research",
    "dua",
];

/// Kinds that are between two partners: their file says with whom. A `qsoa` may be either; without
/// a name it is with the gateway's operator.
pub const BETWEEN_PARTNERS: &[&str] = &["county_contract", "part2_audit", "part2_research", "dua"];

impl Partner {
    /// The agreement of that kind with the gateway's operator that holds on the local day of
    /// `now`, the last day included.
    pub fn agreed_with_operator(&self, kind: &str, now: Timestamp) -> Option<&Agreement> {
        self.agreed(kind, None, now)
    }

    /// The same with another partner, as this one's file states it.
    pub fn agreed_with(&self, other: &Partner, kind: &str, now: Timestamp) -> Option<&Agreement> {
        self.agreed(kind, Some(&other.id), now)
    }

    fn agreed(&self, kind: &str, with: Option<&PartnerId>, now: Timestamp) -> Option<&Agreement> {
        self.agreement.iter().find(|agreement| {
            agreement.kind == kind && agreement.with.as_ref() == with && agreement.holds_at(now)
        })
    }
}

impl Agreement {
    /// Whether it holds at `now`. A file without a last day holds until it is changed.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        match self.expires.as_ref().map(|expires| expires.date) {
            None => true,
            Some(Some(last)) => {
                let last = (i32::from(last.year), last.month, last.day);
                local_date(now).is_some_and(|today| today <= last)
            }
            // A time without a date says no day: such an agreement is not relied on.
            Some(None) => false,
        }
    }
}

/// Year, month and day in California.
pub(super) fn local_date(now: Timestamp) -> Option<(i32, u8, u8)> {
    static LOCAL: LazyLock<Option<TimeZone>> =
        LazyLock::new(|| TimeZone::get("America/Los_Angeles").ok());
    let zone = LOCAL.as_ref()?;
    let instant = jiff::Timestamp::from_microsecond(now.0).ok()?;
    let date = zone.to_datetime(instant).date();
    let month = u8::try_from(date.month()).ok()?;
    let day = u8::try_from(date.day()).ok()?;
    Some((i32::from(date.year()), month, day))
}

#[cfg(test)]
mod tests {
    //! Goal: an agreement holds through its last local day. Method: the instants around its end.
    use super::*;

    #[test]
    fn the_last_day_is_included_in_california() {
        let text = "id = \"p\"\nname = \"P\"\nrole = \"ppp\"\nmode = \"live\"\n\
                    agreement = { id = \"a\", kind = \"baa\", expires = 2027-06-30 }\n";
        let partner: Partner = toml::from_str(text).expect("a partner");
        let held = |at: &str| {
            let at = Timestamp::from_rfc3339(at).expect("an instant");
            partner.agreed_with_operator("baa", at).is_some()
        };
        assert!(held("2027-06-30T23:59:59-07:00"));
        assert!(!held("2027-07-01T00:00:00-07:00"));
    }
}
