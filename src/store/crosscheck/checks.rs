//! The comparisons themselves: each a question whose rows are what disagrees.
//!
//! They only read; what is found is named by an id of the store, never by a value.

use crate::base::id::*;
use crate::ledger::verify::RowProblemKind;
use crate::store::sql::{Columns as _, Fault};
use sqlx::sqlite::SqliteRow;

/// What the accounting lists, counted as the entries count it.
pub(super) const LISTED: [&str; 2] = [
    "CREATE TEMP TABLE listed AS SELECT disclosure_id, token, count(*) AS persons, \
     min(at) AS since, max(at) AS until FROM person_disclosure WHERE source IN (0, 2) \
     GROUP BY disclosure_id, token",
    "CREATE TEMP TABLE listed_left AS SELECT e.extract_id AS extract, p.at AS at, \
     count(*) AS disclosed FROM person_disclosure p LEFT JOIN extract_record e \
     ON e.disclosure_id = p.disclosure_id WHERE p.source = 1 GROUP BY e.extract_id, p.at",
];

/// What a found row is named as.
#[derive(Clone, Copy)]
pub(super) enum About {
    Submission,
    Delivery,
    Decision,
    Disclosure,
    Consent,
    Fact,
    Extract,
    Access,
    Confirmation,
    Scan,
    Use,
}

impl About {
    pub(super) fn name(self, row: &SqliteRow) -> Result<String, Fault> {
        let Some(id) = row.id_or_null(0)? else {
            return Ok(String::from("unnamed"));
        };
        Ok(match self {
            About::Submission => SubmissionId(id).to_string(),
            About::Delivery | About::Decision => DeliveryId(id).to_string(),
            About::Disclosure => DisclosureId(id).to_string(),
            About::Consent => format!("consent revision {}", crate::base::digest::hex(&id)),
            About::Fact => format!("fact revision {}", crate::base::digest::hex(&id)),
            About::Extract => ExtractId(id).to_string(),
            About::Access => EmergencyId(id).to_string(),
            About::Confirmation => {
                format!("consent confirmation {}", crate::base::digest::hex(&id))
            }
            About::Scan => format!("scan of consent {}", crate::base::digest::hex(&id)),
            About::Use => format!("use of consent {}", RegistryId(id)),
        })
    }
}

/// One comparison: its rows are (id, position of the entry where there is one); the one bound
/// value is how many are wanted.
pub(super) struct Check {
    pub(super) about: About,
    pub(super) kind: RowProblemKind,
    pub(super) message: &'static str,
    pub(super) sql: &'static str,
}

/// Sealed bytes to compare: (id, number, bytes, digest, position) after (id, number), so many.
pub(super) struct Sealed {
    pub(super) about: About,
    pub(super) message: &'static str,
    pub(super) sql: &'static str,
}

