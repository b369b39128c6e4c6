//! The rules in force: all catalog files compiled, in one immutable value.
//!
//! It gathers every defect of every room, so that an integrator sees them all at once. Rules with
//! a defect are never served; whoever holds an `Arc` of older ones finishes with them.

use crate::base::clock::Timestamp;
use crate::base::defect::Defect;
use crate::base::digest::Digest;
use crate::base::id::{PartnerId, RuleSetId};
use crate::base::vocabulary::{ClassSet, ConsentKind, RecipientRole};
use crate::catalog::partner::Channel;
use crate::catalog::{self, Partner, SourceFile, Sources};
use crate::disclosure::Policy;
use crate::disclosure::fhir;
use crate::disclosure::import::ImportForms;
use crate::disclosure::sheet::Sheets;
use crate::disclosure::tables::TABLE_MISSING;
use crate::mapping::Plans;
use crate::record::labels::LabelPlan;
use crate::validate::Schemas;
use crate::wire::Wires;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Folders of the catalog whose files say what may go.
const DECIDING: &[&str] = &["policies/", "schemas/canonical/"];

/// Everything a submission is read by and a decision taken by.
pub struct Rules {
    /// Digest of all catalog files and the engine version.
    pub digest: RuleSetId,
    /// The files they were compiled from.
    pub sources: Arc<Sources>,
    /// Formats, ready to read and write.
    pub wires: Wires,
    /// Schemas, ready to check trees.
    pub schemas: Schemas,
    /// Mappings, both directions.
    pub plans: Plans,
    /// Which value is of which class and about whom.
    pub labels: LabelPlan,
    /// Partners by id.
    pub partners: BTreeMap<PartnerId, Partner>,
    /// The law pack.
    pub policy: Policy,
    /// The printable consent forms.
    pub sheets: Sheets,
    /// What the codes of a FHIR Consent mean.
    pub consent_codes: fhir::Codes,
    /// Forms of others that are taken as consents.
    pub imports: ImportForms,
}

/// What bears on decisions already taken, in digests: by it a reload knows which are to be taken
/// again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearing {
    /// Policies, labels, and how partners are named and known.
    common: Digest,
    /// The rest of each partner's file, credentials apart.
    own: BTreeMap<PartnerId, Digest>,
}

/// Whose decisions are to be taken again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concerned {
    /// Everybody's.
    All,
    /// Those toward these partners, and of their records.
    Only(Vec<PartnerId>),
}

impl Bearing {
    /// Whom the step from these rules to newer ones concerns.
    pub fn concerned(&self, newer: &Bearing) -> Concerned {
        if self.common != newer.common {
            return Concerned::All;
        }
        let all = self.own.keys().chain(newer.own.keys());
        let changed = all.filter(|id| self.own.get(*id) != newer.own.get(*id));
        let changed: BTreeSet<PartnerId> = changed.cloned().collect();
        Concerned::Only(changed.into_iter().collect())
    }
}

impl Rules {
    /// The roles a partner receives in; `None` for nobody we know.
    pub fn recipient_roles(&self, id: &str) -> Option<Vec<RecipientRole>> {
        let file = self.partners.get(&PartnerId::new(id))?;
        Some(file.recipient_role().into_iter().collect())
    }

    /// What of these rules bears on decisions already taken.
    pub fn bearing(&self) -> Bearing {
        let mut common: Vec<String> = Vec::new();
        for (path, file) in &self.sources.files {
            if DECIDING.iter().any(|folder| path.starts_with(folder)) {
                common.push(format!("{path}\0{}", file.text));
            }
        }
        let mut own = BTreeMap::new();
        for (id, partner) in &self.partners {
            let known = (&partner.role, partner.mode, partner.simulated);
            let named = (&partner.identifier, &partner.service_classes);
            common.push(format!("{id}\0{known:?}\0{named:?}"));
            let bare = Partner {
                credential: Vec::new(),
                ..partner.clone()
            };
            own.insert(id.clone(), Digest::of(format!("{bare:?}").as_bytes()));
        }
        let parts: Vec<&[u8]> = common.iter().map(String::as_bytes).collect();
        Bearing {
            common: Digest::of_parts(&parts),
            own,
        }
    }

    /// Reads the shipped catalog with the overlays over it, in order, and compiles it.
    ///
    /// # Errors
    /// All defects, when there is any.
    pub fn load(overlays: &[PathBuf]) -> Result<Arc<Rules>, Vec<Defect>> {
        let (rules, mut defects) = read(overlays);
        match defects.is_empty() {
            true => Ok(Arc::new(rules)),
            false => {
                in_order(&mut defects);
                Err(defects)
            }
        }
    }

    /// The catalog as it stands on a day: the rules, and every defect that keeps them from being
    /// served then, in the order of files and lines. `check`, `doctor`, the start and a reload all
    /// look this way, so that none of them tells less than another.
    pub fn survey(overlays: &[PathBuf], now: Timestamp) -> (Rules, Vec<Defect>) {
        let (rules, mut defects) = read(overlays);
        defects.extend(catalog::fit::check(&rules.sources, now));
        defects.extend(rules.policy.unfit(now));
        in_order(&mut defects);
        (rules, defects)
    }

