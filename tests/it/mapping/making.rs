//! Records nobody wrote: made of a canonical schema by the numbers of a seed, or fixtures changed
//! by it. Every text, date, number and list is as odd as its schema allows; persons are referred
//! to as the record has them, so that what is made is a record and not noise.

use kinbridge::catalog::schema::{Kind, Shape, TextFormat, TextRule};
use kinbridge::format::{Node, Value};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;

/// Numbers from a seed: the same ones on every machine.
pub struct Dice(u64);

impl Dice {
    /// Those of one case of a run.
    pub fn new(seed: u64, case: u64) -> Dice {
        let mut dice = Dice(seed ^ case.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        dice.next();
        dice
    }

    /// The next number (SplitMix64).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Whether it comes up, so many times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// Pieces of texts: what some syntax takes for its own, what is written in several ways, what no
/// keyboard of the west has. Nothing that no record may hold.
const PIECES: &[&str] = &[
    "Exemplar",
    "a",
    "Z",
    "0",
    "007",
    "-1",
    "1e5",
    " ",
    "  ",
    ",",
    ";",
    ":",
    "|",
    "^",
    "~",
    "\\",
    "&",
    "#",
    "*",
    "\"",
    "\"\"",
    "'",
    "''",
    "<",
    ">",
    "]]>",
    "&amp;",
    "&#10;",
    "<!--",
    "\n",
    "\r\n",
    "\n\n",
    "\t",
    "=",
    "=1+1",
    "+",
    "-",
    "@",
    "%",
    "$",
    "{",
    "}",
    "[",
    "]",
    "\\F\\",
    "\\.br\\",
    "\\X0A\\",
    "MSH|^~\\&|",
    "null",
    "NULL",
    "true",
    "N/A",
    "#N/A",
    "é",
    "ñ",
    "Ñ",
    "ß",
    "İ",
    "ı",
    "ǅ",
    "e\u{301}",
    "n\u{303}",
    "\u{1E9E}",
    "שלום",
    "مرحبا",
    "\u{202E}abc\u{202C}",
    "漢字",
    "한국",
    "😀",
    "👩\u{200D}👧",
    "🇺🇸",
    "\u{A0}",
    "\u{200B}",
    "\u{FEFF}",
    "\u{2028}",
    "\u{85}",
    "\u{FFFD}",
    "\u{E000}",
    "\u{10FFFD}",
    "2026-03-08",
    "02:30 PM",
    "3/14/2026",
    "urn:x:y",
    "a|b",
    "a;b",
    "'=",
];

/// Records of one type.
pub struct Maker<'a> {
    shape: &'a Shape,
    /// Of each pattern, what makes texts of it.
    patterns: BTreeMap<String, proptest::string::RegexGeneratorStrategy<String>>,
}

/// What one record is made with.
struct Making<'m, 'a> {
    maker: &'m mut Maker<'a>,
    dice: &'m mut Dice,
    /// Keys of the persons there are.
    keys: Vec<String>,
    /// How often what may be left out is there, in a hundred.
    density: usize,
    /// The largest number of items.
    items: usize,
    /// How often a text is odd, in a hundred.
    odd: usize,
    /// Whether texts that are not odd are names and numbers without a space.
    tame: bool,
    /// Numbers given so far: ids and identifiers are never the same twice.
    number: usize,
}

impl<'a> Maker<'a> {
    /// Of the schema of a record type.
    pub fn new(shape: &'a Shape) -> Maker<'a> {
        Maker {
            shape,
            patterns: BTreeMap::new(),
        }
    }

    /// A record made of nothing.
    pub fn make(&mut self, dice: &mut Dice, record_type: &str) -> Node {
        let count = 1 + dice.below(5);
        let mut making = Making::new(self, dice);
        let alone = record_type == "person" || record_type == "partner-workforce";
        let count = if alone { 1 } else { count };
        making.keys = (0..count).map(|at| making.new_key(at)).collect();
        let shape = making.maker.shape;
        let mut root = making.value(shape);
        let keys = making.keys.clone();
        people(&mut making, shape, &mut root, &keys);
        named(&mut root, record_type);
        root
    }

    /// A record changed here and there.
    pub fn change(&mut self, dice: &mut Dice, good: &Node, record_type: &str) -> Node {
        let mut root = good.clone();
        let persons = root.get("persons").map(Node::items).unwrap_or_default();
        let keys = persons.iter().filter_map(|person| person.text("key"));
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        let mut making = Making::new(self, dice);
        making.keys = keys;
        let often = [2, 5, 12, 30][making.dice.below(4)];
        let shape = making.maker.shape;
        making.changed(shape, &mut root, often, "");
        named(&mut root, record_type);
        root
    }

    fn of_pattern(&mut self, dice: &mut Dice, pattern: &str) -> String {
        let strategy = self.patterns.entry(pattern.to_owned()).or_insert_with(|| {
            let bare = pattern.trim_start_matches('^').trim_end_matches('$');
            proptest::string::string_regex(bare).expect("a pattern of the schema")
        });
        let mut seed = [0_u8; 32];
        for part in seed.chunks_mut(8) {
            part.copy_from_slice(&dice.next().to_le_bytes());
        }
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        strategy.new_tree(&mut runner).expect("a text").current()
    }
}

/// Exactly the persons whose keys there are, each once.
fn people(making: &mut Making<'_, '_>, shape: &Shape, root: &mut Node, keys: &[String]) {
    let of_persons = shape.members().iter().find(|(name, _)| name == "persons");
    let Some((
        _,
        Shape {
            kind: Kind::Array { item, .. },
            ..
        },
    )) = of_persons
    else {
        return;
    };
    let made = keys.iter().map(|key| {
        let mut person = making.value(item);
        person.set("key", Node::string(key.as_str()));
        person
    });
    let made: Vec<Node> = made.collect();
    root.set("persons", Node::from(Value::Array(made)));
}

/// What says of a record that it is of its type, as new, and nobody's to hold back.
fn named(root: &mut Node, record_type: &str) {
    if let Some(envelope) = root.get_mut("envelope") {
        envelope.set("record_type", Node::string(record_type));
    }
}

/// Members whose value is a place in the record, which changes as the record does.
const PLACES: &[&str] = &["missing", "labels"];

impl<'m, 'a> Making<'m, 'a> {
    fn new(maker: &'m mut Maker<'a>, dice: &'m mut Dice) -> Making<'m, 'a> {
        let density = [5, 25, 50, 75, 95][dice.below(5)];
        let items = [1, 2, 3, 6][dice.below(4)];
        let odd = [0, 0, 15, 90][dice.below(4)];
        let tame = dice.chance(60);
        Making {
            maker,
            dice,
            keys: Vec::new(),
            density,
            items,
            odd,
            tame,
            number: 0,
        }
    }

