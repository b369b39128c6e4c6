//! What the wire's schema requires and no row writes: every record would be held, one by one.
//!
//! It looks for names alone: what is mentioned anywhere going out counts as written, so that what
//! it tells is never there. Whether a row that is there always has a value is the laws' to show.

use super::Builder;
use crate::catalog::mapping::{EachSource, RuleSource};
use std::collections::BTreeSet;
use toml::Spanned;

impl Builder<'_> {
    /// Tells every required member of a node that nothing going out mentions.
    pub(super) fn required_of_the_wire(&mut self) {
        if !self.format.is_written() || self.mapping.further {
            return;
        }
        let said = self.said();
        let mut missing = BTreeSet::new();
        for shape in self.drafts.iter().filter_map(|draft| draft.wire.first()) {
            let required = shape.members().iter().filter(|(_, member)| member.required);
            let unsaid = required.filter(|(name, _)| !said.iter().any(|it| it.contains(&**name)));
            missing.extend(unsaid.map(|(name, _)| name.clone()));
        }
        for name in missing {
            let message = format!("the wire's schema requires `{name}` and no row writes it");
            let mut defect = self.file.defect(None, "wire-required-unset", message);
            defect.help = "write it, by `const` where it is always the same".to_owned();
            self.built.defects.push(defect);
        }
    }

    /// Every text in which a place of the wire may be named that is written.
    fn said(&self) -> Vec<String> {
        let mut out = self.format.body.names();
        let body = &self.mapping.body;
        gather(&body.rule, &body.each, &mut out);
        let mut shared = Vec::new();
        for (_, template) in self.templates.values() {
            gather(&template.rule, &template.each, &mut shared);
        }
        for part in &body.part {
            let part = part.as_ref();
            let own = [&part.path, &part.key, &part.when];
            out.extend(own.into_iter().flatten().map(|it| it.as_ref().clone()));
            let named = |it: &String| format!("{}{}", part.prefix, it.trim_matches('\''));
            out.extend(shared.iter().map(named));
        }
        out
    }
}

/// Places rows and lists write to.
fn gather(rules: &[Spanned<RuleSource>], lists: &[Spanned<EachSource>], out: &mut Vec<String>) {
    for rule in rules.iter().map(|rule| rule.as_ref()) {
        if rule.direction.goes_out() {
            let absent = rule.absent.iter().map(|it| it.as_ref().wire.as_ref());
            let own = [&rule.wire, &rule.when].into_iter().flatten();
            out.extend(own.map(|it| it.as_ref()).chain(absent).cloned());
        }
    }
    for list in lists.iter().map(|list| list.as_ref()) {
        let own = [&list.wire, &list.when].into_iter().flatten();
        out.extend(own.map(|it| it.as_ref().clone()));
        let from = out.len();
        gather(&list.rule, &list.each, out);
        let Some((first, last)) = list.columns.as_ref().map(|it| *it.as_ref()) else {
            continue;
        };
        // A numbered column is each of its numbers.
        for text in out.split_off(from) {
            out.extend((first..=last).map(|n| text.replace("{n}", &n.to_string())));
        }
    }
}
