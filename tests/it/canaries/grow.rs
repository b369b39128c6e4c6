//! Records with something unmistakable in every leaf of their schema, and what each of it is: its
//! classes and whom it is about, read from the schema alone and not from the labels under test.

use super::dates;
use kinbridge::base::id::RecordType;
use kinbridge::base::vocabulary::ClassSet;
use kinbridge::catalog::Sources;
use kinbridge::catalog::schema::{About, Kind, Shape, TextFormat, TextRule};
use kinbridge::format::json;
use kinbridge::record::Record;
use serde_json::{Map, Value, json};

/// What every planted word begins with.
pub const MARK: &str = "Qzxj";

/// What every key of a person begins with.
pub const KEY_MARK: &str = "Kqzj-";

/// One planted leaf.
#[derive(Clone, Debug)]
pub struct Canary {
    /// What stands there, if it can be told from anything else.
    pub token: Option<String>,
    /// The word of a closed list that stands there.
    pub word: Option<String>,
    /// Where, without the numbers of lists.
    pub place: String,
    /// Its classes by the schema.
    pub classes: ClassSet,
    /// Keys of whom it is about.
    pub persons: Vec<String>,
    /// Free text: it goes only where everything goes.
    pub narrative: bool,
}

/// A record and what was planted in it.
#[derive(Clone, Debug)]
pub struct Grown {
    pub record: Record,
    pub canaries: Vec<Canary>,
}

