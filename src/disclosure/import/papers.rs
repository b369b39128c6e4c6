//! One document of answers, read as papers.

use super::{ImportForm, InformationRow};
use crate::base::finding::Finding;
use crate::base::finding_codes::{
    CONSENT_OPENS_NOTHING, CROSSWALK_CODE_UNKNOWN, CodeEntry, SCHEMA_REQUIRED_MISSING,
    SCHEMA_TYPE_MISMATCH, SCHEMA_UNKNOWN_FIELD,
};
use crate::base::vocabulary::{
    ConsentElement, ConsentKind, DataClass, EndEvent, Purpose, RecipientRole,
};
use crate::disclosure::request::Direction;
use crate::format::{Node, tree};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The names an organization's answer may have when it is not a word of the form.
const PARTNER: &str = "partner";
const ROLE: &str = "role";

/// A document read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The id it is to be kept under, when it says one.
    pub id: Option<String>,
    /// System and value of the person's identifier.
    pub subject: (String, String),
    /// Whether it only ends what was lodged before.
    pub revoked: bool,
    /// Its papers, each with its direction.
    pub papers: Vec<(Direction, Map<String, Value>)>,
}

/// Who receives: roles, or partners with their roles.
struct Receivers {
    roles: BTreeSet<RecipientRole>,
    ids: Vec<String>,
    of_ids: BTreeSet<RecipientRole>,
}

struct Desk<'a> {
    form: &'a ImportForm,
    tree: &'a Node,
    partners: &'a dyn Fn(&str) -> Option<Vec<RecipientRole>>,
    findings: &'a mut Vec<Finding>,
}

/// What the papers of a document share.
struct Head {
    grantor: String,
    signed: String,
    purposes: BTreeSet<Purpose>,
    shown: BTreeSet<ConsentElement>,
    stored: bool,
    event: Option<EndEvent>,
    disclosers: Vec<String>,
    kinds: Option<Vec<ConsentKind>>,
}

/// Reads a document; with a finding at error level nothing of it may be lodged.
pub fn read(
    form: &ImportForm,
    tree: &Node,
    partners: &dyn Fn(&str) -> Option<Vec<RecipientRole>>,
    findings: &mut Vec<Finding>,
) -> Option<Imported> {
    let mut desk = Desk {
        form,
        tree,
        partners,
        findings,
    };
    desk.unknown(tree, "");
    desk.document()
}

/// Whether an answer says anything.
fn says(node: &Node) -> bool {
    match &node.value {
        tree::Value::Null | tree::Value::Bool(false) => false,
        tree::Value::String(text) => !text.is_empty(),
        _ => !node.is_empty_container(),
    }
}

