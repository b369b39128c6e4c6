//! Parts: what they are, what they stand for, how they are found.

use super::shapes::{Resolved, conditions, resolve};
use super::{Builder, Draft, Spot};
use crate::base::Text;
use crate::catalog::mapping::{OneOrMany, PartSource};
use crate::catalog::schema::Shape;
use crate::mapping::path::{self, parse};
use crate::mapping::plan::{Gate, Link, Op, Part, Place, RefOp, Target};
use crate::mapping::sheet::Sheets;
use crate::mapping::walk::{Condition, Step};
use toml::Spanned;

impl<'s> Builder<'s> {
    /// The parts of the file, the root first.
    fn sources(&self) -> Vec<&'s Spanned<PartSource>> {
        let mut all: Vec<&Spanned<PartSource>> = self.mapping.body.part.iter().collect();
        all.sort_by_key(|part| !part.as_ref().root);
        all
    }

    pub(super) fn source(&self, at: usize) -> Option<&'s PartSource> {
        self.sources()
            .into_iter()
            .nth(at)
            .map(|spanned| spanned.as_ref())
    }

    pub(super) fn part_names(&self) -> Vec<&'s str> {
        let all = self.mapping.body.part.iter();
        all.map(|part| part.as_ref().name.as_ref().as_str())
            .collect()
    }

    pub(super) fn part_named(&self, name: &str) -> Option<usize> {
        self.parts.iter().position(|part| part.name == name)
    }

    /// Declares all parts; false when there is no root to start from.
    pub(super) fn declare_parts(&mut self) -> bool {
        let sources = self.sources();
        let roots = sources.iter().filter(|part| part.as_ref().root).count();
        if roots != 1 {
            let message = "exactly one part is the root";
            self.defect(self.file, 0..0, "part-root", message);
            return false;
        }
        for source in sources {
            self.declare(source);
        }
        true
    }

    fn declare(&mut self, spanned: &'s Spanned<PartSource>) {
        let source = spanned.as_ref();
        let name = source.name.as_ref();
        if self.part_named(name).is_some() {
            self.defect(
                self.file,
                source.name.span(),
                "part-twice",
                "the part is declared twice",
            );
        }
        let mut draft = Draft::default();
        let mut part = self.bare_part(source);
        if let Some(node_type) = &source.node_type {
            draft.wire = self.type_shapes(node_type);
        } else if !source.embedded {
            self.defect(
                self.file,
                spanned.span(),
                "part-type-missing",
                "the part has no `type`",
            );
        }
        self.record_context(source, &mut part, &mut draft);
        // Of a part that stands in another node the shapes are known where that is met.
        if !draft.wire.is_empty() || !source.embedded {
            part.when = self.part_conditions(&source.when, &draft.wire, true);
        }
        if source.root && self.is_rows() && !self.format.is_written() {
            super::rules::of_first_row(&mut part.when);
        }
        part.only = self.part_conditions(&source.only, &draft.record, false);
        if let Some(order) = &source.order_by {
            part.order_by = self.order_keys(order, &draft.wire);
        }
        self.parts.push(part);
        self.drafts.push(draft);
    }

    fn bare_part(&self, source: &PartSource) -> Part {
        Part {
            name: source.name.as_ref().into(),
            node_type: source
                .node_type
                .as_ref()
                .map(|t| Text::from(t.as_ref()))
                .unwrap_or_default(),
            link: if source.root {
                Link::Root
            } else {
                Link::Referred
            },
            many: source.many,
            order_by: Vec::new(),
            person: source.person,
            context: Vec::new(),
            context_pointer: String::new(),
            embedded: source.embedded,
            rest: source.rest,
            key: None,
            when: Vec::new(),
            only: Vec::new(),
            order: source.order.unwrap_or(0),
            ops: Vec::new(),
            sheets: Sheets::default(),
            each: Vec::new(),
            picks: Vec::new(),
            also: Vec::new(),
        }
    }

    fn type_shapes(&mut self, node_type: &Spanned<String>) -> Vec<&'s Shape> {
        let known = self.format.body.schema.iter().map(|schema| schema.as_ref());
        let schema = known
            .into_iter()
            .find(|schema| schema.node_type == *node_type.as_ref());
        let shape = schema.and_then(|schema| {
            self.sources
                .schemas
                .get(&self.format.schema_path(schema.file.as_ref()))
        });
        if shape.is_none() {
            let message = format!("the format has no schema of type `{}`", node_type.as_ref());
            self.defect(self.file, node_type.span(), "part-type-unknown", message);
        }
        shape.map(|shape| vec![shape.as_ref()]).unwrap_or_default()
    }

    fn record_context(&mut self, source: &'s PartSource, part: &mut Part, draft: &mut Draft<'s>) {
        if source.person {
            draft.record = self.record.at("persons[]").into_iter().collect();
            draft.mounts = vec!["persons[]".to_owned()];
            return;
        }
        let Some(path) = &source.record else {
            if source.root || source.from.is_some() || source.into.is_some() {
                draft.record = vec![self.record];
                draft.mounts = vec![String::new()];
                draft.whole = true;
            }
            return;
        };
        if let Some(found) = self.record_steps(path) {
            if found.tail.is_some() || found.shapes.iter().any(|shape| shape.item().is_some()) {
                let message = "the record of a part that is no person is one object, not a list; \
                               use `refers` in an each";
                self.defect(self.file, path.span(), "part-record-list", message);
                return;
            }
            part.context = found.head;
            part.context_pointer = found.pointer;
            draft.record = found.shapes;
            draft.mounts = vec![found.canonical];
        }
    }

    /// A path from the record's root, without `[]`.
    fn record_steps(&mut self, text: &'s Spanned<String>) -> Option<Resolved<'s>> {
        let record = [self.record];
        let found =
            parse(text.as_ref(), '.', &[]).and_then(|raw| resolve(&raw.steps, &record, false));
        self.told(found, self.file, text, "record-path-unknown")
    }

    pub(super) fn wire_steps(
        &mut self,
        text: &'s Spanned<String>,
        shapes: &[&'s Shape],
    ) -> Option<Resolved<'s>> {
        let separator = super::layout::separator(self.format);
        let found = parse(text.as_ref(), separator, &[])
            .and_then(|raw| resolve(&raw.steps, shapes, self.is_xml()));
        self.told(found, self.file, text, "wire-path-unknown")
    }

    /// The paths instances are sorted by.
    fn order_keys(&mut self, order: &Spanned<OneOrMany>, shapes: &[&'s Shape]) -> Vec<Vec<Step>> {
        let separator = super::layout::separator(self.format);
        let mut keys = Vec::new();
        for text in order.as_ref().all() {
            let found = parse(text, separator, &[])
                .and_then(|raw| resolve(&raw.steps, shapes, self.is_xml()));
            match found {
                Ok(found) => keys.push(found.head),
                Err(message) => {
                    self.defect(self.file, order.span(), "wire-path-unknown", message);
                }
            }
        }
        keys
    }

    fn part_conditions(
        &mut self,
        text: &'s Option<Spanned<String>>,
        shapes: &[&'s Shape],
        wire: bool,
    ) -> Vec<Condition> {
        text.as_ref()
            .map(|text| self.conditions(text, shapes, wire, self.file))
            .unwrap_or_default()
    }

    /// Conditions on a node of these shapes.
    pub(super) fn conditions(
        &mut self,
        text: &'s Spanned<String>,
        shapes: &[&'s Shape],
        wire: bool,
        file: &'s crate::catalog::SourceFile,
    ) -> Vec<Condition> {
        let separator = if wire {
            super::layout::separator(self.format)
        } else {
            '.'
        };
        let found =
            path::conditions(text.as_ref(), separator).and_then(|raw| conditions(&raw, shapes));
        self.told(found, file, text, "condition-invalid")
            .unwrap_or_default()
    }

    /// Record paths that conditions set going in, noted as bound.
    pub(super) fn note_only(&mut self, spot: &Spot<'s>, text: Option<&Spanned<String>>) {
        let raw = text.and_then(|text| path::conditions(text.as_ref(), '.').ok());
        for it in raw.unwrap_or_default() {
            if matches!(it.test, path::RawTest::Is(_)) {
                let (absolute, path) = self.canonical(spot, &it.path.join("."));
                self.bind(spot.part, &path, absolute, "a condition");
            }
        }
    }

    /// A value, or a defect at the text it came from.
    pub(super) fn told<T>(
        &mut self,
        found: Result<T, String>,
        file: &'s crate::catalog::SourceFile,
        text: &Spanned<String>,
        code: &'static str,
    ) -> Option<T> {
        match found {
            Ok(found) => Some(found),
            Err(message) => {
                let message = format!("`{}`: {message}", text.as_ref());
                self.defect(file, text.span(), code, message);
                None
            }
        }
    }

    /// References between parts, in the order of the file.
    pub(super) fn link_parts(&mut self) {
        for spanned in self.sources() {
            let source = spanned.as_ref();
            let Some(at) = self.part_named(source.name.as_ref()) else {
                continue;
            };
            match (&source.from, &source.into, &source.path) {
                (None, None, _) => {}
                (Some(from), None, Some(path)) => self.forward(at, source, from, path),
                (None, Some(into), Some(path)) => self.backward(at, into, path),
                _ => {
                    let message = "give `from` and `path`, or `into` and `path`";
                    self.defect(self.file, spanned.span(), "part-link", message);
                }
            }
        }
    }

    fn other(&mut self, name: &Spanned<String>) -> Option<usize> {
        let found = self.part_named(name.as_ref());
        if found.is_none() {
            let message = format!("there is no part `{}`", name.as_ref());
            self.defect(self.file, name.span(), "part-unknown", message);
        }
        found
    }

    fn forward(
        &mut self,
        at: usize,
        source: &'s PartSource,
        from: &'s Spanned<String>,
        path: &'s Spanned<String>,
    ) {
        let Some(holder) = self.other(from) else {
            return;
        };
        let spot = self.part_spot(holder);
        if source.many {
            if let Some((place, _)) = self.reference_place(path, &spot)
                && let Some(part) = self.parts.get_mut(at)
            {
                part.link = Link::Forward {
                    from: holder,
                    path: place,
                };
            }
            return;
        }
        let Some(op) = self.part_reference(at, source, path, &spot) else {
            return;
        };
        if let Some(draft) = self.drafts.get_mut(holder) {
            draft.refs.push(Op::Ref(op));
        }
        for text in &source.also {
            self.also(at, source, text, holder);
        }
    }

    fn also(
        &mut self,
        at: usize,
        source: &'s PartSource,
        text: &'s Spanned<String>,
        holder: usize,
    ) {
        let names = self.part_names();
        let separator = super::layout::separator(self.format);
        let named = parse(text.as_ref(), separator, &names)
            .ok()
            .and_then(|raw| raw.part);
        let other = named
            .and_then(|name| self.part_named(&name))
            .unwrap_or(holder);
        let spot = self.part_spot(other);
        if let Some(mut op) = self.part_reference(at, source, text, &spot) {
            op.gate.outward = false;
            if let Some(part) = self.parts.get_mut(at) {
                part.also.push((other, op));
            }
        }
    }

    fn part_reference(
        &mut self,
        at: usize,
        source: &'s PartSource,
        path: &'s Spanned<String>,
        spot: &Spot<'s>,
    ) -> Option<RefOp> {
        let (place, found) = self.reference_place(path, spot)?;
        if source.embedded {
            self.embed(at, found.shapes);
        }
        let record = match &source.record {
            Some(text) if source.person => Some(self.person_target(text, source)?),
            _ => None,
        };
        self.use_part(at);
        Some(RefOp {
            gate: Gate {
                inward: true,
                outward: true,
                ..Gate::default()
            },
            wire: place,
            record,
            parts: vec![at],
            here: false,
            optional: source.optional,
            same: false,
        })
    }

    fn person_target(
        &mut self,
        text: &'s Spanned<String>,
        source: &'s PartSource,
    ) -> Option<Target> {
        let found = self.record_steps(text)?;
        // An embedded person is told by the column or element of its key.
        let key = source.key.as_ref().filter(|_| source.embedded);
        let wire = key.map_or("reference", |key| key.as_ref().as_str());
        self.bind(0, &found.canonical, true, wire);
        let first = found
            .tail
            .is_some()
            .then(|| "only the first of the list".to_owned());
        self.limit(found.partial.clone().or(first));
        Some(Target {
            absolute: true,
            steps: found.head,
            tail: found.tail,
            pointer: found.pointer,
            required: found.required,
            partial: found.partial,
            slot: None,
        })
    }

    fn backward(&mut self, at: usize, into: &'s Spanned<String>, path: &'s Spanned<String>) {
        let Some(target) = self.other(into) else {
            return;
        };
        let shapes = self
            .drafts
            .get(at)
            .map(|d| d.wire.clone())
            .unwrap_or_default();
        let separator = super::layout::separator(self.format);
        let found = parse(path.as_ref(), separator, &[])
            .and_then(|raw| resolve(&raw.steps, &shapes, false));
        let found = self.told(found, self.file, path, "wire-path-unknown");
        if let (Some(found), Some(part)) = (found, self.parts.get_mut(at)) {
            part.link = Link::Backward {
                into: target,
                path: found.head,
            };
        }
        self.use_part(at);
    }

    /// The context of a part's own rules.
    pub(super) fn part_spot(&self, at: usize) -> Spot<'s> {
        let draft = self.drafts.get(at);
        Spot {
            part: at,
            file: self.file,
            wire: draft.map(|d| d.wire.clone()).unwrap_or_default(),
            record: draft.map(|d| d.record.clone()).unwrap_or_default(),
            whole: draft.is_some_and(|d| d.whole),
            rows_root: self.is_rows() && at == 0,
            prefix: "",
            number: None,
            below: String::new(),
            inner: false,
            depth: 0,
        }
    }

    /// An embedded part stands in nodes of these shapes.
    pub(super) fn embed(&mut self, at: usize, shapes: Vec<&'s Shape>) {
        let source = self.source(at);
        if let Some(draft) = self.drafts.get_mut(at)
            && draft.wire.is_empty()
        {
            draft.wire = shapes.clone();
        }
        let (Some(source), Some(part)) = (source, self.parts.get(at)) else {
            return;
        };
        if part.when.is_empty() && source.when.is_some() {
            let when = self.part_conditions(&source.when, &shapes, true);
            if let Some(part) = self.parts.get_mut(at) {
                part.when = when;
            }
        }
    }

    /// A part that something reaches: its key is compiled, its templates will be.
    pub(super) fn use_part(&mut self, at: usize) {
        let Some(source) = self.source(at) else {
            return;
        };
        let Some(key) = &source.key else { return };
        if self.parts.get(at).is_some_and(|part| part.key.is_some()) {
            return;
        }
        let shapes = self
            .drafts
            .get(at)
            .map(|d| d.wire.clone())
            .unwrap_or_default();
        if let Some(found) = self.wire_steps(key, &shapes)
            && let Some(part) = self.parts.get_mut(at)
        {
            part.key = Some(Place {
                get: found.head.clone(),
                set: found.head,
                ..Place::default()
            });
        }
    }

    /// Templates of every part that is reached, until none is left.
    pub(super) fn apply_templates(&mut self) {
        loop {
            let ready = |draft: &Draft<'_>| {
                !draft.done && !draft.wire.is_empty() && !draft.record.is_empty()
            };
            let Some(at) = self.drafts.iter().position(ready) else {
                break;
            };
            if let Some(draft) = self.drafts.get_mut(at) {
                draft.done = true;
            }
            self.use_part(at);
            let Some(source) = self.source(at) else {
                break;
            };
            for name in &source.templates {
                self.apply(at, source, name);
            }
        }
        for (at, spanned) in self.sources().into_iter().enumerate() {
            if self.drafts.get(at).is_some_and(|draft| !draft.done) {
                let message = "nothing refers to the part";
                self.defect(self.file, spanned.span(), "part-unused", message);
            }
        }
    }

    fn apply(&mut self, at: usize, source: &'s PartSource, name: &'s Spanned<String>) {
        let found = self.templates.get(name.as_ref().as_str()).copied();
        let Some((file, template)) = found else {
            let message = format!("there is no template `{}`", name.as_ref());
            self.defect(self.file, name.span(), "template-unknown", message);
            return;
        };
        self.note_only(&self.part_spot(at), source.only.as_ref());
        self.used_templates.insert(template.name.as_ref());
        let mut spot = self.part_spot(at);
        spot.file = file;
        spot.prefix = &source.prefix;
        spot.inner = true;
        // A template's rows stand in the row itself, not in the group.
        spot.rows_root &= at == 0;
        let ops = self.rows(&template.rule, &template.each, &spot);
        if let Some(draft) = self.drafts.get_mut(at) {
            draft.from_templates.extend(ops);
        }
    }
}
