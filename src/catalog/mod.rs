//! Catalog files to parsed sources: schemas, mappings, crosswalks, partners, policies.
//!
//! Only this module reads catalog files. It compiles nothing of another module's: each pure module
//! has `compile(&Sources) -> (Compiled, Vec<Defect>)`.

pub mod agreement;
pub mod billing;
pub mod certified;
mod clash;
pub mod columns;
pub mod crosswalk;
pub mod dictionary;
pub mod facts;
pub mod files;
pub mod fill;
pub mod fit;
pub mod format;
pub mod kept;
pub mod mapping;
pub mod operator;
pub mod overlay;
pub mod paper;
pub mod partner;
pub mod partner_check;
pub mod reads;
pub mod schema;
pub mod statewide;

pub use crosswalk::Crosswalk;
pub use files::SourceFile;
pub use format::FormatSource;
pub use mapping::MappingSource;
pub use partner::Partner;

use crate::base::defect::Defect;
use crate::base::id::{FormatId, PartnerId, RecordType, RuleSetId};
use files::whole;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The whole catalog, parsed.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Digest of all files and the engine version.
    pub digest: RuleSetId,
    /// All files by path.
    pub files: BTreeMap<String, SourceFile>,
    /// Shapes by path below `schemas/`: `canonical/person.schema.json`.
    pub schemas: BTreeMap<String, Arc<schema::Shape>>,
    /// The same schemas as JSON.
    pub schema_json: BTreeMap<String, serde_json::Value>,
    /// Which identifiers of a person hold statewide.
    pub statewide: statewide::Statewide,
    /// Formats by id.
    pub formats: BTreeMap<FormatId, FormatSource>,
    /// Mapping files, shared template files among them.
    pub mappings: Vec<MappingSource>,
    /// Code tables by name.
    pub crosswalks: BTreeMap<String, Crosswalk>,
    /// Billed services and how their units follow from minutes.
    pub billing: Vec<billing::Service>,
    /// Partners by id.
    pub partners: BTreeMap<PartnerId, Partner>,
    /// Passes of the go-live list, by partner.
    pub certified: BTreeMap<PartnerId, certified::Pass>,
    /// The law pack, file by file.
    pub policies: Vec<PolicySource>,
    /// What the gateway's operator may hold, and from whom.
    pub operator: operator::OperatorLaw,
    /// What partners may assert of persons.
    pub facts: facts::FactLaw,
    /// Text of the policy schema.
    pub policy_schema: String,
    /// Every other file below `policies/` by path.
    pub policy_data: BTreeMap<String, String>,
}

/// One file of the law pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySource {
    /// The file, relative to its catalog folder.
    pub file: String,
    /// The whole text.
    pub text: String,
    /// Whether it is a county's own.
    pub overlay: bool,
}

impl Sources {
    /// The format whose mappings read and write another: of a workbook that of its rows.
    pub fn mapped_as<'a>(&'a self, format: &'a FormatId) -> &'a FormatId {
        let rows = self.formats.get(format).and_then(|it| self.rows_of(it));
        rows.map_or(format, |rows| &rows.id)
    }

    /// The delimited format whose tables stand in the sheets of a workbook.
    pub fn rows_of(&self, format: &FormatSource) -> Option<&FormatSource> {
        self.formats.get(format.body.rows_of.as_ref()?)
    }

    /// A defect in a partner's file, at the place a look into that file gives.
    pub fn partner_defect(
        &self,
        partner: &PartnerId,
        place: impl FnOnce(&SourceFile) -> Option<Range<usize>>,
        (code, message): (&'static str, String),
    ) -> Defect {
        let path = format!("mappings/partners/{partner}.toml");
        match self.files.get(&path) {
            Some(file) => file.defect(place(file), code, message),
            None => whole(&path, code, message),
        }
    }
}

/// Reads the shipped catalog and the overlays over it, in order. Every defect of form is told;
/// the sources hold what could be read.
pub fn load(overlays: &[PathBuf]) -> (Sources, Vec<Defect>) {
    let (files, mut defects) = files::read(overlays);
    let sources = from_files(files, &mut defects);
    (sources, defects)
}

/// Parses files already read.
pub fn from_files(files: BTreeMap<String, SourceFile>, defects: &mut Vec<Defect>) -> Sources {
    let mut sources = Sources {
        digest: files::digest(&files),
        files: BTreeMap::new(),
        schemas: BTreeMap::new(),
        schema_json: BTreeMap::new(),
        statewide: statewide::Statewide::default(),
        formats: BTreeMap::new(),
        mappings: Vec::new(),
        crosswalks: BTreeMap::new(),
        billing: Vec::new(),
        partners: BTreeMap::new(),
        certified: BTreeMap::new(),
        policies: Vec::new(),
        operator: operator::OperatorLaw::default(),
        facts: facts::FactLaw::default(),
        policy_schema: String::new(),
        policy_data: BTreeMap::new(),
    };
    for (path, file) in &files {
        sort_in(&mut sources, path, file, defects);
    }
    let texts: BTreeMap<String, &str> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".schema.json"))
        .filter_map(|(path, file)| {
            let path = path.strip_prefix("schemas/")?;
            (!path.starts_with("kinbridge/")).then(|| (path.to_owned(), file.text.as_str()))
        })
        .collect();
    let (shapes, wrong) = schema::compile_all(&texts);
    sources.schemas = shapes;
    defects.extend(wrong);
    let (marked, wrong) = statewide::Statewide::compile(&sources.schemas);
    sources.statewide = marked;
    defects.extend(wrong);
    sources.files = files;
    let law = law(&sources.files);
    let (operator, wrong) = operator::OperatorLaw::read(&law);
    sources.operator = operator;
    defects.extend(wrong);
    let (facts, wrong) = facts::FactLaw::read(&law);
    sources.facts = facts;
    defects.extend(wrong);
    defects.extend(overlay::check(&sources));
    defects.extend(partner_check::check(&sources));
    sources
}

