//! A FHIR Consent read as papers: one for its root provision, one for each inside it.
//!
//! Pure: what the gateway knows of its partners comes as a question. The papers go on to the
//! registry by the same way as those of its own form, and are checked there again.

use super::provision::{Bounds, Provision, codings};
use super::{Codes, Standing, listed};
use crate::base::finding::Finding;
use crate::base::finding_codes::{
    CONSENT_NOT_REPRESENTABLE, CONSENT_WIDENED, CROSSWALK_CODE_UNKNOWN, CodeEntry,
    RECORD_TYPE_UNKNOWN, REFERENCE_DANGLING, REFERENCE_UNRESOLVED, SCHEMA_CODE_UNKNOWN,
    SCHEMA_REQUIRED_MISSING, WIRE_UNKNOWN_FIELD,
};
use crate::base::vocabulary::{
    ConsentElement, ConsentKind, DataClass, Grantor, OtherGrantor, Purpose, RecipientRole,
};
use crate::disclosure::request::Direction;
use crate::format::Node;
use serde_json::{Map, Value, json};

/// Deepest provision: the root is 0.
const DEPTH_MAX: usize = 1;
/// The most provisions of one document, the root counted.
const PROVISIONS_MAX: usize = 32;

/// One paper of a document, as the registry's own form writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inward {
    /// Permit or deny.
    pub direction: Direction,
    /// Whether it stands as an exception inside the root's refusal.
    pub except: bool,
    /// The members of `consent` in the registry's form.
    pub paper: Map<String, Value>,
}

/// A document read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What its status says.
    pub standing: Standing,
    /// System and value of the person's identifier.
    pub subject: (String, String),
    /// Its papers, the root's first.
    pub papers: Vec<Inward>,
}

/// What a document is read with.
pub(super) struct Desk<'a> {
    pub codes: &'a Codes,
    /// The roles of a partner; `None` for nobody we know.
    pub partners: &'a dyn Fn(&str) -> Option<Vec<RecipientRole>>,
    root: &'a Node,
    findings: &'a mut Vec<Finding>,
}

/// What all papers of a document share.
struct Head {
    kind: Option<ConsentKind>,
    grantor: &'static str,
    grantor_id: Option<String>,
    signed: String,
    disclosers: Vec<String>,
    /// Elements the document shows outside its provisions.
    shown: Vec<ConsentElement>,
}

const MEMBERS: [&str; 18] = [
    "id",
    "meta",
    "language",
    "text",
    "contained",
    "extension",
    "identifier",
    "status",
    "scope",
    "category",
    "patient",
    "dateTime",
    "performer",
    "organization",
    "sourceAttachment",
    "sourceReference",
    "policy",
    "policyRule",
];

/// Reads a document; with a finding at error level nothing of it may be lodged.
pub fn read(
    tree: &Node,
    codes: &Codes,
    partners: &dyn Fn(&str) -> Option<Vec<RecipientRole>>,
    findings: &mut Vec<Finding>,
) -> Option<Reading> {
    let mut desk = Desk {
        codes,
        partners,
        root: tree,
        findings,
    };
    desk.document()
}

impl<'a> Desk<'a> {
    pub(super) fn tell(&mut self, code: &'static CodeEntry, path: &str, node: &Node) {
        self.findings
            .push(Finding::new(code).at(path).spanning(node.span));
    }

    pub(super) fn tell_so(
        &mut self,
        code: &'static CodeEntry,
        path: &str,
        node: &Node,
        advice: &str,
    ) {
        let finding = Finding::new(code).at(path).spanning(node.span);
        self.findings.push(finding.fixed_by(advice));
    }

    fn document(&mut self) -> Option<Reading> {
        let tree = self.root;
        let out = &self.codes.out;
        let member = &*out.type_member;
        if tree.text(member) != Some(&*out.resource) {
            let at = tree.get(member).unwrap_or(tree);
            self.tell_so(&RECORD_TYPE_UNKNOWN, member, at, "send a Consent");
            return None;
        }
        let mut known = MEMBERS.to_vec();
        known.extend(["verification", "provision", member]);
        self.known_members(tree, "Consent", &known);
        self.misplaced_extensions(tree);
        let standing = self.standing();
        self.scope();
        let subject = self.subject();
        let provisions = self.provisions();
        let root = provisions.first().map(|(said, ..)| said.direction);
        // Who holds the data is said once for all: nothing that permits may be read wider.
        let opens = |said: &Provision| said.direction == Direction::Permit;
        let permits = provisions.iter().any(|(said, ..)| opens(said));
        let head = self.head(root.unwrap_or(Direction::Permit), permits);
        let (standing, subject, head) = (standing?, subject?, head?);
        let mut papers = Vec::with_capacity(provisions.len());
        for (at, (said, node, path)) in provisions.iter().enumerate() {
            let inside = at > 0 && root == Some(Direction::Deny);
            papers.push(Inward {
                direction: said.direction,
                except: inside && said.direction == Direction::Permit,
                paper: self.paper(&head, said, node, path)?,
            });
        }
        let reading = Reading {
            standing,
            subject,
            papers,
        };
        (!reading.papers.is_empty()).then_some(reading)
    }

