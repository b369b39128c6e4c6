//! FHIR R4 Consent, as papers of the registry and back.
//!
//! What its codes mean stands in `policies/fhir-consent.toml`. A permit is never read wider than
//! the document: what cannot be kept exactly is refused. A refusal is never read narrower: it is
//! widened, and the lodger is told. Nothing is ignored in silence.

mod inward;
mod outward;
mod provision;

pub use inward::{Inward, Reading, read};
pub use outward::{Kept, write};

use super::tables::{TABLE_MISSING, defect};
use crate::base::defect::Defect;
use crate::base::vocabulary::{ConsentKind, DataClass, Grantor, Purpose};
use crate::catalog::{Sources, files::whole, read_toml};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The file of the codes.
const FILE: &str = "policies/fhir-consent.toml";

/// Our own systems and extensions.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    kind: Arc<str>,
    form: Arc<str>,
    class: Arc<str>,
    purpose: Arc<str>,
    recipient_role: Arc<str>,
    partner: Arc<str>,
    grantor: Arc<str>,
    signer: Arc<str>,
    element: Arc<str>,
    element_missing: Arc<str>,
    ends_on_event: Arc<str>,
    expiry_statement: Arc<str>,
    coercion: Arc<str>,
    supersedes: Arc<str>,
    exception_to: Arc<str>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormRow {
    /// Elements that are printed on the form.
    statements: Vec<Arc<str>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    system: Arc<str>,
    code: Arc<str>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Out {
    /// The member that says what a resource is, and what this one is.
    type_member: Arc<str>,
    #[serde(rename = "type")]
    resource: Arc<str>,
    scope: Code,
    category: Code,
    actor_role: Code,
    active: Arc<str>,
    ended: Arc<str>,
}

/// What a status says of the papers under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// They count.
    Stands,
    /// They no longer count.
    Ends,
    /// They do not count yet, or never did.
    NeverStood,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusRow {
    code: Arc<str>,
    means: Standing,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyRow {
    system: Arc<str>,
    code: Arc<str>,
    kind: ConsentKind,
    mark: Arc<str>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RelationshipRow {
    system: Arc<str>,
    code: Arc<str>,
    grantor: Grantor,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PurposeRow {
    system: Arc<str>,
    code: Arc<str>,
    permit: Vec<Purpose>,
    deny: Vec<Purpose>,
}

/// Labels of one provision are of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Group {
    Confidentiality,
    Sensitivity,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelRow {
    system: Arc<str>,
    code: Arc<str>,
    group: Group,
    permit: Vec<DataClass>,
    deny: Vec<DataClass>,
    mark: Arc<str>,
}

/// What the codes of a FHIR Consent mean.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    own: Own,
    form: FormRow,
    out: Out,
    status: Vec<StatusRow>,
    scope: Vec<Code>,
    actor_role: Vec<Code>,
    action: Vec<Code>,
    policy: Vec<PolicyRow>,
    relationship: Vec<RelationshipRow>,
    purpose: Vec<PurposeRow>,
    label: Vec<LabelRow>,
}

impl Codes {
    /// Reads the codes; a permit that would be wider than the refusal of the same code, and a code
    /// with two rows, are defects.
    pub fn compile(sources: &Sources) -> (Codes, Vec<Defect>) {
        let mut defects = Vec::new();
        let Some(file) = sources.files.get(FILE) else {
            let missing = whole(FILE, TABLE_MISSING, "the file is missing");
            return (Codes::default(), vec![missing]);
        };
        let Some(codes) = read_toml::<Codes>(file, &mut defects) else {
            return (Codes::default(), defects);
        };
        let mut tell = |message: String| defects.push(defect(FILE, "policy-table", message));
        for row in &codes.label {
            if !row.permit.iter().all(|class| row.deny.contains(class)) {
                tell(format!("label `{}` permits more than it refuses", row.code));
            }
        }
        for row in &codes.purpose {
            if !row.permit.iter().all(|word| row.deny.contains(word)) {
                tell(format!(
                    "purpose `{}` permits more than it refuses",
                    row.code
                ));
            }
        }
        let labels = codes.label.iter().map(|row| (&row.system, &row.code));
        let purposes = codes.purpose.iter().map(|row| (&row.system, &row.code));
        let policies = codes.policy.iter().map(|row| (&row.system, &row.code));
        let tables = [
            labels.collect::<Vec<_>>(),
            purposes.collect(),
            policies.collect(),
        ];
        for table in tables {
            let mut seen = BTreeSet::new();
            for (system, code) in table {
                if !seen.insert((system, code)) {
                    tell(format!("code `{code}` has two rows"));
                }
            }
        }
        for code in [&codes.out.active, &codes.out.ended] {
            if codes.standing(code).is_none() {
                tell(format!("status `{code}` has no row"));
            }
        }
        (codes, defects)
    }

    /// The codes whose meaning is a reading, each with its mark.
    pub fn marks(&self) -> impl Iterator<Item = (&str, &str)> {
        let labels = self.label.iter().map(|row| (&*row.code, &*row.mark));
        let policies = self.policy.iter().map(|row| (&*row.code, &*row.mark));
        labels.chain(policies)
    }

    fn standing(&self, code: &str) -> Option<Standing> {
        let row = self.status.iter().find(|row| &*row.code == code)?;
        Some(row.means)
    }
}

/// Whether a row of a plain list is this coding.
fn listed(rows: &[Code], system: &str, code: &str) -> bool {
    let mut rows = rows.iter();
    rows.any(|row| &*row.system == system && &*row.code == code)
}
