//! The rules in force: all catalog files compiled, in one immutable value.
//!
//! It gathers every defect of every room, so that an integrator sees them all at once. Rules with
//! a defect are never served; whoever holds an `Arc` of older ones finishes with them.

use crate::base::defect::Defect;
use crate::base::id::{PartnerId, RuleSetId};
use crate::catalog::{self, Partner, Sources};
use crate::disclosure::Policy;
use crate::mapping::Plans;
use crate::record::labels::LabelPlan;
use crate::validate::Schemas;
use crate::wire::Wires;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

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
}

impl Rules {
    /// Reads the shipped catalog with the overlays over it, in order, and compiles it.
    ///
    /// # Errors
    /// All defects, when there is any.
    pub fn load(overlays: &[PathBuf]) -> Result<Arc<Rules>, Vec<Defect>> {
        let (sources, mut defects) = catalog::load(overlays);
        let (rules, more) = Rules::from_sources(sources);
        defects.extend(more);
        if defects.is_empty() {
            Ok(Arc::new(rules))
        } else {
            defects.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
            Err(defects)
        }
    }

    /// Compiles sources already read; with any defect the rules must not be served.
    pub fn from_sources(sources: Sources) -> (Rules, Vec<Defect>) {
        let (wires, mut defects) = Wires::compile(&sources);
        let (schemas, more) = Schemas::compile(&sources);
        defects.extend(more);
        let (plans, more) = Plans::compile(&sources);
        defects.extend(more);
        let (policy, more) = Policy::compile(&sources);
        defects.extend(more);
        let rules = Rules {
            digest: sources.digest.clone(),
            wires,
            schemas,
            plans,
            labels: LabelPlan::compile(&sources),
            partners: sources.partners.clone(),
            policy,
            sources: Arc::new(sources),
        };
        (rules, defects)
    }
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
