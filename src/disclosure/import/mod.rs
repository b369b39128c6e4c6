//! Forms of others as papers of the registry: one document of answers, several papers.
//!
//! What an answer means stands in `policies/imports/`. An answer without a row refuses the
//! document; an answer that makes no paper is told. No paper says more than an answer does, and
//! what the form does not show is not shown.

mod papers;

pub use papers::{Imported, read};

use super::tables::{Tables, defect};
use crate::base::defect::Defect;
use crate::base::vocabulary::{
    ConsentElement, ConsentKind, DataClass, EndEvent, Purpose, RecipientRole,
};
use crate::catalog::{Sources, read_toml};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the forms stand.
const FOLDER: &str = "policies/imports/";

/// Where each answer stands in a document, as JSON pointers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    id: Arc<str>,
    subject: Arc<str>,
    information: Arc<str>,
    refused: Arc<str>,
    organizations: Arc<str>,
    disclosers: Arc<str>,
    purposes: Arc<str>,
    signer: Arc<str>,
    signed: Arc<str>,
    start: Arc<str>,
    end: Arc<str>,
    revoked: Arc<str>,
    #[serde(default)]
    kind: Option<Arc<str>>,
    #[serde(default)]
    event: Option<Arc<str>>,
    #[serde(default)]
    form_version: Option<Arc<str>>,
    /// Elements the document itself lists.
    #[serde(default)]
    elements: Option<Arc<str>>,
    /// Answers that are taken and not kept.
    kept_out: Vec<Arc<str>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Printed {
    version: Arc<str>,
    elements: Vec<ConsentElement>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignerRow {
    answer: Arc<str>,
    grantor: Arc<str>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganizationRow {
    answer: Arc<str>,
    roles: Vec<RecipientRole>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PurposeRow {
    answer: Arc<str>,
    purposes: Vec<Purpose>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InformationRow {
    answer: Arc<str>,
    kinds: Vec<ConsentKind>,
    classes: Vec<DataClass>,
    /// What a refusal closes; the classes where it is left out.
    #[serde(default)]
    deny: Vec<DataClass>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindRow {
    answer: Arc<str>,
    /// In order of preference.
    kinds: Vec<ConsentKind>,
    #[serde(default)]
    grantor: Option<Arc<str>>,
    /// Kept as a paper that never permits.
    #[serde(default)]
    stored: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventRow {
    answer: Arc<str>,
    event: EndEvent,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Split {
    kind: ConsentKind,
    purposes: Vec<Purpose>,
    other: ConsentKind,
}

/// One form of others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportForm {
    /// As a request names it.
    pub id: Arc<str>,
    /// Rises when what an answer means changes.
    pub version: Arc<str>,
    /// V: seen in a named source; K: background knowledge, not confirmed.
    pub mark: Arc<str>,
    #[serde(rename = "owner")]
    _owner: Arc<str>,
    answers: Answers,
    elements: BTreeMap<ConsentElement, Arc<str>>,
    #[serde(default)]
    printed: Vec<Printed>,
    signer: Vec<SignerRow>,
    #[serde(default)]
    organization: Vec<OrganizationRow>,
    #[serde(default)]
    purpose: Vec<PurposeRow>,
    information: Vec<InformationRow>,
    #[serde(default)]
    kind: Vec<KindRow>,
    #[serde(default)]
    event: Vec<EventRow>,
    #[serde(default)]
    split: Vec<Split>,
    /// What each kind's form must show, from the pack.
    #[serde(skip)]
    required: BTreeMap<ConsentKind, Vec<ConsentElement>>,
}

/// All forms by their ids.
#[derive(Clone, Debug, Default)]
pub struct ImportForms(BTreeMap<Arc<str>, ImportForm>);

impl ImportForms {
    /// Reads the forms. A form that names itself otherwise than its file, or a class no kind of its
    /// box opens, is a defect.
    pub fn compile(sources: &Sources, tables: &Tables, opens: Opens<'_>) -> (Self, Vec<Defect>) {
        let mut defects = Vec::new();
        let mut forms = BTreeMap::new();
        let files = sources.files.iter();
        for (path, file) in files.filter(|(path, _)| path.starts_with(FOLDER)) {
            let Some(mut form) = read_toml::<ImportForm>(file, &mut defects) else {
                continue;
            };
            let mut tell = |message: String| defects.push(defect(path, "import-form", message));
            if **path != format!("{FOLDER}{}.toml", form.id) {
                tell(String::from("the id is not the file's name"));
            }
            for row in &form.information {
                let opened = |class: &DataClass| row.kinds.iter().any(|kind| opens(*kind, *class));
                let mut kept = row.classes.iter();
                if !row.kinds.is_empty() && !kept.all(opened) {
                    tell(format!("no kind of `{}` opens all its classes", row.answer));
                }
            }
            let rows = tables.kinds.iter();
            form.required = rows.map(|row| (row.id, row.elements.clone())).collect();
            forms.insert(Arc::clone(&form.id), form);
        }
        (ImportForms(forms), defects)
    }

    /// The form of that id.
    pub fn get(&self, id: &str) -> Option<&ImportForm> {
        self.0.get(id)
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|id| &**id)
    }
}

/// Whether a kind opens a class.
pub type Opens<'a> = &'a dyn Fn(ConsentKind, DataClass) -> bool;