pub(super) const SEALED: [Sealed; 6] = [
    Sealed {
        about: About::Decision,
        message: "a decision about the delivery was changed",
        sql: "SELECT d.source_id, d.token, d.body, t.sealed, t.position FROM decision d \
              JOIN told_decision t ON t.source = d.source_id AND t.token = d.token \
              WHERE t.sealed IS NOT NULL AND (d.source_id, d.token) > (?, ?) \
              ORDER BY d.source_id, d.token LIMIT ?",
    },
    Sealed {
        about: About::Consent,
        message: "the content of the consent's revision was changed",
        sql: "SELECT t.row_id, 0, r.body, t.sealed, t.position FROM told_consent t \
              JOIN consent_revision r ON r.row_id = t.row_id \
              WHERE t.sealed IS NOT NULL AND (t.row_id, 0) > (?, ?) ORDER BY t.row_id LIMIT ?",
    },
    Sealed {
        about: About::Fact,
        message: "the content of the fact's revision was changed",
        sql: "SELECT t.row_id, 0, r.body, t.sealed, t.position FROM told_fact t \
              JOIN fact_revision r ON r.row_id = t.row_id \
              WHERE t.sealed IS NOT NULL AND (t.row_id, 0) > (?, ?) ORDER BY t.row_id LIMIT ?",
    },
    Sealed {
        about: About::Access,
        message: "what was declared at the emergency door was changed",
        sql: "SELECT t.emergency, 0, a.request, t.sealed, t.position FROM told_access t \
              JOIN emergency_access a ON a.emergency_id = t.emergency \
              WHERE t.sealed IS NOT NULL AND (t.emergency, 0) > (?, ?) \
              ORDER BY t.emergency LIMIT ?",
    },
    Sealed {
        about: About::Confirmation,
        message: "the content of the consent's confirmation was changed",
        sql: "SELECT t.row_id, 0, r.body, t.sealed, t.position FROM told_confirmation t \
              JOIN consent_confirmation r ON r.row_id = t.row_id \
              WHERE t.sealed IS NOT NULL AND (t.row_id, 0) > (?, ?) ORDER BY t.row_id LIMIT ?",
    },
    Sealed {
        about: About::Scan,
        message: "the scan of the consent was changed",
        sql: "SELECT t.row_id, 0, r.body, t.sealed, t.position FROM told_scan t \
              JOIN consent_scan r ON r.row_id = t.row_id \
              WHERE t.sealed IS NOT NULL AND (t.row_id, 0) > (?, ?) ORDER BY t.row_id LIMIT ?",
    },
];

