//! Which agreement with the gateway's operator a kind of data needs before a channel may carry it.
//!
//! The operator is a party of its own, not the county's child welfare agency: what may flow to the
//! county does not thereby flow to the machine in between.

use super::partner::{Agreement, Channel, Direction, Partner};
use crate::base::clock::Timestamp;
use crate::base::vocabulary::{ClassSet, DataClass};
use jiff::tz::TimeZone;
use std::sync::LazyLock;

/// Agreement kinds of which one must hold; empty when the class needs none.
pub const fn needed(class: DataClass) -> &'static [&'static str] {
    use DataClass as C;
    match class {
        C::GeneralHealth
        | C::MentalHealth
        | C::PsychotherapyNotes
        | C::HivTest
        | C::ReproductiveHealth
        | C::GenderAffirmingCare => &["baa"],
        C::SudPart2 | C::SudCounselingNotes => &["qsoa", "baa"],
        C::JuvenileCaseFile
        | C::Delinquency
        | C::SealedRecord
        | C::AbuseReport
        | C::ReporterIdentity
        | C::EngagementContact
        | C::CasePlan
        | C::CftPlan
        | C::Cans
        | C::Sdm
        | C::Referral
        | C::IcwaInquiry
        | C::AdoptionRecord => &["contract_10850"],
        C::DvInformation
        | C::DvCounselorComm
        | C::SaCounselorComm
        | C::EducationRecord
        | C::ImmigrationStatus
        | C::Sogi
        | C::ContactAddress
        | C::SafeAtHomeAddress
        | C::Demographics
        | C::TribalConfidential
        | C::AttorneyClient
        | C::WorkforceRecord
        | C::PartnerLivedExperience
        | C::AggregateDeidentified => &[],
    }
}

/// Classes of `asked` for which the partner shows no agreement that holds at `now`.
pub fn missing(partner: &Partner, asked: ClassSet, now: Timestamp) -> ClassSet {
    asked
        .iter()
        .filter(|class| {
            let kinds = needed(*class);
            let shown = |kind: &&str| partner.agreement_in_force(kind, now).is_some();
            !kinds.is_empty() && !kinds.iter().any(shown)
        })
        .collect()
}

/// Classes an in-channel says it may carry and the partner has no agreement for. `can_hold` gives
/// what a record type can hold, where the channel lists no classes.
pub fn uncovered(
    partner: &Partner,
    channel: &Channel,
    can_hold: ClassSet,
    now: Timestamp,
) -> ClassSet {
    if channel.direction != Direction::In {
        return ClassSet::EMPTY;
    }
    let listed = channel
        .classes
        .as_ref()
        .map(|c| c.iter().copied().collect());
    missing(partner, listed.unwrap_or(can_hold), now)
}

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
fn local_date(now: Timestamp) -> Option<(i32, u8, u8)> {
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
    //! Goal: an agreement holds through its last local day and a class needs its own kind.
    use super::*;

    fn partner(kind: &str, expires: &str) -> Partner {
        let text = format!(
            "id = \"p\"\nname = \"P\"\nrole = \"ppp\"\nmode = \"live\"\n\
             agreement = {{ id = \"a\", kind = \"{kind}\", expires = {expires} }}\n"
        );
        toml::from_str(&text).expect("a partner")
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_rfc3339(text).expect("an instant")
    }

    #[test]
    fn the_last_day_is_included_in_california() {
        let partner = partner("baa", "2027-06-30");
        let asked = ClassSet::of(DataClass::MentalHealth);
        let late = at("2027-06-30T23:59:59-07:00");
        assert!(missing(&partner, asked, late).is_empty());
        let over = at("2027-07-01T00:00:00-07:00");
        assert_eq!(missing(&partner, asked, over), asked);
    }

    #[test]
    fn a_county_contract_does_not_carry_health_data() {
        let partner = partner("contract_10850", "2027-06-30");
        let asked: ClassSet = [
            DataClass::Referral,
            DataClass::SudPart2,
            DataClass::Demographics,
        ]
        .into_iter()
        .collect();
        let lacking = missing(&partner, asked, at("2026-11-01T00:00:00Z"));
        assert_eq!(lacking, ClassSet::of(DataClass::SudPart2));
    }
}
