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
pub use crate::base::id::OPERATOR_ID;
use crate::base::vocabulary::{ClassSet, ConsentKind, DataClass, SourceRole};
use crate::catalog::operator::{Demand, LawRow, OperatorLaw};
use crate::catalog::partner::{Channel, Partner};
use crate::record::labels::{LabelPlan, Labels, NOBODY, Origin};
use crate::record::{Record, strip};
use std::collections::BTreeMap;

/// A consent in force that a record names, as far as intake looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// What kind of paper.
    pub kind: ConsentKind,
    /// Whether its recipients name the gateway's operator.
    pub names_operator: bool,
    /// Positions of the record's persons whose paper it is: none when it is somebody else's, or
    /// when it is not known whose.
    pub of: Vec<u16>,
}

/// Consents in force that each record names, by the record's index in the submission.
pub type Papers = BTreeMap<u32, Vec<Paper>>;

/// Who hands a record in, and over what.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// The partner.
    pub partner: &'a Partner,
    /// Its in-channel.
    pub channel: &'a Channel,
    /// Consents in force that the submission's records name; a paper lets in what is about the
    /// person whose paper it is, and nothing else.
    pub papers: &'a Papers,
    /// The instant the agreements must hold at.
    pub now: Timestamp,
}

/// Takes out what is only accepted to be taken out and tells everything that keeps a record out.
pub fn admit(
    law: &OperatorLaw,
    plan: &LabelPlan,
    record: &mut Record,
    papers: &[Paper],
    sender: &Sender<'_>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let origin = origin(sender.partner, papers);
    let mut labels = plan.label(record, origin);
    let held = classes(&labels);
    let mut gone = false;
    for class in taken_out(law, sender.now).iter() {
        if held.contains(class) {
            // Where it stood is only known as long as it stands.
            let before = record.root.clone();
            for pointer in strip::strip(plan, record, class) {
                let stood = before.pointer(&pointer).map(|node| node.span);
                let mut told = Finding::new(&DATA_CLASS_STRIPPED).at(pointer);
                told.span = stood.filter(|span| span.end > 0);
                findings.push(told);
            }
            gone = true;
        }
    }
    if gone {
        labels = plan.label(record, origin);
    }
    for (class, finding) in refuse(law, &labels.asked(), papers, sender) {
        let place = class.and_then(|class| first_of(&labels, record, class));
        findings.push(finding.at(place.unwrap_or_default()));
    }
    findings
}

/// Pointer of the first value of that class, one of the record proper if there is one.
fn first_of(labels: &Labels, record: &Record, class: DataClass) -> Option<String> {
    let mut all = labels.list(record);
    all.retain(|label| label.classes.contains(class));
    let proper = |pointer: &str| !pointer.starts_with("/envelope/") && !pointer.ends_with("/key");
    let at = all.iter().position(|label| proper(&label.pointer));
    let found = all.into_iter().nth(at.unwrap_or_default());
    found.map(|label| label.pointer)
}

/// What a record says of each of its persons, by position.
type Asked = BTreeMap<u16, ClassSet>;

/// All classes asked for by a record's labels.
fn classes(labels: &Labels) -> ClassSet {
    all(&labels.asked())
}

fn all(asked: &Asked) -> ClassSet {
    let classes = asked.values();
    classes.fold(ClassSet::EMPTY, |all, own| all.union(*own))
}

/// Classes removed at the door; what is refused there is refused, not removed.
fn taken_out(law: &OperatorLaw, now: Timestamp) -> ClassSet {
    let (mut out, mut refused) = (ClassSet::EMPTY, ClassSet::EMPTY);
    for row in law.in_force(now) {
        match row.demand {
            Demand::TakeOut => out = out.union(row.classes),
            Demand::Refuse(_) => refused = refused.union(row.classes),
            Demand::Agreement(_) | Demand::Source(..) => {}
        }
    }
    out.without(refused)
}

/// What the sender and the papers make of a record's classes.
pub fn origin(partner: &Partner, papers: &[Paper]) -> Origin {
    let part2 = |paper: &Paper| {
        matches!(
            paper.kind,
            ConsentKind::Part2Tpo | ConsentKind::Part2Specific | ConsentKind::Part2Legal
        )
    };
    Origin {
        part2_program: partner.source_role() == Some(SourceRole::SudProgram),
        // Whosever it is: that one is named makes the record no less protected.
        part2_consent: papers.iter().any(part2),
        dv_program: partner.source_role() == Some(SourceRole::DvProgram),
    }
}

fn refuse(
    law: &OperatorLaw,
    asked: &Asked,
    papers: &[Paper],
    sender: &Sender<'_>,
) -> Vec<(Option<DataClass>, Finding)> {
    let mut findings = Vec::new();
    let classes = all(asked);
    let mut refused = ClassSet::EMPTY;
    let mut release_needed = false;
    for row in law.in_force(sender.now) {
        refused = refused.union(refused_by(row, asked, papers));
        release_needed |= asks_release(row, classes, papers, sender.partner);
    }
    for class in refused.iter() {
        let message = format!("the record holds `{class}`, which this gateway never accepts");
        findings.push((
            Some(class),
            Finding::new(&DATA_CLASS_REFUSED).saying(message),
        ));
    }
    if release_needed {
        findings.push((None, Finding::new(&RELEASE_NEEDED)));
    }
    // Whom a record comes from says something too.
    let classes = classes.union(sender.partner.declared_services());
    for class in law.missing(sender.partner, classes, sender.now).iter() {
        let message = format!("no operator agreement in force covers `{class}`");
        let told = Finding::new(&OPERATOR_AGREEMENT_MISSING).saying(message);
        findings.push((Some(class), told));
    }
    if let Some(open) = &sender.channel.classes {
        let open: ClassSet = open.iter().copied().collect();
        for class in classes.without(open).iter() {
            let message = format!("the channel is not open for `{class}`");
            let told = Finding::new(&DATA_CLASS_NOT_ON_CHANNEL).saying(message);
            findings.push((Some(class), told));
        }
    }
    findings
}

/// Whether a consent of that kind that names the operator is among the papers: this person's, or
/// for what is about nobody that can be told, one of the record's persons'.
fn released(unless: Option<ConsentKind>, papers: &[Paper], person: u16) -> bool {
    papers.iter().any(|paper| {
        let own = paper.of.contains(&person) || (person == NOBODY && !paper.of.is_empty());
        Some(paper.kind) == unless && paper.names_operator && own
    })
}

/// Classes of the record the row keeps out, whatever agreement there is: those said of a person
/// without a paper of its own.
fn refused_by(row: &LawRow, asked: &Asked, papers: &[Paper]) -> ClassSet {
    let Demand::Refuse(unless) = row.demand else {
        return ClassSet::EMPTY;
    };
    let open = asked
        .iter()
        .filter(|(at, _)| !released(unless, papers, **at));
    open.fold(ClassSet::EMPTY, |out, (_, own)| {
        out.union(own.without(own.without(row.classes)))
    })
}

/// Whether the row lets the sender hand this in only under a release.
fn asks_release(row: &LawRow, classes: ClassSet, papers: &[Paper], partner: &Partner) -> bool {
    let Demand::Source(roles, unless) = &row.demand else {
        return false;
    };
    let meant = partner
        .source_role()
        .is_some_and(|own| roles.contains(&own));
    let only = !classes.is_empty() && classes.without(row.classes).is_empty();
    meant && !only && !released(*unless, papers, NOBODY)
}