impl Grown {
    /// As it is handed in.
    pub fn text(&self) -> String {
        let mut out = Vec::new();
        json::write(&self.record.root, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }
}

/// The names of all record types of a catalog, whatever they are.
pub fn types(sources: &Sources) -> Vec<String> {
    let files = sources.schemas.keys();
    let names = files.filter_map(|file| {
        let name = file.strip_prefix("canonical/")?;
        name.strip_suffix(".schema.json")
    });
    let own = names.filter(|name| !name.contains('/'));
    own.map(str::to_owned).collect()
}

/// The names of all record types a format has a mapping for.
pub fn types_of(sources: &Sources, format: &str) -> Vec<String> {
    let all = sources.mappings.iter().filter(|one| !one.is_shared());
    let own = all.filter(|one| one.format.as_str() == format);
    let mut names: Vec<String> = own.map(|one| one.record.to_string()).collect();
    names.sort();
    names.dedup();
    names
}

/// Stands where whom something is about stands, of totals.
pub const NOBODY: &str = "nobody";

/// The persons of every record but that of a person: key and role.
const PERSONS: [(&str, &str); 5] = [
    ("Kqzj-child", "child"),
    ("Kqzj-mother", "parent"),
    ("Kqzj-aunt", "relative"),
    ("Kqzj-broker", "partner_worker"),
    ("Kqzj-nurse", "worker"),
];

/// Places nothing is planted in, because the record would be another one: sealed, void, a
/// correction, numbered by the gateway, or contradicting itself.
pub const LEFT_OUT: &[&str] = &[
    "/envelope/record_id",
    "/envelope/access_level",
    "/envelope/sealed_placement",
    "/envelope/action",
    "/envelope/supersedes",
    "/envelope/labels",
    "/envelope/missing",
];

/// Places of a family, which a record of a worker never has.
pub const OF_A_FAMILY: [&str; 2] = ["/envelope/case_ref", "/envelope/focus_refs"];

/// Places whose value the cross-field rules want: one for each item of the list they stand in.
const FIXED: &[(&str, &[&str])] = &[
    ("/envelope/service_source", &["referral"]),
    ("/envelope/county_fips", &["06067"]),
    ("/body/mode", &["group"]),
    ("/body/status", &["completed"]),
    ("/body/status_history/code", &["requested", "completed"]),
    ("/body/status", &["determined_indian_child"]),
    ("/body/status_by_role", &["court"]),
    ("/body/age_form", &["age_6_21"]),
    ("/body/instrument", &["other"]),
    ("/body/date", &["2026-08-03"]),
    ("/body/tool", &["risk_assessment"]),
    ("/body/scored", &["high"]),
    ("/body/result", &["low"]),
    ("/body/override/from", &["high"]),
    ("/body/override/to", &["low"]),
    ("/body/plan/review_date", &["2026-08-10"]),
    ("/body/event_date", &["2026-08-03"]),
    ("/body/county_of_jurisdiction/fips", &["06067"]),
    ("/body/outcome", &["service_received"]),
    ("/body/enrollment", &["enrolled"]),
    ("/body/interpreter/kind", &["qualified"]),
    ("/body/need_category", &["housing"]),
    (
        "/body/relationships/relationship",
        &["FTH", "presumed_father"],
    ),
    ("/body/rights/kind", &["visitation", "education"]),
    ("/body/requester/identifiers/system", &["urn:org"]),
    ("/body/recipient/identifiers/system", &["urn:org"]),
    ("/body/recipient/identifiers/value", &["pantry"]),
    ("/body/status_history/by/identifiers/system", &["urn:org"]),
    ("/body/status_history/by/identifiers/value", &["pantry"]),
    (
        "/persons/worker/organization/identifiers/system",
        &["urn:org"],
    ),
    (
        "/persons/worker/organization/identifiers/value",
        &["pantry"],
    ),
];

/// Whom the references of an object name, item by item.
const NAMED: &[(&str, &[&str])] = &[
    ("/envelope/subject_refs", &["child", "mother"]),
    ("/envelope/focus_refs", &["child"]),
    ("/body/partner_id", &["broker"]),
    ("/body/closing_feedback/by", &["mother"]),
    ("/body/facilitator", &["nurse"]),
    ("/body/attendees/person", &["child", "mother"]),
    ("/body/notices/person", &["mother", "aunt"]),
    ("/body/action_steps/owner", &["broker", "mother"]),
    ("/body/confidentiality_signed/person", &["mother", "broker"]),
    ("/body/participants/person", &["child", "mother", "broker"]),
    ("/body/billable/rendered_by/person", &["broker"]),
    ("/body/on_behalf_of", &["mother"]),
    ("/body/disclosures/person", &["child", "mother"]),
    ("/body/next_step/who", &["broker"]),
    ("/body/relationships/person", &["aunt", "mother"]),
    ("/body/relationships/related_to", &["child"]),
    ("/body/rights/person", &["mother", "aunt"]),
    ("/body/rights/child", &["child"]),
    ("/body/placement/person", &["child"]),
    ("/body/requester/worker", &["nurse"]),
    ("/body/recipient/worker", &["broker"]),
    ("/body/status_history/by/worker", &["broker"]),
    ("/persons/worker/organization/worker", &["nurse"]),
    ("/body/child", &["child"]),
    ("/body/asked/person", &["mother", "aunt"]),
    ("/body/active_efforts/by", &["nurse"]),
    ("/body/conducted_by", &["nurse"]),
    ("/body/items/caregiver", &["mother"]),
    ("/body/respondent", &["mother"]),
    ("/body/override/approver", &["nurse"]),
    ("/body/statement/children", &["child"]),
    ("/body/plan/monitor", &["aunt"]),
    ("/body/plan/actions/owner", &["mother", "aunt"]),
    ("/body/network_member/person", &["aunt"]),
    ("/body/topics/person", &["child", "mother"]),
    ("/body/partner", &["child"]),
    ("/body/entries/supervisor", &["nurse"]),
];

/// Words of lists whose items are of many kinds that contradict the rest of what is grown.
const UNFIT: &[(&str, &[&str])] = &[(
    "/body/items",
    &[
        "ATTACHMENT_DIFFICULTIES",
        "REGULATORY",
        "ATYPICAL_BEHAVIORS",
        "SLEEP_CHILD",
        "EARLY_EDUCATION",
        "SOCIAL_EMOTIONAL_FUNCTIONING",
        "SELF_HARM",
        "EXPLOITED",
        "PRENATAL_CARE",
        "EXPOSURE",
        "LABOR_DELIVERY",
        "BIRTH_WEIGHT",
        "FAILURE_TO_THRIVE",
        "RELATIONSHIP_PERMANENCE",
        "PLAYFULLNESS",
        "FAMILY_SPRITUAL_RELIGIOUS",
        "CAREGIVER_EMOTIONAL_RESPONSIVENESS",
        "CAREGIVER_ADJ_TRAUMA_EXP",
        "FAMILY_RELATIONSHIP_TO_SYSTEM",
        "LEGAL_INVOLVEMENT",
        "ORGANIZATION",
    ],
)];

/// Grows a record of a type. Numbers begin where the one before ended.
pub fn grow(sources: &Sources, kind: &str, asker: &str, numbers: &mut u32) -> Grown {
    grow_sized(sources, (kind, false), asker, numbers)
}

/// As [`grow`]; a slim one has one item in most lists, which every format has room for.
pub fn grow_sized(
    sources: &Sources,
    (kind, slim): (&str, bool),
    asker: &str,
    numbers: &mut u32,
) -> Grown {
    let shape = &sources.schemas[&format!("canonical/{kind}.schema.json")];
    let mut grower = Grower {
        asker,
        slim,
        alone: kind == "person",
        of_work: kind == "partner-workforce",
        number: numbers,
        canaries: Vec::new(),
        frames: Vec::new(),
        steps: Vec::new(),
    };
    let mut root = grower.object(shape);
    root["envelope"]["record_type"] = json!(kind);
    let canaries = grower.canaries;
    let tree = json::parse(root.to_string().as_bytes()).tree;
    Grown {
        record: Record {
            record_type: RecordType::new(kind),
            root: tree.expect("JSON"),
        },
        canaries,
    }
}

#[derive(Clone)]
enum Step {
    Name(String),
    Item(usize),
}

struct Grower<'a> {
    asker: &'a str,
    slim: bool,
    alone: bool,
    /// Of a worker, and of no family.
    of_work: bool,
    number: &'a mut u32,
    canaries: Vec<Canary>,
    /// The objects around a place, each with the keys its references name.
    frames: Vec<Vec<(String, String)>>,
    steps: Vec<Step>,
}

