//! Signed agreements: the kinds there are, and whether one holds on a day.
//!
//! It reads the days partner files state. It must never say what an agreement opens: that is law,
//! and stands in `policies/`.

use super::partner::{Agreement, Partner};
use crate::base::clock::Timestamp;
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

impl Partner {
    /// The agreement of that kind that holds on the local day of `now`, the last day included.
    pub fn agreement_in_force(&self, kind: &str, now: Timestamp) -> Option<&Agreement> {
        self.agreement
            .iter()
            .find(|agreement| agreement.kind == kind && agreement.holds_at(now))
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
            partner.agreement_in_force("baa", at).is_some()
        };
        assert!(held("2027-06-30T23:59:59-07:00"));
        assert!(!held("2027-07-01T00:00:00-07:00"));
    }
}
