//! Papers of the registry as a FHIR Consent: what came in comes out again.
//!
//! The person is not named: the registry keeps no identifier it could show.

use super::Codes;
use super::inward::NO_ELEMENT;
use super::provision::unlimited;
use crate::base::vocabulary::{ClassSet, ConsentKind, DataClass, Purpose, RecipientRole};
use crate::disclosure::request::Direction;
use serde_json::{Map, Value, json};

/// A paper as it is kept, under the id of its document.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The paper in the registry's own form.
    pub paper: Value,
}

/// Members that all papers of a document share.
const SHARED: [&str; 5] = ["kind", "grantor", "grantor_id", "signed", "discloser_ids"];

/// The document of these papers, the root's first; `None` where they are not of one document.
/// `root` is the id of the root's paper, which exceptions to it name.
pub fn write(codes: &Codes, id: &str, root: &str, papers: &[Kept], ended: bool) -> Option<Value> {
    let first = &papers.first()?.paper;
    let same = |kept: &Kept| {
        let mut names = SHARED.iter();
        names.all(|name| kept.paper.get(name) == first.get(name))
    };
    if !papers.iter().all(same) {
        return None;
    }
    let (mut inner, mut outer) = (Vec::new(), None);
    for kept in papers {
        let provision = provision(codes, &kept.paper, root)?;
        match &outer {
            None => outer = Some(provision),
            Some(_) => inner.push(Value::Object(provision)),
        }
    }
    let mut outer = outer?;
    if !inner.is_empty() {
        outer.insert(String::from("provision"), Value::Array(inner));
    }
    let own = &codes.own;
    let status = if ended {
        &codes.out.ended
    } else {
        &codes.out.active
    };
    let coded = |system: &str, code: &str| json!({"coding": [{"system": system, "code": code}]});
    let kind: ConsentKind = word(first.get("kind"))?;
    let mut document = json!({
        "id": id,
        "status": status,
        "scope": coded(&codes.out.scope.system, &codes.out.scope.code),
        "category": [coded(&codes.out.category.system, &codes.out.category.code)],
        "dateTime": first.get("signed")?,
        "performer": [performer(codes, first)],
    });
    let members = document.as_object_mut()?;
    members.insert(codes.out.type_member.to_string(), json!(codes.out.resource));
    if let Some(ids) = first.get("discloser_ids").and_then(Value::as_array) {
        let named = |id| json!({"identifier": {"system": own.partner, "value": id}});
        let list: Vec<Value> = ids.iter().map(named).collect();
        members.insert(String::from("organization"), Value::Array(list));
    }
    members.insert(String::from("policyRule"), coded(&own.kind, kind.as_str()));
    members.insert(String::from("provision"), Value::Object(outer));
    Some(document)
}

fn word<W: std::str::FromStr>(value: Option<&Value>) -> Option<W> {
    value?.as_str()?.parse().ok()
}

fn words<W: std::str::FromStr>(value: Option<&Value>) -> Option<Vec<W>> {
    let list = value?.as_array()?.iter();
    list.map(|one| word(Some(one))).collect()
}

/// Who signed, in our own code, with the id that tells co-holders apart.
fn performer(codes: &Codes, paper: &Value) -> Value {
    let mut told = json!({
        "extension": [{"url": codes.own.grantor, "valueCode": paper.get("grantor")}],
    });
    if let (Some(id), Some(members)) = (paper.get("grantor_id"), told.as_object_mut()) {
        let identifier = json!({"system": codes.own.signer, "value": id});
        members.insert(String::from("identifier"), identifier);
    }
    told
}

