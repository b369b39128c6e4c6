//! One provision of a FHIR Consent: what it limits, and what of that can be kept.
//!
//! A limit that cannot be kept exactly refuses a permit and is lifted from a refusal, which then
//! refuses more; both are told at its place.

use super::inward::Desk;
use super::{Group, listed};
use crate::base::finding_codes::{
    CONSENT_NOT_REPRESENTABLE, CONSENT_WIDENED, CROSSWALK_CODE_UNKNOWN, MODIFIER_NOT_READ,
    SCHEMA_CODE_UNKNOWN, SCHEMA_PATTERN_MISMATCH, SCHEMA_REQUIRED_MISSING, SCHEMA_UNKNOWN_FIELD,
};
use crate::base::vocabulary::{ClassSet, DataClass, Purpose, RecipientRole};
use crate::disclosure::moment::Moment;
use crate::disclosure::person::EVERY;
use crate::disclosure::request::Direction;
use crate::format::Node;
use std::collections::BTreeSet;

/// Two bounds, each open when empty.
pub(super) type Bounds = (Option<String>, Option<String>);

/// What one provision says; `None` limits nothing.
#[derive(Clone, Debug)]
pub(super) struct Provision {
    pub direction: Direction,
    pub classes: Option<ClassSet>,
    pub roles: Option<BTreeSet<RecipientRole>>,
    pub ids: Option<Vec<String>>,
    pub purposes: Option<BTreeSet<Purpose>>,
    pub period: Option<Bounds>,
    pub data_period: Option<Bounds>,
}

impl Provision {
    /// The classes it speaks of.
    pub(super) fn data_classes(&self) -> ClassSet {
        self.classes.unwrap_or(unlimited(self.direction))
    }
}

/// The classes of a provision that limits none. A permit does not name an actual protected address
/// so: nobody consents to that without naming it, and a person would look at each release.
pub(super) fn unlimited(direction: Direction) -> ClassSet {
    match direction {
        Direction::Permit => EVERY.without(ClassSet::of(DataClass::SafeAtHomeAddress)),
        Direction::Deny => EVERY,
    }
}

/// What may stand in a provision; `data` is known and refused.
const MEMBERS: [&str; 13] = [
    "id",
    "extension",
    "type",
    "period",
    "actor",
    "action",
    "securityLabel",
    "purpose",
    "class",
    "code",
    "dataPeriod",
    "data",
    "provision",
];

/// Members that limit the data.
const CLASSES: [&str; 3] = ["securityLabel", "class", "code"];

/// Members whose values mean something we do not read.
const MODIFIERS: [&str; 2] = ["modifierExtension", "implicitRules"];