    fn standing(&mut self) -> Option<Standing> {
        let status = self.root.get("status");
        let read = status
            .and_then(Node::as_str)
            .map(|text| self.codes.standing(text));
        match (status, read.flatten()) {
            (None, _) => self.tell(&SCHEMA_REQUIRED_MISSING, "Consent.status", self.root),
            (Some(node), None) => self.tell(&SCHEMA_CODE_UNKNOWN, "Consent.status", node),
            (_, read) => return read,
        }
        None
    }

    fn scope(&mut self) {
        let Some(scope) = self.root.get("scope") else {
            self.tell(&SCHEMA_REQUIRED_MISSING, "Consent.scope", self.root);
            return;
        };
        let taken = codings(scope).any(|(system, code)| listed(&self.codes.scope, system, code));
        if !taken {
            let advice = "only consents about privacy and research are kept here";
            self.tell_so(&CROSSWALK_CODE_UNKNOWN, "Consent.scope", scope, advice);
        }
        let category = self.root.get("category").map(Node::items);
        if category.is_none_or(<[Node]>::is_empty) {
            self.tell(&SCHEMA_REQUIRED_MISSING, "Consent.category", self.root);
        }
    }

    fn subject(&mut self) -> Option<(String, String)> {
        let path = "Consent.patient";
        let Some(patient) = self.root.get("patient") else {
            self.tell(&SCHEMA_REQUIRED_MISSING, path, self.root);
            return None;
        };
        let (system, value, _) = self.identified(patient);
        if system.is_empty() || value.is_empty() {
            let advice =
                "give an identifier with system and value, here or in a contained resource";
            self.tell_so(&REFERENCE_DANGLING, path, patient, advice);
            return None;
        }
        Some((system, value))
    }

    /// What a reference refers to: system and value of an identifier, and the recipient roles its
    /// type names. A reference into the document is followed, any other is not.
    pub(super) fn identified(&self, reference: &Node) -> (String, String, Vec<RecipientRole>) {
        let contained = self.contained(reference);
        let listed = contained.and_then(|node| node.get("identifier"));
        let first = listed.and_then(|list| list.items().first());
        let Some(identifier) = reference.get("identifier").or(first) else {
            return (String::new(), String::new(), Vec::new());
        };
        let text = |name| identifier.text(name).unwrap_or_default().to_owned();
        let kinds = identifier.get("type").into_iter().flat_map(codings);
        let own = &self.codes.own.recipient_role;
        let kinds = kinds.filter(|(system, _)| *system == &**own);
        let kinds = kinds.filter_map(|(_, code)| code.parse().ok());
        (text("system"), text("value"), kinds.collect())
    }

    fn contained(&self, reference: &Node) -> Option<&Node> {
        let id = reference.text("reference")?.strip_prefix('#')?;
        let contained = self.root.get("contained")?;
        let mut all = contained.items().iter();
        all.find(|node| node.text("id") == Some(id))
    }

    /// All provisions with their places, the root first.
    fn provisions(&mut self) -> Vec<(Provision, &'a Node, String)> {
        let path = "Consent.provision";
        let root_node = self.root;
        let Some(node) = root_node.get("provision") else {
            self.tell(&SCHEMA_REQUIRED_MISSING, path, root_node);
            return Vec::new();
        };
        let Some(root) = self.provision(node, path, None) else {
            return Vec::new();
        };
        let inner = node.get("provision").map(Node::items).unwrap_or_default();
        let mut all = vec![(root.clone(), node, path.to_owned())];
        let (around, outer) = (node, path);
        for (at, node) in inner.iter().enumerate() {
            let path = format!("{path}.provision[{at}]");
            if at + 1 >= PROVISIONS_MAX {
                self.tell(&CONSENT_NOT_REPRESENTABLE, &path, node);
                break;
            }
            self.deeper(node, &path);
            if let Some(said) = self.provision(node, &path, Some((&root, around, outer))) {
                all.push((said, node, path));
            }
        }
        all
    }