    fn new_key(&mut self, at: usize) -> String {
        let tail = self.dice.one(&["", ".", "-", "_", "a", "Z9", "..x"]);
        format!("p{at}{tail}")
    }

    fn value(&mut self, shape: &Shape) -> Node {
        match &shape.kind {
            Kind::Object { members, .. } => self.object(members),
            Kind::OneOf { variants, .. } => {
                let at = self.dice.below(variants.len());
                self.value(&variants[at].1)
            }
            Kind::Array { item, min, max } => self.list(item, *min, max.unwrap_or(usize::MAX)),
            Kind::Text(rule) => Node::string(self.text(rule)),
            Kind::Integer { min, max } => {
                let least = min.unwrap_or(-3);
                let most = max.unwrap_or(least.saturating_add(100_000));
                let near = [least, most, least.saturating_add(1), least / 2 + most / 2];
                let number = near[self.dice.below(4)];
                Node::from(Value::Number(number.to_string().into()))
            }
            Kind::Number { min, .. } => {
                let whole = min.unwrap_or(0.0) as i64 + self.dice.below(9) as i64;
                let tail = self.dice.one(&["", ".0", ".50", ".125", "e0"]);
                Node::from(Value::Number(format!("{whole}{tail}").into()))
            }
            Kind::Boolean => Node::from(Value::Bool(self.dice.chance(50))),
        }
    }