impl Desk<'_> {
    fn tell(&mut self, code: &'static CodeEntry, path: &str, node: Option<&Node>) {
        let span = node.unwrap_or(self.tree).span;
        self.findings
            .push(Finding::new(code).at(path).spanning(span));
    }

    fn answer(&self, pointer: &str) -> Option<&Node> {
        self.tree.pointer(pointer).filter(|node| says(node))
    }

    fn text(&self, pointer: &str) -> Option<String> {
        self.answer(pointer)?.as_str().map(str::to_owned)
    }

    /// Answers the form does not have.
    fn unknown(&mut self, node: &Node, at: &str) {
        for (name, member) in node.members() {
            let path = format!("{at}/{name}");
            let answers = &self.form.answers;
            let optional = [
                &answers.kind,
                &answers.event,
                &answers.form_version,
                &answers.elements,
            ];
            let known = [
                &answers.id,
                &answers.subject,
                &answers.information,
                &answers.refused,
                &answers.organizations,
                &answers.disclosers,
                &answers.purposes,
                &answers.signer,
                &answers.signed,
                &answers.start,
                &answers.end,
                &answers.revoked,
            ];
            let optional = optional.into_iter().flatten();
            let mut all = known.into_iter().chain(optional).chain(&answers.kept_out);
            if all.clone().any(|one| **one == *path) {
                continue;
            }
            let inside = format!("{path}/");
            if all.any(|one| one.starts_with(&inside)) {
                self.unknown(member, &path);
            } else {
                // The name is not ours and may be anybody's: it is not repeated.
                self.tell(&SCHEMA_UNKNOWN_FIELD, at, Some(member));
            }
        }
    }

    fn document(&mut self) -> Option<Imported> {
        let form = self.form;
        let subject = self.subject();
        let revoked = self.answer(&form.answers.revoked).is_some();
        let id = self.text(&form.answers.id);
        if revoked {
            return Some(Imported {
                id,
                subject: subject?,
                revoked,
                papers: Vec::new(),
            });
        }
        let head = self.head();
        let receivers = self.receivers();
        let (boxes, refused) = (
            self.boxes(&form.answers.information),
            self.boxes(&form.answers.refused),
        );
        let (head, subject) = (head?, subject?);
        let groups = receivers.groups();
        let mut papers = Vec::new();
        for (kind, classes) in self.by_kind(&head, &boxes) {
            for (kind, purposes) in self.split(kind, &head.purposes) {
                for (roles, ids) in &groups {
                    let to = (roles, ids.as_deref());
                    let paper = self.paper(&head, kind, &classes, (&purposes, to));
                    papers.push((Direction::Permit, paper));
                }
            }
        }
        for group in &groups {
            papers.extend(self.refusal(&head, &refused, group));
        }
        if papers.is_empty() {
            let at = self.tree.pointer(&form.answers.information);
            self.tell(&SCHEMA_REQUIRED_MISSING, &form.answers.information, at);
        }
        Some(Imported {
            id,
            subject,
            revoked,
            papers,
        })
    }

    fn subject(&mut self) -> Option<(String, String)> {
        let at = self.form.answers.subject.clone();
        let node = self.tree.pointer(&at);
        let part = |name: &str| {
            let text = node?.text(name)?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let read = part("system").zip(part("value"));
        if read.is_none() {
            self.tell(&SCHEMA_REQUIRED_MISSING, &at, node);
        }
        read
    }

    fn head(&mut self) -> Option<Head> {
        let form = self.form;
        let answers = &form.answers;
        let chosen = match &answers.kind {
            None => Some(None),
            Some(at) => {
                let rows = form.kind.iter().map(|row| (&*row.answer, row));
                self.word(at, rows.collect()).map(Some)
            }
        };
        let signers = form.signer.iter().map(|row| (&*row.answer, &row.grantor));
        let signer = self.word(&answers.signer, signers.collect());
        let signed = self.text(&answers.signed);
        if signed.is_none() {
            let node = self.tree.pointer(&answers.signed);
            self.tell(&SCHEMA_REQUIRED_MISSING, &answers.signed, node);
        }
        for at in [&answers.start, &answers.end] {
            let node = self
                .answer(at)
                .filter(|node| node.as_str().is_none())
                .cloned();
            if let Some(node) = node {
                self.tell(&SCHEMA_TYPE_MISMATCH, at, Some(&node));
            }
        }
        let event = answers
            .event
            .as_ref()
            .filter(|at| self.answer(at).is_some());
        let event = event.and_then(|at| {
            let rows = form.event.iter().map(|row| (&*row.answer, row.event));
            self.word(at, rows.collect())
        });
        let disclosers = self.disclosers();
        let purposes = self.purposes();
        let shown = self.shown();
        let (chosen, signer) = (chosen?, signer?);
        let kinds = chosen.map(|row| {
            let fits = |kind: &&ConsentKind| {
                let asked = form.required.get(*kind).into_iter().flatten();
                let mut asked = asked;
                asked.all(|element| shown.contains(element))
            };
            let first = row.kinds.iter().find(fits).or(row.kinds.last());
            first.copied().into_iter().collect()
        });
        let own = chosen.and_then(|row| row.grantor.clone());
        Some(Head {
            grantor: own.unwrap_or_else(|| signer.clone()).to_string(),
            signed: signed?,
            purposes,
            shown,
            stored: chosen.is_some_and(|row| row.stored),
            event,
            disclosers,
            kinds,
        })
    }

    /// The row of the one word an answer may be.
    fn word<T>(&mut self, at: &str, rows: BTreeMap<&str, T>) -> Option<T> {
        let Some(word) = self.text(at) else {
            let node = self.tree.pointer(at);
            self.tell(&SCHEMA_REQUIRED_MISSING, at, node);
            return None;
        };
        let mut rows = rows;
        let found = rows.remove(word.as_str());
        if found.is_none() {
            let node = self.tree.pointer(at);
            self.tell(&CROSSWALK_CODE_UNKNOWN, at, node);
        }
        found
    }

    /// The items of a list of answers; what is no list is told.
    fn items(&mut self, at: &str) -> Vec<Node> {
        match self.answer(at) {
            None => Vec::new(),
            Some(node) if !node.items().is_empty() => node.items().to_vec(),
            Some(_) => {
                let node = self.tree.pointer(at);
                self.tell(&SCHEMA_TYPE_MISMATCH, at, node);
                Vec::new()
            }
        }
    }

    fn purposes(&mut self) -> BTreeSet<Purpose> {
        let form = self.form;
        let at = &form.answers.purposes;
        let mut named = BTreeSet::new();
        for (place, item) in self.items(at).iter().enumerate() {
            let word = item.as_str().unwrap_or_default();
            let row = form.purpose.iter().find(|row| &*row.answer == word);
            match (row, word.parse::<Purpose>()) {
                (Some(row), _) => named.extend(row.purposes.iter().copied()),
                (None, Ok(purpose)) => {
                    named.insert(purpose);
                }
                _ => self.tell(
                    &CROSSWALK_CODE_UNKNOWN,
                    &format!("{at}/{place}"),
                    Some(item),
                ),
            }
        }
        if named.is_empty() {
            let node = self.tree.pointer(at);
            self.tell(&SCHEMA_REQUIRED_MISSING, at, node);
        }
        named
    }

    /// Whose data the papers open; a holder nobody knows would open everybody's.
    fn disclosers(&mut self) -> Vec<String> {
        let at = &self.form.answers.disclosers;
        let mut ids = Vec::new();
        for (place, item) in self.items(at).iter().enumerate() {
            match item.as_str().filter(|id| (self.partners)(id).is_some()) {
                Some(id) => ids.push(id.to_owned()),
                None => self.tell(
                    &CROSSWALK_CODE_UNKNOWN,
                    &format!("{at}/{place}"),
                    Some(item),
                ),
            }
        }
        ids
    }

    /// The elements the document shows: by its answers, by what its form prints, by its own list.
    fn shown(&mut self) -> BTreeSet<ConsentElement> {
        let form = self.form;
        let by_answer = form.elements.iter();
        let by_answer = by_answer.filter(|(_, at)| self.answer(at).is_some());
        let mut shown: BTreeSet<ConsentElement> = by_answer.map(|(one, _)| *one).collect();
        let version = form.answers.form_version.as_ref();
        let version = version.and_then(|at| self.text(at));
        let printed = form.printed.iter();
        let mut printed = printed.filter(|row| version.as_deref() == Some(&*row.version));
        shown.extend(
            printed
                .next()
                .into_iter()
                .flat_map(|row| row.elements.iter().copied()),
        );
        let Some(at) = form.answers.elements.clone() else {
            return shown;
        };
        for (place, item) in self.items(&at).iter().enumerate() {
            match item.as_str().unwrap_or_default().parse() {
                Ok(element) => {
                    shown.insert(element);
                }
                Err(_) => {
                    self.tell(
                        &CROSSWALK_CODE_UNKNOWN,
                        &format!("{at}/{place}"),
                        Some(item),
                    );
                }
            }
        }
        shown
    }

    fn receivers(&mut self) -> Receivers {
        let form = self.form;
        let at = &form.answers.organizations;
        let mut all = Receivers {
            roles: BTreeSet::new(),
            ids: Vec::new(),
            of_ids: BTreeSet::new(),
        };
        for (place, item) in self.items(at).iter().enumerate() {
            let word = item.as_str().unwrap_or_default();
            let row = form.organization.iter().find(|row| &*row.answer == word);
            let id = item.text(PARTNER).unwrap_or_default();
            let role = item.text(ROLE).and_then(|word| word.parse().ok());
            if let Some(row) = row {
                all.roles.extend(row.roles.iter().copied());
            } else if let Some(role) = role {
                all.roles.insert(role);
            } else if let Some(roles) = (self.partners)(id) {
                all.of_ids.extend(roles);
                all.ids.push(id.to_owned());
            } else {
                self.tell(
                    &CROSSWALK_CODE_UNKNOWN,
                    &format!("{at}/{place}"),
                    Some(item),
                );
            }
        }
        if all.roles.is_empty() && all.ids.is_empty() {
            let node = self.tree.pointer(at);
            self.tell(&SCHEMA_REQUIRED_MISSING, at, node);
        }
        all
    }

    /// The rows of a list of boxes; a class of the registry's own is a box by itself.
    fn boxes(&mut self, at: &str) -> Vec<InformationRow> {
        let form = self.form;
        let mut rows = Vec::new();
        for (place, item) in self.items(at).iter().enumerate() {
            let word = item.as_str().unwrap_or_default();
            let row = form.information.iter().find(|row| &*row.answer == word);
            let own = word.parse::<DataClass>().ok();
            match (row, own.filter(|_| form.answers.kind.is_some())) {
                (Some(row), _) => rows.push(row.clone()),
                (None, Some(class)) => rows.push(InformationRow {
                    answer: word.into(),
                    kinds: Vec::new(),
                    classes: vec![class],
                    deny: Vec::new(),
                }),
                _ => self.tell(
                    &CROSSWALK_CODE_UNKNOWN,
                    &format!("{at}/{place}"),
                    Some(item),
                ),
            }
        }
        rows
    }

    /// The classes each kind of paper is to open; a box that makes no paper is told.
    fn by_kind(
        &mut self,
        head: &Head,
        boxes: &[InformationRow],
    ) -> BTreeMap<ConsentKind, BTreeSet<DataClass>> {
        let mut all: BTreeMap<ConsentKind, BTreeSet<DataClass>> = BTreeMap::new();
        for (place, row) in boxes.iter().enumerate() {
            let kinds = head.kinds.as_ref().unwrap_or(&row.kinds);
            if kinds.is_empty() {
                let at = format!("{}/{place}", self.form.answers.information);
                let node = self.tree.pointer(&at);
                self.tell(&CONSENT_OPENS_NOTHING, &at, node);
            }
            for kind in kinds {
                all.entry(*kind)
                    .or_default()
                    .extend(row.classes.iter().copied());
            }
        }
        all
    }

    /// A kind that is limited to purposes leaves the others to another kind.
    fn split(
        &self,
        kind: ConsentKind,
        purposes: &BTreeSet<Purpose>,
    ) -> Vec<(ConsentKind, BTreeSet<Purpose>)> {
        let Some(row) = self.form.split.iter().find(|row| row.kind == kind) else {
            return vec![(kind, purposes.clone())];
        };
        let (own, others): (BTreeSet<Purpose>, BTreeSet<Purpose>) = purposes
            .iter()
            .copied()
            .partition(|one| row.purposes.contains(one));
        let both = [(kind, own), (row.other, others)];
        let made = both
            .into_iter()
            .filter(|(_, purposes)| !purposes.is_empty());
        made.collect()
    }

    /// The boxes refused, toward those and for that the form is about.
    fn refusal(
        &self,
        head: &Head,
        refused: &[InformationRow],
        (roles, ids): &Group,
    ) -> Option<(Direction, Map<String, Value>)> {
        let closes = refused.iter().flat_map(|row| match row.deny.is_empty() {
            true => row.classes.iter(),
            false => row.deny.iter(),
        });
        let closes: BTreeSet<DataClass> = closes.copied().collect();
        if closes.is_empty() {
            return None;
        }
        let kind = ConsentKind::PrivacyDirective;
        let to = (roles, ids.as_deref());
        let mut paper = self.paper(head, kind, &closes, (&head.purposes, to));
        paper.insert(String::from("type"), json!(Direction::Deny));
        // Whoever holds it: a refusal is not narrowed to holders, nor ended by an event.
        for name in ["discloser_ids", "ends_on_event"] {
            paper.remove(name);
        }
        Some((Direction::Deny, paper))
    }

    fn paper(
        &self,
        head: &Head,
        kind: ConsentKind,
        classes: &BTreeSet<DataClass>,
        (purposes, (roles, ids)): (&BTreeSet<Purpose>, To<'_>),
    ) -> Map<String, Value> {
        let answers = &self.form.answers;
        let mut paper = Map::new();
        let mut put = |name: &str, value: Value| paper.insert(name.to_owned(), value);
        put("kind", json!(kind));
        put("type", json!(Direction::Permit));
        put("grantor", json!(head.grantor));
        put("classes", json!(classes));
        put("recipients", json!(roles));
        put("purposes", json!(purposes));
        if let Some(ids) = ids {
            put("recipient_ids", json!(ids));
        }
        put("signed", json!(head.signed));
        put("start", json!(self.text(&answers.start)));
        put("end", json!(self.text(&answers.end)));
        if let Some(event) = head.event {
            put("ends_on_event", json!(event));
        }
        if !head.disclosers.is_empty() {
            put("discloser_ids", json!(head.disclosers));
        }
        if head.stored {
            // What is only kept never permits: it shows nothing, and says so.
            put("elements", json!([]));
            put("elements_missing", json!([ConsentElement::Signature]));
        } else {
            put("elements", json!(head.shown));
        }
        paper
    }
}

/// Roles, or partners with the roles they have.
type Group = (BTreeSet<RecipientRole>, Option<Vec<String>>);

type To<'a> = (&'a BTreeSet<RecipientRole>, Option<&'a [String]>);

impl Receivers {
    /// Roles and partners make papers of their own.
    fn groups(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        if !self.roles.is_empty() {
            groups.push((self.roles.clone(), None));
        }
        if !self.ids.is_empty() {
            groups.push((self.of_ids.clone(), Some(self.ids.clone())));
        }
        groups
    }
}