    /// Exceptions to exceptions are not kept.
    fn deeper(&mut self, node: &Node, path: &str) {
        if let Some(deep) = node
            .get("provision")
            .filter(|deep| !deep.items().is_empty())
        {
            let advice = format!("no deeper than {DEPTH_MAX}: write a Consent of its own");
            let path = format!("{path}.provision");
            self.tell_so(&CONSENT_NOT_REPRESENTABLE, &path, deep, &advice);
        }
    }

    fn head(&mut self, root: Direction, permits: bool) -> Option<Head> {
        let mut shown = vec![ConsentElement::PatientName];
        let signed = match self.root.get("dateTime") {
            Some(node) => self.date(node, "Consent.dateTime"),
            None => {
                self.tell(&SCHEMA_REQUIRED_MISSING, "Consent.dateTime", self.root);
                None
            }
        };
        let grantor = self.grantor();
        let kind = self.kind(root, &mut shown);
        let disclosers = self.disclosers(permits, &mut shown);
        let mut source = ["sourceAttachment", "sourceReference"].iter();
        if source.any(|name| self.root.get(name).is_some()) {
            shown.push(ConsentElement::Signature);
        }
        shown.push(ConsentElement::Date);
        let (grantor, grantor_id) = grantor?;
        Some(Head {
            kind,
            grantor,
            grantor_id,
            signed: signed?,
            disclosers,
            shown,
        })
    }

    /// The kind of paper its policies name. A refusal that names none closes what it names all the
    /// same; a permit without one is none.
    fn kind(&mut self, root: Direction, shown: &mut Vec<ConsentElement>) -> Option<ConsentKind> {
        let codes = self.codes;
        let mut kinds = Vec::new();
        let rule = self.root.get("policyRule");
        for (system, code) in rule.into_iter().flat_map(codings) {
            let own = (*system == *codes.own.kind).then(|| code.parse().ok());
            let mut rows = codes.policy.iter();
            let row = rows.find(|row| &*row.system == system && &*row.code == code);
            kinds.extend(own.flatten().or(row.map(|row| row.kind)));
        }
        let policies = self.root.get("policy").map(Node::items).unwrap_or_default();
        for (at, policy) in policies.iter().enumerate() {
            let uri = policy.text("uri").unwrap_or_default();
            let form = uri.strip_prefix(&*codes.own.form);
            let form = form.and_then(|rest| rest.split(':').next()?.parse().ok());
            match form {
                Some(kind) => {
                    kinds.push(kind);
                    let printed = codes.form.statements.iter();
                    shown.extend(printed.filter_map(|word| word.parse::<ConsentElement>().ok()));
                }
                None => {
                    let path = format!("Consent.policy[{at}]");
                    self.tell(&REFERENCE_UNRESOLVED, &path, policy);
                }
            }
        }
        kinds.dedup();
        match (kinds.as_slice(), root) {
            ([kind], _) => Some(*kind),
            (_, Direction::Deny) => Some(ConsentKind::PrivacyDirective),
            ([], Direction::Permit) => {
                let advice = "name the kind of paper: a code of the registry in policyRule, or \
                              the form it was signed on in policy.uri";
                let at = self.root.get("policyRule").unwrap_or(self.root);
                self.tell_so(&SCHEMA_REQUIRED_MISSING, "Consent.policyRule", at, advice);
                None
            }
            (_, Direction::Permit) => {
                let advice = "a Consent is one kind of paper: write one for each";
                let at = self.root.get("policyRule").unwrap_or(self.root);
                self.tell_so(&CONSENT_NOT_REPRESENTABLE, "Consent.policyRule", at, advice);
                None
            }
        }
    }

    /// Whose data it opens. A document that permits anything names holders we know; one that only
    /// refuses and does not closes all.
    fn disclosers(&mut self, permits: bool, shown: &mut Vec<ConsentElement>) -> Vec<String> {
        let mut ids = Vec::new();
        let list = self
            .root
            .get("organization")
            .map(Node::items)
            .unwrap_or_default();
        for (at, organization) in list.iter().enumerate() {
            let path = format!("Consent.organization[{at}]");
            let (system, value, _) = self.identified(organization);
            let known = *system == *self.codes.own.partner && (self.partners)(&value).is_some();
            if known {
                ids.push(value);
                continue;
            }
            let advice = "name the holder by its id as a partner of this gateway";
            let code = match permits {
                true => &CONSENT_NOT_REPRESENTABLE,
                false => &CONSENT_WIDENED,
            };
            self.tell_so(code, &path, organization, advice);
        }
        if !list.is_empty() {
            shown.push(ConsentElement::Discloser);
        }
        match ids.len() == list.len() {
            true => ids,
            false => Vec::new(),
        }
    }

