//! Intake is a decision too: what the gateway's operator may hold at all, and from whom.
//!
//! The operator is a party of its own. What it may not hold is refused or taken out before
//! anything is stored, and a refusal says which kind of data, never what it was.

use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::finding_codes::{
    DATA_CLASS_NOT_ON_CHANNEL, DATA_CLASS_REFUSED, DATA_CLASS_STRIPPED, OPERATOR_AGREEMENT_MISSING,
    RELEASE_NEEDED,
};
use crate::base::vocabulary::{ClassSet, ConsentKind, DataClass, SourceRole};
use crate::catalog::agreement;
use crate::catalog::partner::{Channel, Partner};
use crate::record::labels::{LabelPlan, Labels, Origin};
use crate::record::{Record, strip};
use std::collections::BTreeMap;

/// How a release names the gateway's operator among its recipients.
pub const OPERATOR_ID: &str = "gateway-operator";

/// A consent in force that a record names, as far as intake looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// What kind of paper.
    pub kind: ConsentKind,
    /// Whether its recipients name the gateway's operator.
    pub names_operator: bool,
}

/// Consents in force, by the id the sender uses.
pub type Papers = BTreeMap<String, Paper>;

/// Who hands a record in, and over what.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// The partner.
    pub partner: &'a Partner,
    /// Its in-channel.
    pub channel: &'a Channel,
    /// Consents in force that the submission's records name.
    pub papers: &'a Papers,
    /// The instant the agreements must hold at.
    pub now: Timestamp,
}

/// Takes out what is only accepted to be taken out and tells everything that keeps a record out.
pub fn admit(plan: &LabelPlan, record: &mut Record, sender: &Sender<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let papers = named(record, sender.papers);
    let origin = origin(sender.partner, &papers);
    let mut labels = plan.label(record, origin);
    if labels.has(DataClass::ImmigrationStatus) {
        for pointer in strip::strip(plan, record, DataClass::ImmigrationStatus) {
            findings.push(Finding::new(&DATA_CLASS_STRIPPED).at(pointer));
        }
        labels = plan.label(record, origin);
    }
    refuse(&labels, &papers, sender, &mut findings);
    findings
}

/// What the sender and the papers make of a record's classes.
pub fn origin(partner: &Partner, papers: &[&Paper]) -> Origin {
    let part2 = |paper: &&&Paper| {
        matches!(
            paper.kind,
            ConsentKind::Part2Tpo | ConsentKind::Part2Specific | ConsentKind::Part2Legal
        )
    };
    Origin {
        part2_program: partner.source_role() == Some(SourceRole::SudProgram),
        part2_consent: papers.iter().any(|paper| part2(&paper)),
        dv_program: partner.source_role() == Some(SourceRole::DvProgram),
    }
}

/// The papers a record names.
fn named<'a>(record: &Record, papers: &'a Papers) -> Vec<&'a Paper> {
    let ids = record.envelope().and_then(|e| e.get("consent_refs"));
    let ids = ids.map(|list| list.items()).unwrap_or_default();
    ids.iter()
        .filter_map(|id| papers.get(id.as_str()?))
        .collect()
}

fn refuse(labels: &Labels, papers: &[&Paper], sender: &Sender<'_>, findings: &mut Vec<Finding>) {
    let asked = labels.asked();
    let classes = asked
        .values()
        .fold(ClassSet::EMPTY, |all, own| all.union(*own));
    for class in classes.iter().filter(|class| never(*class, papers)) {
        let message = format!("the record holds `{class}`, which this gateway never accepts");
        findings.push(Finding::new(&DATA_CLASS_REFUSED).saying(message));
    }
    let from_dv = sender.partner.source_role() == Some(SourceRole::DvProgram);
    let released = |paper: &&Paper| paper.kind == ConsentKind::VawaRelease && paper.names_operator;
    let only_aggregates = classes == ClassSet::of(DataClass::AggregateDeidentified);
    if from_dv && !only_aggregates && !papers.iter().any(released) {
        findings.push(Finding::new(&RELEASE_NEEDED));
    }
    for class in agreement::missing(sender.partner, classes, sender.now).iter() {
        let message = format!("no operator agreement in force covers `{class}`");
        findings.push(Finding::new(&OPERATOR_AGREEMENT_MISSING).saying(message));
    }
    if let Some(open) = &sender.channel.classes {
        let open: ClassSet = open.iter().copied().collect();
        for class in classes.without(open).iter() {
            let message = format!("the channel is not open for `{class}`");
            findings.push(Finding::new(&DATA_CLASS_NOT_ON_CHANNEL).saying(message));
        }
    }
}

/// Never accepted, whatever agreement there is.
fn never(class: DataClass, papers: &[&Paper]) -> bool {
    match class {
        DataClass::PsychotherapyNotes
        | DataClass::AttorneyClient
        | DataClass::DvCounselorComm
        | DataClass::SaCounselorComm => true,
        DataClass::SudCounselingNotes => !papers
            .iter()
            .any(|paper| paper.kind == ConsentKind::Part2CounselingNotes && paper.names_operator),
        _ => false,
    }
}