    /// All catalog files and whose they are, as the store keeps a rule set that was used.
    pub fn kept_form(&self) -> Vec<u8> {
        catalog::kept::write(&self.sources.files)
    }

    /// The version of the engine a kept rule set was compiled by, if it is another than this one:
    /// what came out then is what these rules say to this engine, not what that one did.
    pub fn other_engine(bytes: &[u8]) -> Option<String> {
        let (engine, other) = catalog::kept::engine(bytes)?;
        other.then_some(engine)
    }

    /// The law pack of a rule set as it was kept.
    ///
    /// # Errors
    /// When the bytes are not those of `id`, or this engine cannot compile them.
    pub fn policy_of_kept(id: &RuleSetId, bytes: &[u8]) -> Result<Policy, String> {
        let files = catalog::kept::read(id, bytes).map_err(|no| no.to_string())?;
        let mut defects = Vec::new();
        let sources = catalog::from_files(files, &mut defects);
        let (policy, mut wrong) = Policy::compile(&sources);
        // A table this engine added since: no recorded fact is judged by it.
        wrong.retain(|defect| defect.code != TABLE_MISSING);
        match wrong.first() {
            Some(defect) => Err(format!("this engine cannot compile it: {defect}")),
            None => Ok(policy),
        }
    }

    /// Compiles sources already read; with any defect the rules must not be served.
    pub fn from_sources(sources: Sources) -> (Rules, Vec<Defect>) {
        let (wires, mut defects) = Wires::compile(&sources);
        let (schemas, more) = Schemas::compile(&sources);
        defects.extend(more);
        let (policy, more) = Policy::compile(&sources);
        defects.extend(more);
        let (sheets, more) = Sheets::compile(&sources, policy.pack());
        defects.extend(more);
        let (consent_codes, more) = fhir::Codes::compile(&sources);
        defects.extend(more);
        let (imports, more) = import_forms(&sources, &policy);
        defects.extend(more);
        let (plans, more) = Plans::compile(&sources);
        defects.extend(more);
        let labels = LabelPlan::compile(&sources);
        defects.extend(uncovered_channels(&sources, &labels));
        let rules = Rules {
            digest: sources.digest.clone(),
            wires,
            schemas,
            plans,
            labels,
            partners: sources.partners.clone(),
            policy,
            sheets,
            consent_codes,
            imports,
            sources: Arc::new(sources),
        };
        (rules, defects)
    }
}

fn import_forms(sources: &Sources, policy: &Policy) -> (ImportForms, Vec<Defect>) {
    let pack = policy.pack();
    let opens = |kind: ConsentKind, class| {
        let opens = pack.kind_opens.get(kind.index());
        opens.is_some_and(|classes| classes.contains(class))
    };
    ImportForms::compile(sources, &pack.tables, &opens)
}

fn read(overlays: &[PathBuf]) -> (Rules, Vec<Defect>) {
    let (sources, mut defects) = catalog::load(overlays);
    let (rules, more) = Rules::from_sources(sources);
    defects.extend(more);
    (rules, defects)
}

fn in_order(defects: &mut Vec<Defect>) {
    defects.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    defects.dedup();
}

/// In-channels that may carry a class for which the partner shows no agreement with the gateway's
/// operator. Whether an agreement has run out meanwhile is looked at when a record comes in.
fn uncovered_channels(sources: &Sources, labels: &LabelPlan) -> Vec<Defect> {
    let mut defects = Vec::new();
    for partner in sources.partners.values() {
        for (number, channel) in partner.channel.iter().enumerate() {
            let open = sources
                .operator
                .uncovered(partner, channel, can_hold(channel, labels));
            if open.is_empty() {
                continue;
            }
            let words: Vec<&str> = open.iter().map(|class| class.as_str()).collect();
            let message = format!(
                "the in-channel for {} may carry {} without an agreement with the operator",
                channel.format,
                words.join(", ")
            );
            let told = ("operator-agreement-missing", message);
            let at = |file: &SourceFile| file.table("channel", number);
            let mut defect = sources.partner_defect(&partner.id, at, told);
            defect.help = "add an agreement `policies/operator.toml` names for them, or list in \
                           `classes` what the channel may carry"
                .to_owned();
            defects.push(defect);
        }
    }
    defects
}

/// All classes records of a channel's types can hold.
fn can_hold(channel: &Channel, labels: &LabelPlan) -> ClassSet {
    let plans = channel.records.iter();
    plans
        .filter_map(|record_type| labels.get(record_type.as_str()))
        .fold(ClassSet::EMPTY, |all, plan| all.union(plan.classes_below()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_catalog_has_no_defect() {
        // Goal: what is shipped can be served. Method: load it alone.
        match Rules::load(&[]) {
            Ok(rules) => assert!(!rules.digest.as_str().is_empty()),
            Err(defects) => {
                let all: Vec<String> = defects.iter().map(ToString::to_string).collect();
                panic!("\n{}", all.join("\n"));
            }
        }
    }
}