    fn grantor(&mut self) -> Option<(&'static str, Option<String>)> {
        let list = self
            .root
            .get("performer")
            .map(Node::items)
            .unwrap_or_default();
        if list.is_empty() {
            self.tell(&SCHEMA_REQUIRED_MISSING, "Consent.performer", self.root);
            return None;
        }
        let (mut signers, mut id) = (Vec::new(), None);
        for (at, performer) in list.iter().enumerate() {
            let Some(signer) = self.signer(performer) else {
                let advice = "say who signed: the patient, a contained RelatedPerson with a \
                              relationship the registry knows, or its own code for the signer";
                let path = format!("Consent.performer[{at}]");
                self.tell_so(&CROSSWALK_CODE_UNKNOWN, &path, performer, advice);
                return None;
            };
            let (system, value, _) = self.identified(performer);
            if *system == *self.codes.own.signer {
                id = Some(value);
            }
            signers.push(signer);
        }
        signers.dedup();
        let of = |one: &str, words: [Grantor; 2]| words.iter().any(|word| word.as_str() == one);
        let own = |one: &str| of(one, [Grantor::Myself, Grantor::Youth]);
        let holder = |one: &str| of(one, [Grantor::Parent, Grantor::Guardian]);
        match signers.as_slice() {
            [one] => Some((*one, id)),
            [a, b] if (own(a) && holder(b)) || (own(b) && holder(a)) => {
                Some((Grantor::YouthAndParent.as_str(), id))
            }
            _ => {
                let advice = "a paper has one signer, or the youth and a parent together";
                let at = self.root.get("performer").unwrap_or(self.root);
                self.tell_so(&CONSENT_NOT_REPRESENTABLE, "Consent.performer", at, advice);
                None
            }
        }
    }