pub(super) const CHECKS: [Check; 33] = [
    Check {
        about: About::Submission,
        kind: RowProblemKind::EntryMissing,
        message: "the submission is in the store and its entry not in the ledger",
        sql: "SELECT s.submission_id, s.position FROM submission s WHERE s.state = 1 \
              AND NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.position = s.position \
              AND e.entry_id = s.entry_id AND e.leaf_hash = s.leaf_hash) LIMIT ?",
    },
    Check {
        about: About::Submission,
        kind: RowProblemKind::EntryMissing,
        message: "the submission was answered with a checkpoint that is no longer there",
        sql: "SELECT s.submission_id, s.position FROM submission s WHERE s.state = 1 \
              AND s.checkpoint_size IS NOT NULL AND NOT EXISTS (SELECT 1 \
              FROM ledger_checkpoint c WHERE c.size = s.checkpoint_size) LIMIT ?",
    },
    Check {
        about: About::Decision,
        kind: RowProblemKind::RowMissing,
        message: "a decision about the delivery is in the ledger and not in the store",
        sql: "SELECT t.source, t.position FROM told_decision t WHERE NOT EXISTS (\
              SELECT 1 FROM decision d WHERE d.source_id = t.source AND d.token = t.token) LIMIT ?",
    },
    Check {
        about: About::Decision,
        kind: RowProblemKind::EntryMissing,
        message: "a decision about the delivery is in the store and its entry not in the ledger",
        sql: "SELECT d.source_id, NULL FROM decision d WHERE NOT EXISTS (SELECT 1 \
              FROM told_decision t WHERE t.source = d.source_id AND t.token = d.token) \
              AND NOT EXISTS (SELECT 1 FROM extract_record e \
              WHERE e.disclosure_id = d.source_id) LIMIT ?",
    },
    Check {
        about: About::Delivery,
        kind: RowProblemKind::RowMissing,
        message: "the delivery was authorised in the ledger and is not in the store",
        sql: "SELECT t.source, min(t.position) FROM told_decision t WHERE NOT EXISTS (\
              SELECT 1 FROM delivery d WHERE d.delivery_id = t.source) AND NOT EXISTS (SELECT 1 \
              FROM emergency_disclosure g WHERE g.disclosure_id = t.source) \
              GROUP BY t.source LIMIT ?",
    },
    Check {
        about: About::Delivery,
        kind: RowProblemKind::RowAltered,
        message: "by the ledger it arrived or may have, and the store no longer says so",
        sql: "SELECT t.delivery, t.position FROM told_end t JOIN delivery d \
              ON d.delivery_id = t.delivery WHERE d.exposure < t.exposure LIMIT ?",
    },
    Check {
        about: About::Disclosure,
        kind: RowProblemKind::RowMissing,
        message: "a disclosure is in the ledger and not, or not whole, in the accounting",
        sql: "SELECT t.source, t.position FROM told_decision t LEFT JOIN listed l \
              ON l.disclosure_id = t.source AND l.token = t.token WHERE t.disclosed > 0 \
              AND coalesce(l.persons, 0) < t.disclosed LIMIT ?",
    },
    Check {
        about: About::Disclosure,
        kind: RowProblemKind::EntryMissing,
        message: "the accounting lists a disclosure the ledger does not know",
        sql: "SELECT l.disclosure_id, t.position FROM listed l LEFT JOIN told_decision t \
              ON t.source = l.disclosure_id AND t.token = l.token \
              WHERE l.persons > coalesce(t.disclosed, 0) LIMIT ?",
    },
    Check {
        about: About::Disclosure,
        kind: RowProblemKind::RowAltered,
        message: "the accounting gives the disclosure another date than the ledger",
        sql: "SELECT t.source, t.position FROM told_decision t JOIN listed l \
              ON l.disclosure_id = t.source AND l.token = t.token \
              WHERE t.disclosed > 0 AND (l.since <> t.at OR l.until <> t.at) LIMIT ?",
    },
    Check {
        about: About::Consent,
        kind: RowProblemKind::RowMissing,
        message: "the consent's revision is in the ledger and not in the store",
        sql: "SELECT t.row_id, t.position FROM told_consent t WHERE NOT EXISTS (\
              SELECT 1 FROM consent_revision r WHERE r.row_id = t.row_id) LIMIT ?",
    },
    Check {
        about: About::Consent,
        kind: RowProblemKind::EntryMissing,
        message: "the consent's revision is in the store and its entry not in the ledger",
        sql: "SELECT r.row_id, NULL FROM consent_revision r WHERE NOT EXISTS (\
              SELECT 1 FROM told_consent t WHERE t.row_id = r.row_id) LIMIT ?",
    },
    Check {
        about: About::Consent,
        kind: RowProblemKind::RowAltered,
        message: "the consent's revision, or which of them is in force, was changed",
        sql: "SELECT t.row_id, t.position FROM told_consent t JOIN consent_revision r \
              ON r.row_id = t.row_id LEFT JOIN consent c ON c.consent_key = r.consent_key \
              WHERE r.lodged_at <> t.at OR r.revoked_at IS NOT t.revoked_at \
              OR r.revision > coalesce(c.revision, 0) LIMIT ?",
    },
    Check {
        about: About::Fact,
        kind: RowProblemKind::RowMissing,
        message: "the fact's revision is in the ledger and not in the store",
        sql: "SELECT t.row_id, t.position FROM told_fact t WHERE NOT EXISTS (\
              SELECT 1 FROM fact_revision r WHERE r.row_id = t.row_id) LIMIT ?",
    },
    Check {
        about: About::Fact,
        kind: RowProblemKind::EntryMissing,
        message: "the fact's revision is in the store and its entry not in the ledger",
        sql: "SELECT r.row_id, NULL FROM fact_revision r WHERE NOT EXISTS (\
              SELECT 1 FROM told_fact t WHERE t.row_id = r.row_id) LIMIT ?",
    },
    Check {
        about: About::Fact,
        kind: RowProblemKind::RowAltered,
        message: "the fact's revision, or which of them is in force, was changed",
        sql: "SELECT t.row_id, t.position FROM told_fact t JOIN fact_revision r \
              ON r.row_id = t.row_id LEFT JOIN fact f ON f.fact_key = r.fact_key \
              WHERE r.entered_at <> t.at OR r.ended_at IS NOT t.ended_at \
              OR r.revision > coalesce(f.revision, 0) LIMIT ?",
    },
    Check {
        about: About::Extract,
        kind: RowProblemKind::RowMissing,
        message: "the extract is in the ledger and not in the store",
        sql: "SELECT t.extract, t.position FROM told_extract t WHERE NOT EXISTS (\
              SELECT 1 FROM extract x WHERE x.extract_id = t.extract) LIMIT ?",
    },
    Check {
        about: About::Extract,
        kind: RowProblemKind::EntryMissing,
        message: "the extract is in the store and its entry not in the ledger",
        sql: "SELECT x.extract_id, NULL FROM extract x WHERE NOT EXISTS (\
              SELECT 1 FROM told_extract t WHERE t.extract = x.extract_id) LIMIT ?",
    },
    Check {
        about: About::Extract,
        kind: RowProblemKind::RowAltered,
        message: "the extract's decisions are not those its entry was written over",
        sql: "SELECT t.extract, t.position FROM told_extract t JOIN extract x \
              ON x.extract_id = t.extract WHERE t.disclosures IS NOT NULL \
              AND (x.disclosures_hash <> t.disclosures OR t.decisions <> (SELECT count(*) \
              FROM extract_record e JOIN decision d ON d.source_id = e.disclosure_id \
              AND d.token = 0 WHERE e.extract_id = t.extract)) LIMIT ?",
    },
    Check {
        about: About::Extract,
        kind: RowProblemKind::RowAltered,
        message: "the accounting of what was fetched of the extract is not the ledger's",
        sql: "SELECT extract, max(position) FROM (SELECT t.extract, t.position FROM told_left t \
              LEFT JOIN listed_left l ON l.extract = t.extract AND l.at = t.at \
              WHERE t.disclosed <> coalesce(l.disclosed, 0) UNION ALL \
              SELECT l.extract, NULL FROM listed_left l WHERE NOT EXISTS (SELECT 1 \
              FROM told_left t WHERE t.extract = l.extract AND t.at = l.at)) \
              GROUP BY extract LIMIT ?",
    },
    Check {
        about: About::Access,
        kind: RowProblemKind::RowMissing,
        message: "the request at the emergency door is in the ledger and not in the store",
        sql: "SELECT t.emergency, t.position FROM told_access t WHERE NOT EXISTS (SELECT 1 \
              FROM emergency_access a WHERE a.emergency_id = t.emergency) LIMIT ?",
    },
    Check {
        about: About::Access,
        kind: RowProblemKind::EntryMissing,
        message: "the request at the emergency door is in the store and not in the ledger",
        sql: "SELECT a.emergency_id, NULL FROM emergency_access a WHERE NOT EXISTS (SELECT 1 \
              FROM told_access t WHERE t.emergency = a.emergency_id) LIMIT ?",
    },
    Check {
        about: About::Access,
        kind: RowProblemKind::RowAltered,
        message: "the row of the request at the emergency door does not say what its entry says",
        sql: "SELECT t.emergency, t.position FROM told_access t JOIN emergency_access a \
              ON a.emergency_id = t.emergency WHERE a.requester IS NOT t.requester \
              OR a.at <> t.at OR a.channel IS NOT t.channel OR a.purpose IS NOT t.purpose \
              OR a.test IS NOT t.test OR a.rule_set IS NOT t.rule_set \
              OR a.correlation_id IS NOT t.correlation LIMIT ?",
    },
    Check {
        about: About::Disclosure,
        kind: RowProblemKind::EntryMissing,
        message: "by the store it was given at the emergency door, and the ledger does not know",
        sql: "SELECT g.disclosure_id, NULL FROM emergency_disclosure g WHERE NOT EXISTS (SELECT 1 \
              FROM told_given t WHERE t.disclosure = g.disclosure_id) LIMIT ?",
    },
    Check {
        about: About::Disclosure,
        kind: RowProblemKind::RowAltered,
        message: "what was given at the emergency door is not what its entry says",
        sql: "SELECT t.disclosure, t.position FROM told_given t JOIN emergency_disclosure g \
              ON g.disclosure_id = t.disclosure WHERE g.emergency_id <> t.emergency \
              OR g.record_id IS NOT t.record OR g.output IS NOT t.output LIMIT ?",
    },
    Check {
        about: About::Confirmation,
        kind: RowProblemKind::RowMissing,
        message: "the consent's confirmation is in the ledger and not in the store",
        sql: "SELECT t.row_id, t.position FROM told_confirmation t WHERE NOT EXISTS (SELECT 1 \
              FROM consent_confirmation r WHERE r.row_id = t.row_id) LIMIT ?",
    },
    Check {
        about: About::Confirmation,
        kind: RowProblemKind::EntryMissing,
        message: "the consent's confirmation is in the store and its entry not in the ledger",
        sql: "SELECT r.row_id, NULL FROM consent_confirmation r WHERE NOT EXISTS (SELECT 1 \
              FROM told_confirmation t WHERE t.row_id = r.row_id) LIMIT ?",
    },
    Check {
        about: About::Confirmation,
        kind: RowProblemKind::RowAltered,
        message: "the consent's confirmation does not say what its entry says",
        sql: "SELECT t.row_id, t.position FROM told_confirmation t JOIN consent_confirmation r \
              ON r.row_id = t.row_id LEFT JOIN consent c ON c.consent_key = r.consent_key \
              WHERE r.confirmed_at <> t.at OR r.confirmed_by IS NOT t.by \
              OR r.revision IS NOT t.revision OR c.registry_id IS NOT t.consent \
              OR r.number IS NOT t.number LIMIT ?",
    },
    Check {
        about: About::Scan,
        kind: RowProblemKind::RowMissing,
        message: "the scan of the consent is in the ledger and not in the store",
        sql: "SELECT t.row_id, t.position FROM told_scan t WHERE NOT EXISTS (SELECT 1 \
              FROM consent_scan r WHERE r.row_id = t.row_id) LIMIT ?",
    },
    Check {
        about: About::Scan,
        kind: RowProblemKind::EntryMissing,
        message: "the scan of the consent is in the store and its entry not in the ledger",
        sql: "SELECT r.row_id, NULL FROM consent_scan r WHERE NOT EXISTS (SELECT 1 \
              FROM told_scan t WHERE t.row_id = r.row_id) LIMIT ?",
    },
    Check {
        about: About::Scan,
        kind: RowProblemKind::RowAltered,
        message: "the row of the consent's scan does not say what its entry says",
        sql: "SELECT t.row_id, t.position FROM told_scan t JOIN consent_scan r \
              ON r.row_id = t.row_id LEFT JOIN consent c ON c.consent_key = r.consent_key \
              WHERE r.stored_at <> t.at OR r.revision IS NOT t.revision \
              OR r.media_type IS NOT t.media_type OR c.registry_id IS NOT t.consent LIMIT ?",
    },
    Check {
        about: About::Use,
        kind: RowProblemKind::RowMissing,
        message: "the ledger says that the consent was used up, and the store does not",
        sql: "SELECT t.consent, t.position FROM told_use t WHERE NOT EXISTS (SELECT 1 \
              FROM consent_use u JOIN consent c ON c.consent_key = u.consent_key \
              WHERE c.registry_id = t.consent) LIMIT ?",
    },
    Check {
        about: About::Use,
        kind: RowProblemKind::EntryMissing,
        message: "the store says that the consent was used up, and the ledger does not",
        sql: "SELECT c.registry_id, NULL FROM consent_use u LEFT JOIN consent c \
              ON c.consent_key = u.consent_key WHERE NOT EXISTS (SELECT 1 FROM told_use t \
              WHERE t.consent = c.registry_id) LIMIT ?",
    },
    Check {
        about: About::Use,
        kind: RowProblemKind::RowAltered,
        message: "the consent was used up by another delivery or answer, or at another time, than \
                  the ledger says",
        sql: "SELECT t.consent, t.position FROM told_use t JOIN consent c \
              ON c.registry_id = t.consent JOIN consent_use u ON u.consent_key = c.consent_key \
              WHERE u.delivery_id <> t.delivery OR u.used_at <> t.at LIMIT ?",
    },
];