fn sort_in(sources: &mut Sources, path: &str, file: &SourceFile, defects: &mut Vec<Defect>) {
    let steps: Vec<&str> = path.split('/').collect();
    match steps.as_slice() {
        ["schemas", "formats", format, version, "format.toml"] => {
            if let Some(body) = read_toml(file, defects) {
                let id = FormatId::new(&format!("{format}/{version}"));
                let source = FormatSource {
                    id: id.clone(),
                    file: path.to_owned(),
                    body,
                };
                sources.formats.insert(id, source);
            }
        }
        ["schemas", .., name] if name.ends_with(".schema.json") => {
            if let Some(json) = read_json(file, defects) {
                let key = path.trim_start_matches("schemas/").to_owned();
                sources.schema_json.insert(key, json);
            }
        }
        // Shapes for other people's tools (XSD and the like) are shipped, not read.
        ["schemas", ..] if !(file.overlay && path.ends_with(".toml")) => {}
        ["mappings", "crosswalks", name] if name.ends_with(".csv") => {
            let table = crosswalk::parse(file, defects);
            sources.crosswalks.insert(table.name.clone(), table);
        }
        ["mappings", billing::FILE] => sources.billing = billing::read(file, defects),
        ["mappings", "certified", name] if name.ends_with(".toml") => {
            if let Some(pass) = read_toml::<certified::Pass>(file, defects) {
                sources.certified.insert(pass.partner.clone(), pass);
            }
        }
        ["mappings", "partners", name] if name.ends_with(".toml") => {
            add_partner(sources, name.trim_end_matches(".toml"), file, defects);
        }
        ["mappings", format, version, name] if name.ends_with(".toml") => {
            if let Some(body) = read_toml(file, defects) {
                let name = name.trim_end_matches(".toml");
                let record = name.split_once('.').map_or(name, |(record, _)| record);
                sources.mappings.push(MappingSource {
                    format: FormatId::new(&format!("{format}/{version}")),
                    record: RecordType::new(record),
                    further: record.len() < name.len(),
                    file: path.to_owned(),
                    body,
                });
            }
        }
        ["policies", ..] => add_policy(sources, path, file, defects),
        _ => defects.push(whole(
            path,
            "catalog-file-misplaced",
            "nothing reads a file here",
        )),
    }
}

fn add_partner(sources: &mut Sources, name: &str, file: &SourceFile, defects: &mut Vec<Defect>) {
    let Some(mut partner) = read_toml::<Partner>(file, defects) else {
        return;
    };
    if partner.id.as_str() != name {
        let message = "the id is not the file's name";
        defects.push(file.defect(None, "partner-id-mismatch", message));
    }
    partner.name_channels();
    sources.partners.insert(partner.id.clone(), partner);
}

/// The files of the law. A shipped one that is replaced, which has been told, stands as shipped:
/// one defect, not each one that would follow from it.
fn law(files: &BTreeMap<String, SourceFile>) -> BTreeMap<String, SourceFile> {
    let own = files
        .iter()
        .filter(|(path, _)| path.starts_with("policies/"));
    let as_shipped = own.map(|(path, file)| {
        let mut file = file.clone();
        if let Some(shipped) = file.shipped.take() {
            file.text = shipped;
        }
        (path.clone(), file)
    });
    as_shipped.collect()
}

fn add_policy(sources: &mut Sources, path: &str, file: &SourceFile, defects: &mut Vec<Defect>) {
    if file.shipped.is_some() {
        let mut defect = file.defect(
            None,
            "overlay-replaces-policy",
            "a shipped policy is replaced",
        );
        defect.help =
            "add a file of another name; a pack tightens or loosens, it never replaces".to_owned();
        defects.push(defect);
    }
    // As in `law`.
    let text = file.shipped.as_ref().unwrap_or(&file.text);
    if path.ends_with(".cedarschema") {
        sources.policy_schema.clone_from(text);
    } else if path.ends_with(".cedar") {
        sources.policies.push(PolicySource {
            file: path.to_owned(),
            text: text.clone(),
            overlay: file.overlay,
        });
    } else {
        // A county's file that nothing reads would tighten nothing, in silence.
        let more = ["calendar", "spanish"];
        let read = operator::is_file(path)
            || facts::is_file(path)
            || more.iter().any(|stem| files::is_table(stem, path))
            || path.starts_with("policies/cases/");
        if file.overlay && file.shipped.is_none() && !read {
            let message = "nothing reads a file of this name here";
            defects.push(file.defect(None, "catalog-file-misplaced", message));
        }
        sources.policy_data.insert(path.to_owned(), text.clone());
    }
}

/// Reads a TOML file of ours; what is wrong is told with its place.
pub fn read_toml<T: DeserializeOwned>(file: &SourceFile, defects: &mut Vec<Defect>) -> Option<T> {
    match toml::from_str(&file.text) {
        Ok(body) => Some(body),
        Err(error) => {
            defects.push(file.defect(error.span(), "catalog-file-invalid", error.message()));
            None
        }
    }
}

fn read_json(file: &SourceFile, defects: &mut Vec<Defect>) -> Option<serde_json::Value> {
    match serde_json::from_str(&file.text) {
        Ok(json) => Some(json),
        Err(error) => {
            let mut defect = file.defect(None, "catalog-file-invalid", "the file is not JSON");
            defect.line = u32::try_from(error.line()).unwrap_or(0);
            defect.column = u32::try_from(error.column()).unwrap_or(0);
            defects.push(defect);
            None
        }
    }
}