    fn signer(&self, performer: &Node) -> Option<&'static str> {
        let codes = self.codes;
        let extensions = performer
            .get("extension")
            .map(Node::items)
            .unwrap_or_default();
        let mut own = extensions
            .iter()
            .filter(|one| one.text("url") == Some(&*codes.own.grantor));
        if let Some(told) = own.next() {
            return grantor_word(told.text("valueCode")?);
        }
        let patient = self.root.get("patient")?;
        let same = |name: &str| {
            performer
                .text(name)
                .is_some_and(|t| patient.text(name) == Some(t))
        };
        let (system, value, _) = self.identified(performer);
        let (of, is, _) = self.identified(patient);
        if same("reference") || (!value.is_empty() && (system, value) == (of, is)) {
            return Some(Grantor::Myself.as_str());
        }
        let related = self.contained(performer)?;
        let relations = related
            .get("relationship")
            .map(Node::items)
            .unwrap_or_default();
        let mut words = relations
            .iter()
            .flat_map(codings)
            .filter_map(|(system, code)| {
                if *system == *codes.own.grantor {
                    return grantor_word(code);
                }
                let mut rows = codes.relationship.iter();
                let row = rows.find(|row| &*row.system == system && &*row.code == code)?;
                Some(row.grantor.as_str())
            });
        words.next()
    }

    /// One paper in the registry's own form.
    fn paper(
        &mut self,
        head: &Head,
        said: &Provision,
        node: &Node,
        path: &str,
    ) -> Option<Map<String, Value>> {
        let mut paper = Map::new();
        let mut put = |name: &str, value: Value| paper.insert(name.to_owned(), value);
        put("kind", json!(head.kind?));
        put("type", json!(said.direction));
        put("grantor", json!(head.grantor));
        if let Some(id) = &head.grantor_id {
            put("grantor_id", json!(id));
        }
        let classes: Vec<DataClass> = said.data_classes().iter().collect();
        let every = |roles: &Option<_>, all: Value| roles.as_ref().map_or(all, |set| json!(set));
        let roles = every(&said.roles, json!(RecipientRole::ALL));
        let purposes = said.purposes.as_ref();
        let purposes = purposes.map_or(json!(Purpose::ALL), |set| json!(set));
        for (name, list) in [
            ("classes", json!(classes)),
            ("recipients", roles),
            ("purposes", purposes),
        ] {
            if list.as_array().is_some_and(Vec::is_empty) && !self.told_error() {
                self.tell(&SCHEMA_REQUIRED_MISSING, path, node);
            }
            put(name, list);
        }
        if let Some(ids) = &said.ids {
            put("recipient_ids", json!(ids));
        }
        if let Some((from, to)) = &said.data_period {
            let open = |bound: &Option<String>| bound.clone().unwrap_or_default();
            put("data_period", json!([open(from), open(to)]));
        }
        put("signed", json!(head.signed));
        let (start, end): Bounds = said.period.clone().unwrap_or_default();
        put("start", json!(start));
        put("end", json!(end));
        if !head.disclosers.is_empty() {
            put("discloser_ids", json!(head.disclosers));
        }
        self.extensions(head, said, (node, path), &mut paper);
        Some(paper)
    }

    fn told_error(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }

    /// What FHIR has no place for: our own extensions of a provision.
    fn extensions(
        &mut self,
        head: &Head,
        said: &Provision,
        (node, path): (&Node, &str),
        paper: &mut Map<String, Value>,
    ) {
        let codes = self.codes;
        let own = &codes.own;
        let mut elements: Option<Vec<String>> = None;
        let mut lists = [
            (&own.supersedes, "supersedes", Vec::new()),
            (&own.exception_to, "exception_to", Vec::new()),
            (&own.element_missing, "elements_missing", Vec::new()),
        ];
        let all = node.get("extension").map(Node::items).unwrap_or_default();
        for (at, extension) in all.iter().enumerate() {
            let url = extension.text("url").unwrap_or_default();
            let text = ["valueCode", "valueString"];
            let text = text.iter().find_map(|name| extension.text(name));
            let text = text.unwrap_or_default().to_owned();
            if let Some((.., list)) = lists.iter_mut().find(|(own, ..)| url == &***own) {
                list.push(json!(text));
            } else if *url == *own.element {
                elements.get_or_insert_default().push(text);
            } else if *url == *own.ends_on_event {
                paper.insert(String::from("ends_on_event"), json!(text));
            } else if *url == *own.expiry_statement {
                paper.insert(String::from("expiry_statement"), json!(text));
            } else if *url == *own.coercion {
                let told = extension.get("valueBoolean").and_then(Node::as_bool);
                // What is not readable as no counts as yes: it can only restrict.
                paper.insert(String::from("coercion_flag"), json!(told.unwrap_or(true)));
            } else {
                let path = format!("{path}.extension[{at}]");
                self.tell(&WIRE_UNKNOWN_FIELD, &path, extension);
            }
        }
        for (_, name, list) in lists {
            if !list.is_empty() {
                paper.insert(name.to_owned(), Value::Array(list));
            }
        }
        let elements = match elements {
            Some(told) => told.into_iter().filter(|word| word != NO_ELEMENT).collect(),
            None => shown_by(head, said, paper),
        };
        paper.insert(String::from("elements"), json!(elements));
    }
}

/// A word for who signed, one to whom the rules give no say included.
fn grantor_word(word: &str) -> Option<&'static str> {
    let ruled = Grantor::ALL.iter().map(|one| one.as_str());
    let others = OtherGrantor::ALL.iter().map(|one| one.as_str());
    ruled.chain(others).find(|known| *known == word)
}

/// Stands alone in the extension of elements where a form shows none.
pub(super) const NO_ELEMENT: &str = "none";

/// The elements the document itself shows.
fn shown_by(head: &Head, said: &Provision, paper: &Map<String, Value>) -> Vec<String> {
    let mut shown = head.shown.clone();
    let ended = paper.contains_key("expiry_statement") || paper.contains_key("ends_on_event");
    let end = said.period.as_ref().is_some_and(|(_, end)| end.is_some());
    let here = [
        (said.classes.is_some(), ConsentElement::Description),
        (said.roles.is_some(), ConsentElement::Recipient),
        (said.purposes.is_some(), ConsentElement::Purpose),
        (end || ended, ConsentElement::Expiration),
    ];
    shown.extend(
        here.iter()
            .filter(|(has, _)| *has)
            .map(|(_, element)| *element),
    );
    let every = ConsentElement::ALL.iter();
    let every = every.filter(|element| shown.contains(element));
    every.map(|element| element.as_str().to_owned()).collect()
}