impl Desk<'_> {
    /// Reads a provision; one inside another takes over what it does not say itself.
    pub(super) fn provision(
        &mut self,
        node: &Node,
        path: &str,
        outer: Option<(&Provision, &Node, &str)>,
    ) -> Option<Provision> {
        self.known_members(node, path, &MEMBERS);
        let direction = self.direction(node, path)?;
        if let Some(data) = node.get("data").filter(|data| !data.items().is_empty()) {
            let advice = "single records cannot be named here; limit by class, label or period";
            self.tell_so(
                &CONSENT_NOT_REPRESENTABLE,
                &format!("{path}.data"),
                data,
                advice,
            );
        }
        let classes = self.classes(node, path, direction);
        let (roles, ids) = self.recipients(node, path, direction);
        let purposes = self.purposes(node, path, direction);
        self.actions(node, path, direction);
        let period = self.bounds(node, path, "period");
        let data_period = self.bounds(node, path, "dataPeriod");
        let mut said = Provision {
            direction,
            classes,
            roles,
            ids,
            purposes,
            period,
            data_period,
        };
        if let Some((outer, around, at)) = outer {
            let mut outer = outer.clone();
            if (outer.direction, direction) == (Direction::Deny, Direction::Permit) {
                self.narrowed(node, &mut outer, (around, at));
            }
            said.take_over(node, outer);
        }
        Some(said)
    }

    /// What a permit takes over from the refusal around it, read again as a permit is: limits the
    /// refusal reads wide, or was rid of because they cannot be kept, open nothing.
    fn narrowed(&mut self, node: &Node, outer: &mut Provision, (around, at): (&Node, &str)) {
        let permit = Direction::Permit;
        if silent(node, &CLASSES) {
            outer.classes = self.classes(around, at, permit);
        }
        if silent(node, &["actor"]) {
            (outer.roles, outer.ids) = self.recipients(around, at, permit);
        }
        if silent(node, &["purpose"]) {
            outer.purposes = self.purposes(around, at, permit);
        }
        if silent(node, &["action"]) {
            self.actions(around, at, permit);
        }
    }

    fn direction(&mut self, node: &Node, path: &str) -> Option<Direction> {
        let path = format!("{path}.type");
        let Some(word) = node.get("type") else {
            self.tell(&SCHEMA_REQUIRED_MISSING, &path, node);
            return None;
        };
        let read = word.as_str().and_then(|text| text.parse().ok());
        if read.is_none() {
            let words = Direction::ALL.iter().map(|one| one.as_str());
            let advice = format!("write one of: {}", words.collect::<Vec<_>>().join(", "));
            self.tell_so(&SCHEMA_CODE_UNKNOWN, &path, word, &advice);
        }
        read
    }

    /// A limit that cannot be kept: refuses a permit, is lifted from a refusal.
    fn inexact(&mut self, direction: Direction, path: &str, node: &Node, advice: &str) {
        let code = match direction {
            Direction::Permit => &CONSENT_NOT_REPRESENTABLE,
            Direction::Deny => &CONSENT_WIDENED,
        };
        self.tell_so(code, path, node, advice);
    }

    fn classes(&mut self, node: &Node, path: &str, direction: Direction) -> Option<ClassSet> {
        let by_label = self.labelled(node, path, direction);
        let by_class = self.classed(node, path, direction);
        if let Some(code) = node.get("code").filter(|code| !code.items().is_empty()) {
            let advice = "clinical codes cannot be kept; limit by class or security label";
            self.inexact(direction, &format!("{path}.code"), code, advice);
        }
        match (by_label, by_class) {
            (Some(label), Some(class)) => self.both(node, path, direction, (label, class)),
            (label, class) => label.or(class),
        }
    }

    /// Data that must be of the labels and of the classes.
    fn both(
        &mut self,
        node: &Node,
        path: &str,
        direction: Direction,
        (label, class): (ClassSet, ClassSet),
    ) -> Option<ClassSet> {
        let shared = ClassSet(label.0 & class.0);
        let advice = "name the classes or the security labels, not both";
        let path = format!("{path}.class");
        match direction {
            Direction::Permit if shared.is_empty() => {
                self.inexact(direction, &path, node, advice);
                Some(shared)
            }
            Direction::Permit => Some(shared),
            Direction::Deny => {
                if class != label {
                    self.inexact(direction, &path, node, advice);
                }
                Some(label.union(class))
            }
        }
    }

    fn labelled(&mut self, node: &Node, path: &str, direction: Direction) -> Option<ClassSet> {
        let labels = node.get("securityLabel")?;
        let mut groups: Vec<Group> = Vec::new();
        let (mut named, mut every) = (ClassSet::EMPTY, labels.items().is_empty());
        for (at, label) in labels.items().iter().enumerate() {
            let path = format!("{path}.securityLabel[{at}]");
            let (system, code) = coding(label);
            let codes = self.codes;
            let row = codes.label.iter();
            let mut row = row.filter(|row| &*row.system == system && &*row.code == code);
            let Some(row) = row.next() else {
                self.unread(direction, &path, label);
                every = true;
                continue;
            };
            if !groups.contains(&row.group) {
                groups.push(row.group);
            }
            let (permit, deny): (ClassSet, ClassSet) = (
                row.permit.iter().copied().collect(),
                row.deny.iter().copied().collect(),
            );
            let exact = match direction {
                Direction::Permit => !permit.is_empty(),
                Direction::Deny => permit == deny,
            };
            if !exact {
                let advice = "the label and the data classes do not meet; name classes instead";
                self.inexact(direction, &path, label, advice);
            }
            named = named.union(match direction {
                Direction::Permit => permit,
                Direction::Deny => deny,
            });
        }
        if groups.len() > 1 {
            let advice = "write one provision for confidentiality and one for sensitivity";
            self.inexact(direction, &format!("{path}.securityLabel"), labels, advice);
        }
        (!every || direction == Direction::Permit).then_some(named)
    }

    fn classed(&mut self, node: &Node, path: &str, direction: Direction) -> Option<ClassSet> {
        let classes = node.get("class")?;
        let (mut named, mut every) = (ClassSet::EMPTY, classes.items().is_empty());
        for (at, class) in classes.items().iter().enumerate() {
            let (system, code) = coding(class);
            let own = *system == *self.codes.own.class;
            match code.parse::<DataClass>() {
                Ok(class) if own => named.insert(class),
                _ => {
                    let path = format!("{path}.class[{at}]");
                    self.unread(direction, &path, class);
                    every = true;
                }
            }
        }
        (!every || direction == Direction::Permit).then_some(named)
    }

    /// A code without a row: refuses a permit, lifts the limit from a refusal.
    fn unread(&mut self, direction: Direction, path: &str, node: &Node) {
        match direction {
            Direction::Permit => self.tell(&CROSSWALK_CODE_UNKNOWN, path, node),
            Direction::Deny => {
                let advice = "use a code this registry knows; the limit was lifted";
                self.tell_so(&CONSENT_WIDENED, path, node, advice);
            }
        }
    }

    fn purposes(
        &mut self,
        node: &Node,
        path: &str,
        direction: Direction,
    ) -> Option<BTreeSet<Purpose>> {
        let purposes = node.get("purpose")?;
        let (mut named, mut every) = (BTreeSet::new(), purposes.items().is_empty());
        for (at, purpose) in purposes.items().iter().enumerate() {
            let path = format!("{path}.purpose[{at}]");
            let (system, code) = coding(purpose);
            if *system == *self.codes.own.purpose
                && let Ok(word) = code.parse::<Purpose>()
            {
                named.insert(word);
                continue;
            }
            let codes = self.codes;
            let mut rows = codes.purpose.iter();
            let row = rows.find(|row| &*row.system == system && &*row.code == code);
            let Some(row) = row else {
                self.unread(direction, &path, purpose);
                every = true;
                continue;
            };
            match direction {
                Direction::Permit if row.permit.is_empty() => {
                    let advice = "name the purpose by a code of the registry's own";
                    self.inexact(direction, &path, purpose, advice);
                }
                Direction::Permit => named.extend(row.permit.iter().copied()),
                Direction::Deny => {
                    if row.permit.len() != row.deny.len() {
                        let advice = "the code covers more than one purpose of the registry";
                        self.inexact(direction, &path, purpose, advice);
                    }
                    named.extend(row.deny.iter().copied());
                }
            }
        }
        (!every || direction == Direction::Permit).then_some(named)
    }

    /// Only giving out can be kept; a permit for something else permits nothing here.
    fn actions(&mut self, node: &Node, path: &str, direction: Direction) {
        let actions = node.get("action").map(Node::items).unwrap_or_default();
        let known = |action: &&Node| {
            codings(action).any(|(system, code)| listed(&self.codes.action, system, code))
        };
        let gives_out = actions.iter().any(|action| known(&action));
        if let Some(first) = actions.first().filter(|_| !gives_out) {
            let advice = "only giving data out can be permitted or refused here";
            self.inexact(direction, &format!("{path}.action"), first, advice);
        }
    }

    fn recipients(&mut self, node: &Node, path: &str, direction: Direction) -> Receivers {
        let Some(actors) = node.get("actor").filter(|list| !list.items().is_empty()) else {
            return (None, None);
        };
        let (mut by_role, mut by_id) = (BTreeSet::new(), BTreeSet::new());
        let (mut ids, mut every, mut told) = (Vec::new(), false, Vec::new());
        for (at, actor) in actors.items().iter().enumerate() {
            let path = format!("{path}.actor[{at}]");
            match self.actor(actor, &path, direction) {
                Some(Actor::Role(role)) => {
                    by_role.insert(role);
                }
                Some(Actor::Partner(id, roles, explicit)) => {
                    by_id.extend(roles.iter().copied());
                    told.extend(explicit.then_some(roles));
                    ids.push(id);
                }
                None => every = true,
            }
        }
        if every && direction == Direction::Deny {
            return (None, None);
        }
        let of_all = |roles: &Vec<RecipientRole>| by_id.iter().all(|role| roles.contains(role));
        if !told.iter().all(of_all) {
            let advice = "organizations named with different roles need a provision each";
            self.inexact(direction, &format!("{path}.actor"), actors, advice);
        }
        if by_role.is_empty() || ids.is_empty() {
            by_role.extend(by_id);
            return (Some(by_role), (!ids.is_empty()).then_some(ids));
        }
        let advice = "name roles or organizations in one provision, not both";
        self.inexact(direction, &format!("{path}.actor"), actors, advice);
        by_role.extend(by_id);
        (Some(by_role), None)
    }

    fn actor(&mut self, actor: &Node, path: &str, direction: Direction) -> Option<Actor> {
        self.known_members(actor, path, &["id", "extension", "role", "reference"]);
        let role = actor.get("role");
        let receives = role.is_some_and(|role| {
            codings(role).any(|(system, code)| listed(&self.codes.actor_role, system, code))
        });
        if !receives {
            let advice = "only who receives can be named; give the actor that role";
            self.inexact(
                direction,
                &format!("{path}.role"),
                role.unwrap_or(actor),
                advice,
            );
            return None;
        }
        let reference = actor.get("reference").unwrap_or(actor);
        let path = format!("{path}.reference");
        let (system, value, kinds) = self.identified(reference);
        if *system == *self.codes.own.recipient_role
            && let Ok(role) = value.parse::<RecipientRole>()
        {
            return Some(Actor::Role(role));
        }
        let known = (*system == *self.codes.own.partner).then(|| (self.partners)(&value));
        let explicit = !kinds.is_empty();
        let roles = match explicit {
            true => kinds,
            false => known.flatten().unwrap_or_default(),
        };
        let ours = *system == *self.codes.own.partner && !roles.is_empty();
        match ours {
            true => Some(Actor::Partner(value, roles, explicit)),
            false => {
                let advice = "name the recipient by an identifier: a partner of this gateway, or \
                              a role of the registry";
                self.inexact(direction, &path, reference, advice);
                None
            }
        }
    }

    /// The two ends of a period; what is not a whole date or an instant is told.
    fn bounds(&mut self, node: &Node, path: &str, name: &str) -> Option<Bounds> {
        let period = node.get(name)?;
        let path = format!("{path}.{name}");
        self.known_members(period, &path, &["id", "extension", "start", "end"]);
        let mut bound = |end: &str| {
            let text = period.get(end)?;
            self.date(text, &format!("{path}.{end}"))
        };
        Some((bound("start"), bound("end")))
    }

    /// A whole date, or an instant with its offset.
    pub(super) fn date(&mut self, node: &Node, path: &str) -> Option<String> {
        let text = node.as_str().unwrap_or_default();
        let whole = text.len() == 10 || text.contains('T');
        if whole && Moment::read(text) != Moment::Unreadable {
            return Some(text.to_owned());
        }
        let advice = "the form is: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss with Z or an offset";
        self.tell_so(&SCHEMA_PATTERN_MISMATCH, path, node, advice);
        None
    }

    /// Our extensions of a provision say nothing of the document: what they limit must not be lost.
    pub(super) fn misplaced_extensions(&mut self, tree: &Node) {
        let own = &self.codes.own;
        let of_provisions = [
            &own.element,
            &own.element_missing,
            &own.ends_on_event,
            &own.expiry_statement,
            &own.coercion,
            &own.supersedes,
            &own.exception_to,
        ];
        let all = tree.get("extension").map(Node::items).unwrap_or_default();
        for (at, extension) in all.iter().enumerate() {
            let url = extension.text("url").unwrap_or_default();
            if of_provisions.iter().any(|own| url == &***own) {
                let (path, advice) = (
                    format!("Consent.extension[{at}]"),
                    "put it on each provision it is meant for",
                );
                self.tell_so(&CONSENT_NOT_REPRESENTABLE, &path, extension, advice);
            }
        }
    }

    /// Tells members that are not read; those that change the meaning of others by their name.
    pub(super) fn known_members(&mut self, node: &Node, path: &str, known: &[&str]) {
        for (name, member) in node.members() {
            let name: &str = name;
            if MODIFIERS.contains(&name) {
                self.tell(&MODIFIER_NOT_READ, &format!("{path}.{name}"), member);
            } else if !known.contains(&name) && !name.starts_with('_') {
                // A name that is not ours may be anybody's: it is not repeated.
                self.tell(&SCHEMA_UNKNOWN_FIELD, path, member);
            } else if name.starts_with('_') {
                self.tell(&MODIFIER_NOT_READ, path, member);
            }
        }
    }
}

