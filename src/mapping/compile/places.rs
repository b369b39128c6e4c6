//! Places of rules: wire paths and record paths in their context, compiled against the schemas.

use super::check::join;
use super::shapes::{Resolved, resolve};
use super::{Builder, Spot};
use crate::catalog::schema::Shape;
use crate::mapping::path::parse;
use crate::mapping::plan::{Place, Target};
use crate::mapping::walk::Step;
use std::ops::Range;
use toml::Spanned;

/// A compiled record path, its canonical name, and what stands there.
pub(super) type Aimed<'s> = ((Target, String), Vec<&'s Shape>);

impl<'s> Builder<'s> {
    /// A place of the wire that holds a value.
    pub(super) fn place(
        &mut self,
        text: &'s Spanned<String>,
        spot: &Spot<'s>,
    ) -> Option<(Place, Resolved<'s>)> {
        self.any_place(text, spot, self.is_xml())
    }

    /// A place of the wire that holds a node or a reference.
    pub(super) fn reference_place(
        &mut self,
        text: &'s Spanned<String>,
        spot: &Spot<'s>,
    ) -> Option<(Place, Resolved<'s>)> {
        self.any_place(text, spot, false)
    }

    fn any_place(
        &mut self,
        text: &'s Spanned<String>,
        spot: &Spot<'s>,
        wants_text: bool,
    ) -> Option<(Place, Resolved<'s>)> {
        if spot.wire.is_empty() {
            // Told where the part was declared.
            return None;
        }
        let mut written = text.as_ref().clone();
        if let Some(number) = spot.number {
            written = written.replace("{n}", &number.to_string());
        }
        let names = self.part_names();
        let separator = super::layout::separator(self.format);
        let found = parse(&written, separator, &names).and_then(|mut raw| {
            if raw.part.is_some() && spot.inner {
                return Err("no part can be named inside an each or a template".to_owned());
            }
            if let Some(first) = raw.steps.first_mut() {
                first.name.insert_str(0, spot.prefix);
            }
            resolve(&raw.steps, &spot.wire, wants_text)
        });
        let found = self.told(found, spot.file, text, "wire-path-unknown")?;
        let mut get = found.head.clone();
        if spot.rows_root {
            get.insert(0, Step::Nth(0));
        }
        let place = Place {
            get,
            set: found.head.clone(),
            tail: found.tail.clone(),
            slot: None,
        };
        Some((place, found))
    }

    /// A place of the record, relative to its context or absolute.
    pub(super) fn target(
        &mut self,
        text: &str,
        span: Range<usize>,
        spot: &Spot<'s>,
    ) -> Option<Aimed<'s>> {
        let raw = match parse(text, '.', &[]) {
            Ok(raw) => raw,
            Err(message) => {
                self.defect(spot.file, span, "record-path-unknown", message);
                return None;
            }
        };
        let relative = raw.relative || text.trim() == ".";
        if !relative && raw.steps.first().is_some_and(|step| step.name == "persons") {
            let message = "persons are filled by person parts only";
            self.defect(spot.file, span, "record-path-persons", message);
            return None;
        }
        let from = if relative {
            spot.record.clone()
        } else {
            vec![self.record]
        };
        if from.is_empty() {
            return None;
        }
        match resolve(&raw.steps, &from, false) {
            Ok(found) => {
                for path in &found.assigned {
                    let (absolute, path) = self.canonical(spot, path);
                    self.bind(spot.part, &path, absolute, "a condition");
                    self.limit(found.partial.clone());
                }
                let target = Target {
                    absolute: !relative || spot.whole,
                    steps: found.head,
                    tail: found.tail,
                    pointer: found.pointer,
                    required: found.required,
                    partial: found.partial,
                    slot: None,
                };
                Some(((target, found.canonical), found.shapes))
            }
            Err(message) => {
                let message = format!("`{text}`: {message}");
                self.defect(spot.file, span, "record-path-unknown", message);
                None
            }
        }
    }

    /// The canonical name of a path in a context: whether it starts at the root, and the path.
    pub(super) fn canonical(&self, spot: &Spot<'s>, path: &str) -> (bool, String) {
        let from_root = ["envelope", "body"].iter().any(|name| {
            path == *name
                || path
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('.'))
        });
        if from_root || spot.whole {
            (true, path.to_owned())
        } else {
            (false, join(&spot.below, path))
        }
    }
}