    fn object(&mut self, members: &[(kinbridge::base::Text, Shape)]) -> Node {
        let mut node = Node::object();
        for (name, shape) in members {
            let wanted = shape.required || self.dice.chance(self.density);
            if wanted && !PLACES.contains(&name.as_str()) {
                let value = self.value(shape);
                // What holds nothing is left out: no format can say it, and no sender means it.
                if shape.required || !value.is_empty_container() {
                    node.set(name, value);
                }
            }
        }
        node
    }

    fn list(&mut self, item: &Shape, min: usize, max: usize) -> Node {
        let most = max.min(self.items).max(min).max(1);
        let count = min.max(1) + self.dice.below(most - min.max(1) + 1);
        let mut items: Vec<Node> = Vec::new();
        for _ in 0..count {
            let value = self.value(item);
            let again = is_word(item) && items.iter().any(|it| it.value == value.value);
            if !value.is_empty_container() && (!again || items.len() < min) {
                items.push(value);
            }
        }
        Node::from(Value::Array(items))
    }

    fn text(&mut self, rule: &TextRule) -> String {
        if !rule.codes.is_empty() {
            return rule.codes[self.dice.below(rule.codes.len())].to_string();
        }
        if rule.pattern.as_deref() == Some(KEY_PATTERN) {
            let at = self.dice.below(self.keys.len());
            return self.keys[at].clone();
        }
        match (rule.format, rule.pattern.as_deref()) {
            (Some(TextFormat::Date), _) => self.day(10),
            (Some(TextFormat::PartialDate), _) => {
                let digits = [4, 7, 10, 10][self.dice.below(4)];
                self.day(digits)
            }
            (Some(TextFormat::DateTime), _) => self.instant(),
            (Some(TextFormat::PartialDateTime), _) if self.dice.chance(50) => self.instant(),
            (Some(TextFormat::PartialDateTime), _) => self.day(10),
            (Some(TextFormat::Decimal), None) => self.decimal(),
            (_, Some("^[A-Z]{2}$")) if self.dice.chance(90) => {
                self.dice.one(&["CA", "NV", "OR", "AZ", "NY"]).to_owned()
            }
            (_, Some(pattern)) => self.maker.of_pattern(self.dice, pattern),
            _ => self.free(rule),
        }
    }

    fn day(&mut self, digits: usize) -> String {
        let year = [1900, 1969, 1999, 2000, 2016, 2024, 2025, 2026][self.dice.below(8)];
        let (month, day) =
            [(1, 1), (2, 28), (3, 8), (11, 1), (12, 31), (6, 15)][self.dice.below(6)];
        let mut text = format!("{year}-{month:02}-{day:02}");
        text.truncate(digits);
        text
    }

    fn instant(&mut self) -> String {
        let clocks = [
            "00:00:00",
            "02:30:00",
            "23:59:59",
            "12:05:09",
            "01:59:59.5",
            "08:00:00.000",
            "16:20:00.123456789",
            "09:30:00.120",
        ];
        let offsets = [
            "Z", "+00:00", "-00:00", "-07:00", "-08:00", "+05:45", "+14:00", "-09:30",
        ];
        let day = self.day(10);
        format!(
            "{day}T{}{}",
            self.dice.one(&clocks),
            self.dice.one(&offsets)
        )
    }

    fn decimal(&mut self) -> String {
        let lexemes = [
            "0",
            "0.0",
            "0.00",
            "-0",
            "1.10",
            "12.5000",
            "-3.5",
            "99999999.9999",
            "100",
        ];
        self.dice.one(&lexemes).to_owned()
    }

