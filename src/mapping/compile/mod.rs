//! Mapping sources to plans: every path against its schema, every row proved or refused.
//!
//! Whether a row has an inverse is found out here; an author cannot claim it.

mod check;
mod complete;
mod each;
mod layout;
mod marks;
mod notes;
mod parts;
mod places;
mod refs;
mod rows;
mod rules;
mod shapes;
mod unread;
mod unwritten;

pub(super) use check::{filled, join};

use super::columns::Columns;
use super::complete::{Coverage, Looked};
use super::loss::{Bound, LossReport};
use super::plan::{Fallback, Op, Part, Plan};
use super::sheet::{self, Sheet};
use super::table::Table;
use super::{FormatPlans, Plans};
use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::id::RecordType;
use crate::catalog::format::{FormatSource, SchemaSource, Syntax};
use crate::catalog::mapping::TemplateSource;
use crate::catalog::schema::{Kind, Shape};
use crate::catalog::{MappingSource, SourceFile, Sources};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Compiles all mappings of a catalog.
pub(super) fn compile(sources: &Sources) -> (Plans, Vec<Defect>) {
    let mut defects = Vec::new();
    let tables = tables(sources, &mut defects);
    let mut used = BTreeSet::new();
    let mut plans = Plans::default();
    // Sheets of a workbook are mapped as the rows they hold.
    let own = |format: &&FormatSource| format.body.syntax != Syntax::Workbook;
    for (id, format) in sources.formats.iter().filter(|(_, it)| own(it)) {
        let Some(file) = sources.files.get(&format.file) else {
            continue;
        };
        let layout = layout::layout(format, file, &mut defects);
        let marks = marks::marks(format, file, &tables, &mut defects);
        let looked = layout::looked(format, file, &marks.labels, &mut defects);
        used.extend(marks.tables());
        let mut compiled = FormatPlans {
            notation: format.body.notation,
            types: format.body.types(),
            syntax: format.body.syntax,
            written: format.is_written(),
            consents: format.body.consents.clone(),
            layout,
            marks,
            looked: looked.clone(),
            plans: Vec::new(),
            losses: BTreeMap::new(),
            wire_paths: BTreeMap::new(),
            columns: BTreeMap::new(),
        };
        for mapping in sources
            .mappings
            .iter()
            .filter(|m| m.format == *id && !m.is_shared())
        {
            let built = build(sources, (format, &looked), mapping, &tables);
            defects.extend(built.defects);
            used.extend(built.used_tables);
            let Some(plan) = built.plan else { continue };
            let record = &mapping.record;
            let paths = compiled.wire_paths.entry(record.clone()).or_default();
            // What is written, and lost in writing, is of the mapping that writes.
            if mapping.further {
                paths.push(built.wire_paths);
            } else {
                paths.insert(0, built.wire_paths);
                compiled.columns.insert(record.clone(), built.columns);
                compiled.losses.insert(record.clone(), built.loss);
            }
            compiled.plans.push(plan);
        }
        compiled.plans.sort_by(|l, r| {
            r.precedence
                .cmp(&l.precedence)
                .then(l.record.cmp(&r.record))
        });
        plans.formats.insert(id.clone(), compiled);
    }
    for mapping in &sources.mappings {
        if !sources.formats.contains_key(&mapping.format)
            && let Some(file) = sources.files.get(&mapping.file)
        {
            let message = format!("there is no format `{}`", mapping.format);
            defects.push(file.defect(None, "mapping-format-unknown", message));
        }
    }
    check::unused_tables(sources, &used, &mut defects);
    defects.sort_by(|l, r| (&l.file, l.line, l.column).cmp(&(&r.file, r.line, r.column)));
    defects.dedup();
    (plans, defects)
}

fn tables(sources: &Sources, defects: &mut Vec<Defect>) -> BTreeMap<String, Arc<Table>> {
    let mut out = BTreeMap::new();
    for (name, source) in &sources.crosswalks {
        let (table, wrong) = Table::compile(source);
        for (line, message) in wrong {
            let mut defect =
                crate::catalog::files::whole(&source.file, "crosswalk-ambiguous", message);
            defect.line = line;
            defects.push(defect);
        }
        out.insert(name.clone(), Arc::new(table));
    }
    out
}