impl Grower<'_> {
    fn place(&self) -> String {
        let names = self.steps.iter().filter_map(|step| match step {
            Step::Name(name) => Some(format!("/{name}")),
            Step::Item(_) => None,
        });
        names.collect()
    }

    /// The number of the innermost item around.
    fn item(&self) -> usize {
        let mut items = self.steps.iter().rev().filter_map(|step| match step {
            Step::Item(at) => Some(*at),
            Step::Name(_) => None,
        });
        items.next().unwrap_or_default()
    }

    /// Slim records show another variant for each person.
    fn variant(&self, count: usize) -> usize {
        let shift = match self.person() {
            usize::MAX => *self.number as usize,
            person => person,
        };
        (self.item() + if self.slim { shift } else { 0 }) % count
    }

    /// The variants of a shape that fit the rest; none if it has only one form.
    fn variants<'s>(&self, shape: &'s Shape) -> Vec<&'s Shape> {
        let Kind::OneOf { variants, .. } = &shape.kind else {
            return Vec::new();
        };
        let place = self.place();
        let unfit = UNFIT.iter().find(|(at, _)| *at == place);
        let fits = |word: &str| unfit.is_none_or(|(_, words)| !words.contains(&word));
        let fit = variants.iter().filter(|(word, _)| fits(word));
        fit.map(|(_, variant)| variant).collect()
    }

    fn person(&self) -> usize {
        match self.steps.get(1) {
            Some(Step::Item(at)) if self.place().starts_with("/persons") => *at,
            _ => usize::MAX,
        }
    }

    fn value(&mut self, shape: &Shape) -> Option<Value> {
        let place = self.place();
        if LEFT_OUT.contains(&place.as_str())
            || self.of_work && OF_A_FAMILY.contains(&place.as_str())
        {
            return None;
        }
        // Only who works there has an employer.
        if place == "/persons/worker" && self.person() < 3 && !self.alone {
            return None;
        }
        match &shape.kind {
            Kind::Object { .. } | Kind::OneOf { .. } => Some(self.object(shape)),
            Kind::Array { item, max, .. } => self.list(item, max.unwrap_or(usize::MAX)),
            Kind::Text(rule) => Some(self.text(shape, rule)),
            Kind::Integer { min, .. } => {
                self.keep(shape, None);
                let wanted = match place.as_str() {
                    "/body/duration_min" => 45,
                    // Large enough, and so is what they leave.
                    "/body/measures/count" => 40,
                    "/body/measures/out_of" => 80,
                    // No question twice.
                    "/body/items/number" => self.item() as i64 + 1,
                    _ => 1,
                };
                Some(json!(min.unwrap_or_default().max(wanted)))
            }
            Kind::Number { .. } => {
                self.keep(shape, None);
                Some(json!(1))
            }
            Kind::Boolean => {
                self.keep(shape, None);
                Some(json!(true))
            }
        }
    }

    fn list(&mut self, item: &Shape, max: usize) -> Option<Value> {
        let place = self.place();
        let named = NAMED.iter().find(|(at, _)| *at == place);
        let count = match (&item.kind, place.as_str()) {
            (_, "/persons") if self.alone => 1,
            (_, "/persons") => PERSONS.len(),
            (_, "/envelope/subject_refs" | "/envelope/focus_refs") if self.alone => 1,
            (_, "/envelope/subject_refs") => 2,
            (_, "/body/status_history") => 2,
            _ if self.slim => 1,
            (Kind::OneOf { .. }, _) => self.variants(item).len(),
            (Kind::Text(rule), _) if !rule.codes.is_empty() => rule.codes.len().min(2),
            (Kind::Text(_), _) => named.map_or(2, |(_, keys)| keys.len()),
            _ if place == "/body/participants" => 3,
            // Whoever is named elsewhere by one identifier is recognised by it.
            _ if place.ends_with("organization/identifiers") => 1,
            _ if place.ends_with("by/identifiers") || place.ends_with("r/identifiers") => 1,
            _ if place == "/body/recipient/identifiers" => 1,
            _ => 2,
        };
        let mut out = Vec::new();
        for at in 0..count.min(max) {
            self.steps.push(Step::Item(at));
            out.extend(self.value(item));
            self.steps.pop();
        }
        Some(Value::Array(out))
    }

    fn object(&mut self, shape: &Shape) -> Value {
        let fit = self.variants(shape);
        let shape = match fit.is_empty() {
            false => fit[self.variant(fit.len())],
            true => shape,
        };
        let mut frame = Vec::new();
        for (name, member) in shape.members() {
            if is_key(member) {
                self.steps.push(Step::Name(name.to_string()));
                frame.push((name.to_string(), self.key()));
                self.steps.pop();
            }
        }
        self.frames.push(frame);
        let mut out = Map::new();
        for (name, member) in shape.members() {
            self.steps.push(Step::Name(name.to_string()));
            let value = self.value(member);
            self.steps.pop();
            out.extend(value.map(|value| (name.to_string(), value)));
        }
        self.frames.pop();
        Value::Object(out)
    }

    /// Whom the reference here names.
    fn key(&self) -> String {
        if self.place() == "/persons/key" {
            return PERSONS[self.person()].0.to_owned();
        }
        if self.alone {
            return PERSONS[0].0.to_owned();
        }
        let named = NAMED.iter().find(|(at, _)| *at == self.place());
        let (_, keys) = named.unwrap_or_else(|| panic!("whom does {} name?", self.place()));
        format!("{KEY_MARK}{}", keys[self.item() % keys.len()])
    }

    fn about(&self, shape: &Shape) -> Vec<String> {
        let child = vec![PERSONS[0].0.to_owned()];
        match shape
            .about
            .as_ref()
            .expect("every canonical leaf is about somebody")
        {
            About::Subject if self.alone => child,
            About::Subject => vec![PERSONS[0].0.to_owned(), PERSONS[1].0.to_owned()],
            About::Case => child,
            About::Nobody => vec![NOBODY.to_owned()],
            About::Person(pointer) => {
                let name = pointer.strip_prefix("./").expect("a member");
                let mut frames = self.frames.iter().rev().flatten();
                let found = frames.find(|(member, _)| member == name);
                vec![found.expect("a reference around").1.clone()]
            }
        }
    }

    fn keep(&mut self, shape: &Shape, token: Option<String>) {
        let canary = Canary {
            token,
            word: None,
            place: self.place(),
            classes: shape.classes,
            persons: self.about(shape),
            narrative: shape.narrative,
        };
        self.canaries.push(canary);
    }

    fn keep_word(&mut self, shape: &Shape, word: &str) -> Value {
        self.keep(shape, None);
        if let Some(canary) = self.canaries.last_mut() {
            canary.word = Some(word.to_owned());
        }
        json!(word)
    }

    fn text(&mut self, shape: &Shape, rule: &TextRule) -> Value {
        let place = self.place();
        if is_key(shape) {
            return Value::String(self.key());
        }
        // Types whose codes differ stand below each other: what is no code here is not meant.
        let mut fixed = FIXED
            .iter()
            .filter(|(at, _)| *at == place)
            .map(|(_, words)| words[self.item() % words.len()]);
        let fixed = fixed.find(|word| rule.codes.is_empty() || known(rule, word).is_some());
        let fixed = match place.as_str() {
            "/body/requester/identifiers/value" => Some(self.asker),
            "/persons/role" => {
                let role = PERSONS[self.person()].1;
                known(rule, role).or_else(|| known(rule, "other"))
            }
            _ => fixed,
        };
        if let Some(word) = fixed {
            return self.keep_word(shape, word);
        }
        if !rule.codes.is_empty() {
            let word = rule.codes[self.item() % rule.codes.len()].to_string();
            return self.keep_word(shape, &word);
        }
        let (text, token) = self.planted(&place, rule);
        self.keep(shape, token);
        json!(text)
    }

    /// What is planted in a text without a closed list, and what it is recognised by.
    fn planted(&mut self, place: &str, rule: &TextRule) -> (String, Option<String>) {
        *self.number += 1;
        let number = *self.number;
        let same = |text: String| (text.clone(), Some(text));
        match rule.format {
            Some(TextFormat::DateTime) => {
                let clock = if place == "/body/end" {
                    "10:15"
                } else {
                    "09:30"
                };
                return same(format!("2026-08-03T{clock}:00.{number:06}-07:00"));
            }
            Some(TextFormat::PartialDate | TextFormat::Date) => {
                let (year, day) = (number / 336, number % 336);
                // A child's must be a child's; there are not enough days for one each.
                if place == "/persons/birth_date" && self.person() == 0 {
                    return (String::from("2015-06-17"), None);
                }
                let year = 1931 + year;
                assert!(year < 2016, "too many records for one date each");
                // What begins and ends does so after whoever it is about was born and asked, and
                // not ahead of today; an episode lies between its two ends.
                if let Some(date) = dates::late(place) {
                    return same(date);
                }
                let year = if place == "/body/next_date" {
                    year + 100
                } else {
                    year
                };
                return same(format!("{year}-{:02}-{:02}", 1 + day / 28, 1 + day % 28));
            }
            Some(TextFormat::Language) => return (format!("es-x-{MARK}{number:04}"), None),
            _ => {}
        }
        let serial = self.serial(number);
        match rule.pattern.as_deref() {
            None => {
                let token = format!("{MARK}{number:05}w");
                (token.clone(), Some(token))
            }
            Some("^[0-9A-Za-z]{10}$") => same(format!("{MARK}{number:05}w")),
            Some("^[0-9]{8}[A-Z]$") => {
                // Ten thousand with each last letter.
                let last = char::from(b'Q' + u8::try_from(number / 10_000).unwrap_or(9));
                same(format!("7319{:04}{last}", number % 10_000))
            }
            Some("^[A-Z][0-9]{4}$") => (format!("T{:04}", number % 10_000), None),
            Some("^[0-9A-Z]{2}$") => (String::from("QZ"), None),
            Some("^[A-Z]{2}$") => (String::from("NV"), None),
            Some(pattern) if pattern.starts_with("^[A-TV-Z]") => same(format!("F17.{serial}")),
            Some(pattern) if pattern.starts_with("^[0-9]{5}(-") => same(format!(
                "9{:04}-{}",
                number % 10_000,
                7319 + number / 10_000
            )),
            Some(pattern) if pattern.starts_with("^[0-9]{1,9}") => {
                same(format!("7319{number:05}.37"))
            }
            Some("^[0-9a-f]{64}$") => {
                same(format!("{number:064x}").replace("00000000", "b7319a5e"))
            }
            Some("^rec_[0-9a-f]{32}$") => same(format!("rec_7319{number:028x}")),
            Some(pattern) if pattern.starts_with("^[A-Za-z]{2,8}") => {
                (format!("es-x-q{number:05}"), None)
            }
            Some(pattern) => panic!("nothing to plant for {pattern} at {place}"),
        }
    }

    /// Four letters and digits that only this number has.
    fn serial(&self, number: u32) -> String {
        let digits: Vec<char> = "ABCDEFGHJKLMNPQRSTVWXYZ".chars().collect();
        let of = |at: u32| digits[(at as usize) % digits.len()];
        [number, number / 23, number / 529, number / 12_167]
            .map(of)
            .iter()
            .collect()
    }
}

/// A word, if it is one of the list.
fn known<'w>(rule: &TextRule, word: &'w str) -> Option<&'w str> {
    rule.codes
        .iter()
        .any(|code| &**code == word)
        .then_some(word)
}

pub fn is_key(shape: &Shape) -> bool {
    match &shape.kind {
        Kind::Text(rule) => rule.pattern.as_deref() == Some("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
        _ => false,
    }
}
