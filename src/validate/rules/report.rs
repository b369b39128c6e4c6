//! A copy of a child-abuse report: the call comes first.
//!
//! The gateway is no hotline. It must never take a report nobody has phoned in.

use super::Check;
use crate::base::finding_codes::REPORT_BY_PHONE_FIRST;

/// What only the call gives.
const OF_THE_CALL: [&str; 3] = [
    "/body/reported_by_phone_at",
    "/body/agency/name",
    "/body/agency/reference_no",
];

pub(super) fn check(check: &mut Check<'_>) {
    for pointer in OF_THE_CALL {
        if check
            .text(pointer)
            .is_none_or(|text| text.trim().is_empty())
        {
            check.tell(&REPORT_BY_PHONE_FIRST, pointer);
        }
    }
}