type Receivers = (Option<BTreeSet<RecipientRole>>, Option<Vec<String>>);

/// Who receives.
enum Actor {
    Role(RecipientRole),
    /// Its id, its roles, and whether the document itself says them.
    Partner(String, Vec<RecipientRole>, bool),
}

impl Provision {
    /// What an inner provision does not say it takes over from the one around it.
    fn take_over(&mut self, node: &Node, outer: Provision) {
        if silent(node, &CLASSES) {
            self.classes = outer.classes;
        }
        if silent(node, &["actor"]) {
            (self.roles, self.ids) = (outer.roles, outer.ids);
        }
        if silent(node, &["purpose"]) {
            self.purposes = outer.purposes;
        }
        if silent(node, &["period"]) {
            self.period = outer.period;
        }
        if silent(node, &["dataPeriod"]) {
            self.data_period = outer.data_period;
        }
    }
}

/// Whether a provision has none of these members.
fn silent(node: &Node, names: &[&str]) -> bool {
    names.iter().all(|name| node.get(name).is_none())
}

/// System and code of a Coding; empty where there is none.
pub(super) fn coding(node: &Node) -> (&str, &str) {
    let part = |name| node.text(name).unwrap_or_default();
    (part("system"), part("code"))
}

/// All codings of a CodeableConcept.
pub(super) fn codings(node: &Node) -> impl Iterator<Item = (&str, &str)> {
    let list = node.get("coding").map(Node::items).unwrap_or_default();
    list.iter().map(coding)
}