/// What one mapping file became.
#[derive(Default)]
struct Built {
    plan: Option<Plan>,
    defects: Vec<Defect>,
    loss: LossReport,
    wire_paths: BTreeMap<String, String>,
    used_tables: BTreeSet<String>,
    columns: Columns,
}

fn build<'s>(
    sources: &'s Sources,
    (format, looked): (&'s FormatSource, &'s Arc<Looked>),
    mapping: &'s MappingSource,
    tables: &'s BTreeMap<String, Arc<Table>>,
) -> Built {
    let mut built = Built::default();
    let Some(file) = sources.files.get(&mapping.file) else {
        return built;
    };
    let canonical = format!("canonical/{}.schema.json", mapping.record);
    let Some(record) = sources.schemas.get(&canonical) else {
        let message = format!("there is no record type `{}`", mapping.record);
        built
            .defects
            .push(file.defect(None, "mapping-record-unknown", message));
        return built;
    };
    let mut builder = Builder {
        sources,
        format,
        looked,
        mapping,
        file,
        tables,
        record,
        parts: Vec::new(),
        drafts: Vec::new(),
        templates: BTreeMap::new(),
        used_templates: BTreeSet::new(),
        bounds: Vec::new(),
        fallbacks: Vec::new(),
        built,
    };
    builder.run();
    builder.finish()
}

/// One mapping file being compiled.
struct Builder<'s> {
    sources: &'s Sources,
    format: &'s FormatSource,
    /// Lists of which a row must read every item.
    looked: &'s Arc<Looked>,
    mapping: &'s MappingSource,
    file: &'s SourceFile,
    tables: &'s BTreeMap<String, Arc<Table>>,
    record: &'s Shape,
    parts: Vec<Part>,
    drafts: Vec<Draft<'s>>,
    templates: BTreeMap<&'s str, (&'s SourceFile, &'s TemplateSource)>,
    used_templates: BTreeSet<&'s str>,
    bounds: Vec<Bound>,
    fallbacks: Vec<Fallback>,
    built: Built,
}

/// What is known of a part while its file is compiled.
#[derive(Default)]
struct Draft<'s> {
    /// Shapes of its node, once known.
    wire: Vec<&'s Shape>,
    /// Shapes of its record context, once known.
    record: Vec<&'s Shape>,
    /// Canonical paths it stands for: `persons[]`, `body.recipient`; empty for the whole record.
    mounts: Vec<String>,
    /// Whether the record context is the whole record.
    whole: bool,
    /// Templates have been compiled.
    done: bool,
    refs: Vec<Op>,
    from_templates: Vec<Op>,
    from_rules: Vec<Op>,
}

/// Where rules being compiled stand.
#[derive(Clone)]
struct Spot<'s> {
    part: usize,
    file: &'s SourceFile,
    wire: Vec<&'s Shape>,
    record: Vec<&'s Shape>,
    /// The record context is the whole record.
    whole: bool,
    /// The wire context is the root of rows, whose columns are read from the first one.
    rows_root: bool,
    prefix: &'s str,
    number: Option<u32>,
    /// Canonical path of the record context below the part's mount.
    below: String,
    /// Not at the top of the file: no part may be named.
    inner: bool,
    depth: usize,
}

impl<'s> Builder<'s> {
    fn defect(
        &mut self,
        file: &SourceFile,
        span: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.built
            .defects
            .push(file.defect(Some(span), code, message));
    }

    fn is_rows(&self) -> bool {
        self.format.body.syntax == Syntax::Delimited
    }

    fn is_xml(&self) -> bool {
        self.format.body.syntax == Syntax::Xml
    }

    fn run(&mut self) {
        if self.identity() {
            return;
        }
        self.read_templates();
        if !self.declare_parts() {
            return;
        }
        self.link_parts();
        self.read_rules();
        self.apply_templates();
    }