fn provision(codes: &Codes, paper: &Value, root: &str) -> Option<Map<String, Value>> {
    let own = &codes.own;
    let direction: Direction = word(paper.get("type"))?;
    let mut out = Map::new();
    let extensions = extensions(codes, paper, root);
    if !extensions.is_empty() {
        out.insert(String::from("extension"), Value::Array(extensions));
    }
    out.insert(String::from("type"), json!(direction));
    let text = |name: &str| paper.get(name).filter(|value| !value.is_null());
    if let Some(period) = bounds(text("start"), text("end")) {
        out.insert(String::from("period"), period);
    }
    let actors = actors(codes, paper)?;
    if !actors.is_empty() {
        out.insert(String::from("actor"), Value::Array(actors));
    }
    let purposes: Vec<Purpose> = words(paper.get("purposes"))?;
    if purposes.len() != Purpose::ALL.len() {
        let list = purposes.iter().map(|one| purpose(codes, *one, direction));
        out.insert(String::from("purpose"), list.collect());
    }
    let classes: Vec<DataClass> = words(paper.get("classes"))?;
    let said: ClassSet = classes.iter().copied().collect();
    if said != unlimited(direction) {
        let list = classes.iter();
        let list = list.map(|one| json!({"system": own.class, "code": one}));
        out.insert(String::from("class"), list.collect());
    }
    if let Some([from, to]) = paper
        .get("data_period")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        let told = |value| Some(value).filter(|one: &&Value| one.as_str() != Some(""));
        if let Some(period) = bounds(told(from), told(to)) {
            out.insert(String::from("dataPeriod"), period);
        }
    }
    Some(out)
}

fn bounds(from: Option<&Value>, to: Option<&Value>) -> Option<Value> {
    let mut period = Map::new();
    for (name, bound) in [("start", from), ("end", to)] {
        if let Some(bound) = bound {
            period.insert(name.to_owned(), bound.clone());
        }
    }
    (!period.is_empty()).then_some(Value::Object(period))
}

/// The code others know a purpose by, where it says exactly the same; ours otherwise.
fn purpose(codes: &Codes, purpose: Purpose, direction: Direction) -> Value {
    let mut rows = codes.purpose.iter();
    let row = rows.find(|row| match direction {
        Direction::Permit => row.permit == [purpose],
        Direction::Deny => row.deny == [purpose],
    });
    match row {
        Some(row) => json!({"system": row.system, "code": row.code}),
        None => json!({"system": codes.own.purpose, "code": purpose}),
    }
}

fn actors(codes: &Codes, paper: &Value) -> Option<Vec<Value>> {
    let (own, role) = (&codes.own, &codes.out.actor_role);
    let roles: Vec<RecipientRole> = words(paper.get("recipients"))?;
    let actor = |identifier: Value| {
        json!({
            "role": {"coding": [{"system": role.system, "code": role.code}]},
            "reference": {"identifier": identifier},
        })
    };
    let Some(ids) = paper.get("recipient_ids").and_then(Value::as_array) else {
        if roles.len() == RecipientRole::ALL.len() {
            return Some(Vec::new());
        }
        let named = |one| actor(json!({"system": own.recipient_role, "value": one}));
        return Some(roles.iter().map(named).collect());
    };
    let kinds = roles.iter();
    let kinds = kinds.map(|one| json!({"system": own.recipient_role, "code": one}));
    let kinds: Vec<Value> = kinds.collect();
    let named = |id| {
        let coding = json!({"coding": kinds});
        actor(json!({"type": coding, "system": own.partner, "value": id}))
    };
    Some(ids.iter().map(named).collect())
}

/// What FHIR has no place for.
fn extensions(codes: &Codes, paper: &Value, root: &str) -> Vec<Value> {
    let own = &codes.own;
    let mut all = Vec::new();
    let list = |name: &str| {
        let list = paper.get(name).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let elements = match list("elements") {
        none if none.is_empty() => vec![json!(NO_ELEMENT)],
        some => some,
    };
    all.extend(
        elements
            .iter()
            .map(|one| json!({"url": own.element, "valueCode": one})),
    );
    for (url, name) in [
        (&own.element_missing, "elements_missing"),
        (&own.supersedes, "supersedes"),
        (&own.exception_to, "exception_to"),
    ] {
        let told = list(name).into_iter();
        let told = told.filter(|one| name != "exception_to" || one.as_str() != Some(root));
        all.extend(told.map(|one| json!({"url": url, "valueString": one})));
    }
    for (url, name) in [
        (&own.ends_on_event, "ends_on_event"),
        (&own.expiry_statement, "expiry_statement"),
    ] {
        if let Some(code) = paper.get(name).filter(|value| !value.is_null()) {
            all.push(json!({"url": url, "valueCode": code}));
        }
    }
    if let Some(flag) = paper.get("coercion_flag").filter(|value| !value.is_null()) {
        all.push(json!({"url": own.coercion, "valueBoolean": flag}));
    }
    all
}