    /// A text without a form: unlike any other of the record, within its length.
    fn free(&mut self, rule: &TextRule) -> String {
        self.number += 1;
        let mut text = String::new();
        if self.dice.chance(self.odd) {
            for _ in 0..=self.dice.below(5) {
                text.push_str(self.dice.one(PIECES));
            }
        } else if self.tame {
            text.push_str(
                self.dice
                    .one(&["urn:sol:specimen", "A-12", "https://s.example/x"]),
            );
        } else {
            text.push_str(
                self.dice
                    .one(&["Sol", "Testa Exemplar", "Mina", "plain text"]),
            );
        }
        let most = rule.max_chars.unwrap_or(400);
        if self.dice.chance(3) {
            // As long as may be.
            text = text.chars().cycle().take(most.min(400)).collect();
        } else if !self.dice.chance(20) {
            text = format!("{text}{}", self.number);
        }
        let mut cut: String = text.chars().take(most).collect();
        while cut.chars().count() < rule.min_chars {
            cut.push('x');
        }
        cut
    }

    /// Changes about so many of a hundred places.
    fn changed(&mut self, shape: &Shape, node: &mut Node, often: usize, name: &str) {
        match &shape.kind {
            Kind::Object { members, .. } => self.changed_object(members, node, often),
            Kind::OneOf {
                discriminator,
                variants,
            } => {
                let word = node.text(discriminator).map(str::to_owned);
                let of = variants
                    .iter()
                    .find(|(it, _)| Some(it.as_str()) == word.as_deref());
                if let Some((
                    _,
                    Shape {
                        kind: Kind::Object { members, .. },
                        ..
                    },
                )) = of
                {
                    self.changed_object(members, node, often);
                }
            }
            Kind::Array { item, .. } => {
                for child in node.items_mut().into_iter().flatten() {
                    self.changed(item, child, often, "");
                }
                if let Some(items) = node.items_mut().filter(|_| is_word(item)) {
                    once(items);
                }
                let fixed = name == "persons" || is_key(item);
                if !fixed && self.dice.chance(often) {
                    self.grown_or_cut(item, node);
                }
            }
            _ if is_key(shape) && name == "key" => {}
            _ => {
                if self.dice.chance(often) {
                    *node = self.value(shape);
                }
            }
        }
    }

    fn changed_object(
        &mut self,
        members: &[(kinbridge::base::Text, Shape)],
        node: &mut Node,
        often: usize,
    ) {
        for (name, shape) in members {
            if PLACES.contains(&name.as_str()) {
                node.remove(name);
                continue;
            }
            let free = !shape.required && name != "persons";
            if node.get(name).is_none() {
                if free && self.dice.chance(often) {
                    let value = self.value(shape);
                    if !value.is_empty_container() {
                        node.set(name, value);
                    }
                }
            } else if free && self.dice.chance(often / 2) {
                node.remove(name);
            } else if let Some(child) = node.get_mut(name) {
                self.changed(shape, child, often, name);
            }
        }
    }

    fn grown_or_cut(&mut self, item: &Shape, node: &mut Node) {
        let Value::Array(items) = &mut node.value else {
            return;
        };
        let grows = items.len() < 2 || self.dice.chance(60);
        if grows {
            let value = self.value(item);
            let again = is_word(item) && items.iter().any(|it| it.value == value.value);
            if !value.is_empty_container() && !again {
                items.push(value);
            }
        } else {
            let at = self.dice.below(items.len());
            items.remove(at);
        }
    }
}

/// Words that stand in a list twice say nothing more.
fn once(items: &mut Vec<Node>) {
    let mut met: Vec<Value> = Vec::new();
    items.retain(|it| {
        let new = !met.contains(&it.value);
        met.push(it.value.clone());
        new
    });
}

/// The pattern of a person's key.
pub const KEY_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

fn is_key(shape: &Shape) -> bool {
    matches!(&shape.kind, Kind::Text(rule) if rule.pattern.as_deref() == Some(KEY_PATTERN))
}

/// A word of a closed list, which a list says once.
fn is_word(shape: &Shape) -> bool {
    matches!(&shape.kind, Kind::Text(rule) if !rule.codes.is_empty() || is_key(shape))
}