    fn identity(&self) -> bool {
        self.mapping.body.identity || self.format.body.identity
    }

    fn read_templates(&mut self) {
        let own = self
            .mapping
            .body
            .template
            .iter()
            .map(|t| (self.file, t.as_ref()));
        let mut all: Vec<(&'s SourceFile, &'s TemplateSource)> = own.collect();
        for include in &self.mapping.body.include {
            let folder = self
                .mapping
                .file
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            let path = format!("{folder}/{}", include.as_ref());
            let found = self.sources.mappings.iter().find(|m| m.file == path);
            match found.and_then(|m| Some((self.sources.files.get(&m.file)?, m))) {
                Some((file, shared)) => {
                    all.extend(shared.body.template.iter().map(|t| (file, t.as_ref())));
                }
                None => {
                    let message = "there is no such file beside this one";
                    self.defect(
                        self.file,
                        include.span(),
                        "mapping-include-unknown",
                        message,
                    );
                }
            }
        }
        for (file, template) in all {
            self.templates
                .insert(template.name.as_ref(), (file, template));
        }
    }

    fn finish(mut self) -> Built {
        if self.identity() {
            self.built.plan = Some(self.plan(Vec::new()));
            self.built.loss = LossReport::identity(self.format, self.mapping, self.record);
            return self.built;
        }
        self.check();
        let mut parts = std::mem::take(&mut self.parts);
        for (part, draft) in parts.iter_mut().zip(std::mem::take(&mut self.drafts)) {
            part.ops = draft.refs;
            part.ops.extend(draft.from_templates);
            part.ops.extend(draft.from_rules);
        }
        self.unread(&mut parts);
        if !parts.is_empty() {
            let coverage = self.coverage(self.looked, &parts);
            let mut plan = self.plan(parts);
            plan.coverage = coverage;
            if self.is_rows() {
                plan.single = rows::single(&plan.parts, &plan.fallbacks);
                self.tell_columns();
            }
            sheet::lay_out(&mut plan);
            self.built.plan = Some(plan);
        }
        self.built
    }

    /// The kind of table the root part stands for.
    fn own_table(&self) -> Option<&'s SchemaSource> {
        let root = self.mapping.body.part.iter().map(AsRef::as_ref);
        let root = root
            .filter(|part| part.root)
            .find_map(|p| p.node_type.as_ref());
        let mut schemas = self.format.body.schema.iter().map(AsRef::as_ref);
        schemas.find(|schema| root.is_some_and(|t| t.as_ref() == &schema.node_type))
    }

    /// Columns of the root's schema whose rows may differ, but then wait for a person.
    fn review(&self) -> Vec<Text> {
        let columns = self.own_table().map(|schema| schema.review.as_slice());
        columns.unwrap_or_default().iter().map(Text::from).collect()
    }

    /// Which columns tell the table and name its records.
    fn tell_columns(&mut self) {
        let Some(table) = self.own_table() else {
            return;
        };
        self.built.columns.telling = table.header.iter().map(Text::from).collect();
        let ids = table.header.iter().chain(&table.group_by);
        self.built.columns.ids = ids.map(Text::from).collect();
    }

    fn plan(&mut self, parts: Vec<Part>) -> Plan {
        let fallbacks = std::mem::take(&mut self.fallbacks);
        let version = self
            .record
            .at("envelope.schema_version")
            .map(|shape| &shape.kind);
        let version = match version {
            Some(Kind::Text(rule)) => rule.codes.last().cloned(),
            _ => None,
        };
        Plan {
            record: RecordType::new(self.mapping.record.as_str()),
            schema_version: version.unwrap_or_default(),
            precedence: self.mapping.body.precedence,
            read_only: self.mapping.further,
            identity: self.identity(),
            root_only: self.mapping.body.scope == crate::catalog::mapping::Scope::Record,
            parts,
            whole: Sheet::default(),
            single: Vec::new(),
            review: self.review(),
            fallbacks,
            coverage: Coverage::default(),
        }
    }
}
