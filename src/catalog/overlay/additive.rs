//! Files that may only be added to: a format's own file, and code tables that say what a value is.
//!
//! A format that looked for fewer labels, or a table that read a label as a lower class, would take
//! labels away without a word of it in any schema or mapping.

use super::{CODE, Shapes};
use crate::base::defect::Defect;
use crate::base::vocabulary::{ClassSet, DataClass};
use crate::catalog::crosswalk::{self, Crosswalk, CrosswalkRow};
use crate::catalog::schema::{Kind, Shape};
use crate::catalog::{SourceFile, Sources};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Keys of a format that decide nothing about labels.
const FREE: [&str; 4] = ["name", "notation", "media_types", "stream"];
/// Keys of a format that may come to one that did not have them.
const MAY_COME: [&str; 6] = [
    "labels", "refuse", "schema", "consents", "strip", "complete",
];

/// Defects of a format's file laid over a shipped one.
pub fn format(file: &SourceFile, defects: &mut Vec<Defect>) {
    let shipped = file.shipped.as_deref().unwrap_or_default();
    // A file that is no TOML has been told.
    let (Ok(old), Ok(new)) = (shipped.parse::<Table>(), file.text.parse::<Table>()) else {
        return;
    };
    let mut tell = |key: &str, message: String| {
        let span = file.key(key).or_else(|| file.table(key, 0));
        let mut defect = file.defect(span, CODE, message);
        defect.help = "an overlay may add labels, refusals and schemas to a shipped format; \
                       for anything else make a format of your own"
            .to_owned();
        defects.push(defect);
    };
    for (key, old) in old.iter().filter(|(key, _)| !FREE.contains(&key.as_str())) {
        let kept = match (key.as_str(), new.get(key)) {
            ("labels", Some(new)) => labels_kept(old, new),
            ("delimited", Some(new)) => table_kept(old, new),
            ("refuse", Some(new)) => items(old).iter().all(|row| refusal_kept(row, items(new))),
            ("node" | "schema" | "consents" | "strip" | "complete" | "mark_words", Some(new)) => {
                items(old).iter().all(|row| items(new).contains(row))
            }
            (_, new) => new == Some(old),
        };
        if !kept {
            tell(key, format!("`{key}` says less than it did, or otherwise"));
        }
    }
    let known = [&FREE[..], &MAY_COME[..]].concat();
    for key in new.keys() {
        if !old.contains_key(key) && !known.contains(&key.as_str()) {
            tell(key, format!("`{key}` is new in a shipped format"));
        }
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn labels_kept(old: &Value, new: &Value) -> bool {
    let same = |key: &str| old.get(key) == new.get(key);
    let list = |of: &Value, key: &str| of.get(key).cloned().unwrap_or(Value::Array(Vec::new()));
    let all = |wanted: Value, held: &[Value]| items(&wanted).iter().all(|one| held.contains(one));
    let sets = list(new, "set");
    let set_kept = |old: &Value| {
        let named = |new: &&Value| new.get("system") == old.get("system");
        let mut facing = items(&sets).iter().filter(named).peekable();
        let table = |new: &Value| {
            let held = old.get("crosswalk");
            held.is_none() || held == new.get("crosswalk")
        };
        let open = list(old, "open");
        let asking = [items(&open), items(&list(old, "explained"))].concat();
        let reasons = list(old, "reason");
        facing.peek().is_some()
            && facing.all(|new| {
                table(new)
                    && all(list(new, "reason"), items(&reasons))
                    && all(list(new, "open"), items(&open))
                    && all(list(new, "explained"), &asking)
            })
    };
    // What is written tells by its levels what explains a label that is read.
    let out = old.get("out").is_none() || same("out");
    out && same("system")
        && same("code")
        && all(list(old, "at"), items(&list(new, "at")))
        && all(list(old, "place"), items(&list(new, "place")))
        && items(&list(old, "set")).iter().all(set_kept)
}

/// Whether rows are cut as before, and every column that says who may see them is still known as
/// one: it may come to be one that no row leaves empty, and never the other way round.
fn table_kept(old: &Value, new: &Value) -> bool {
    const MARKS: [&str; 2] = ["marks", "optional_marks"];
    let list = |of: &Value, key: &str| of.get(key).cloned().unwrap_or(Value::Array(Vec::new()));
    let (strict, optional) = (list(new, MARKS[0]), list(new, MARKS[1]));
    let (strict, optional) = (items(&strict), items(&optional));
    let others = |of: &Value| {
        let mut table = of.as_table().cloned().unwrap_or_default();
        MARKS.iter().for_each(|key| drop(table.remove(*key)));
        table
    };
    others(old) == others(new)
        && items(&list(old, MARKS[0]))
            .iter()
            .all(|one| strict.contains(one))
        && items(&list(old, MARKS[1]))
            .iter()
            .all(|one| strict.contains(one) || optional.contains(one))
}

/// Whether something is refused as before, or in more cases.
fn refusal_kept(old: &Value, new: &[Value]) -> bool {
    new.iter().any(|new| {
        let when = new.get("when");
        new.get("at") == old.get("at") && (when.is_none() || when == old.get("when"))
    })
}

/// Defects of a code table laid over a shipped one, where its codes are data classes or say which
/// kind of thing, with classes of its own, stands at a place.
pub fn crosswalk(
    file: &SourceFile,
    sources: &Sources,
    shipped: &Shapes,
    defects: &mut Vec<Defect>,
) {
    let before = SourceFile {
        text: file.shipped.clone().unwrap_or_default(),
        shipped: None,
        ..file.clone()
    };
    let old = crosswalk::parse(&before, &mut Vec::new());
    let Some(new) = sources.crosswalks.get(&old.name) else {
        return;
    };
    let Some(classes) = classes_of(&old, sources, shipped) else {
        return;
    };
    let of = |code: &str| classes(code).unwrap_or(ClassSet::EMPTY);
    for row in new.rows.iter().filter(|row| !row.to.is_empty()) {
        let facing = old.rows.iter().filter(|shipped| shipped.to == row.to);
        if facing.clone().any(|shipped| same(shipped, row)) {
            continue;
        }
        if facing
            .clone()
            .any(|shipped| !of(&shipped.from).without(of(&row.from)).is_empty())
        {
            let message = "a code is read as something with fewer data classes";
            let mut defect = file.defect(None, CODE, message);
            defect.line = row.line;
            defect.help = "leave the shipped row; add rows for other codes".to_owned();
            defects.push(defect);
        }
    }
}

fn same(one: &CrosswalkRow, other: &CrosswalkRow) -> bool {
    one.from == other.from && one.relation == other.relation && one.preferred == other.preferred
}

type Classes<'a> = Box<dyn Fn(&str) -> Option<ClassSet> + 'a>;

/// How the canonical codes of a table become classes; nothing where they say nothing of classes.
fn classes_of<'a>(table: &Crosswalk, sources: &Sources, shipped: &Shapes) -> Option<Classes<'a>> {
    let mut sets = sources.formats.values().flat_map(|format| {
        let labels = format.body.labels.as_ref();
        labels.map(|labels| &labels.set).into_iter().flatten()
    });
    let mut labels = |name: &str| {
        sets.any(|set| {
            let crosswalk = set.as_ref().crosswalk.as_ref();
            crosswalk.is_some_and(|own| own.as_ref() == name)
        })
    };
    if labels(&table.name) {
        let class = |code: &str| code.parse::<DataClass>().ok().map(ClassSet::of);
        return Some(Box::new(class));
    }
    let mut kinds = Vec::new();
    for (path, shape) in shipped {
        if path.starts_with("canonical/") {
            kinds_below(shape, &mut kinds);
        }
    }
    let all = |kind: &BTreeMap<String, ClassSet>| {
        let mut rows = table.rows.iter();
        rows.all(|row| kind.contains_key(row.from.as_str()))
    };
    let kind = kinds.into_iter().find(|kind| all(kind))?;
    Some(Box::new(move |code| kind.get(code).copied()))
}

/// Every `oneOf` at or below a shape: its words and the classes of what each means.
fn kinds_below(shape: &Shape, kinds: &mut Vec<BTreeMap<String, ClassSet>>) {
    match &shape.kind {
        Kind::Object { members, .. } => {
            members
                .iter()
                .for_each(|(_, member)| kinds_below(member, kinds));
        }
        Kind::Array { item, .. } => kinds_below(item, kinds),
        Kind::OneOf { variants, .. } => {
            let kind = variants.iter().map(|(word, variant)| {
                let mut classes = ClassSet::EMPTY;
                variant.leaves(&mut |_, leaf| classes = classes.union(leaf.classes));
                (word.as_str().to_owned(), classes)
            });
            kinds.push(kind.collect());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    //! Goal: a shipped format and a shipped table of labels can only be added to. Method: the FHIR
    //! files laid over with one change each, of both kinds.
    use super::super::tests::laid;
    use super::CODE;

    const FORMAT: &str = "schemas/formats/fhir-r4/4.0/format.toml";

    fn changed(path: &str, from: &str, to: &str) -> Vec<&'static str> {
        laid(&[(path, from, to)])
    }

    #[test]
    fn a_format_looks_for_no_fewer_labels_and_refuses_no_less() {
        let label = "\"meta.security[]\",";
        for (from, to) in [
            (label, "\"meta.tag.security[]\","),
            ("at = \"modifierExtension\"", "at = \"contained\""),
            ("\"PROCESSINLINELABEL\"", "\"PROCESSINLINELABEL\", \"SUD\""),
            ("crosswalk = \"data-class--act-code\"", ""),
            ("v3-Confidentiality\"", "v3-Other\""),
            (
                "when = \"doNotPerform='true'\"",
                "when = \"doNotPerform='yes'\"",
            ),
            ("type = \"Patient\"\n", "type = \"Person\"\n"),
        ] {
            assert!(changed(FORMAT, from, to).contains(&CODE), "{to}");
        }
    }

    #[test]
    fn labels_of_segments_stay_where_they_are_looked_for() {
        let format = "schemas/formats/hl7v2/2.5.1/format.toml";
        for (from, to) in [
            ("at     = \"ARV[].3\"", "at     = \"ARV[].9\""),
            ("unsaid = \"HL70717\"", "unsaid = \"HL70206\""),
            (
                "open      = [\"NO\", \"OI\"]",
                "open = [\"NO\", \"OI\", \"ALL\"]",
            ),
            ("list = \"OBSERVATION\"", "list = \"ELSEWHERE\""),
            ("codes = [\"V\", \"VR\"]", "codes = [\"V\", \"ALL\"]"),
            ("level = \"V\"", "level = \"U\""),
            ("classes = [\"general_health\", ", "classes = ["),
        ] {
            assert!(changed(format, from, to).contains(&CODE), "{to}");
        }
    }

    #[test]
    fn columns_that_mark_rows_may_only_be_added() {
        let extract = "schemas/formats/cws-cms-extract/1.0/format.toml";
        let provider = "schemas/formats/provider-csv/1.0/format.toml";
        let marks = "marks = [\"LMT_ACSSCD\", ";
        let optional = "optional_marks = [\"access_level\", ";
        for (file, from, to) in [
            (extract, marks, "marks = ["),
            (extract, "marks = [", "optional_marks = ["),
            (provider, optional, "optional_marks = ["),
            (provider, optional, "optional_marks = [\"case_number\", "),
            (extract, "delimiter = \",\"", "delimiter = \";\""),
        ] {
            assert!(changed(file, from, to).contains(&CODE), "{to}");
        }
        for (file, from, to) in [
            (extract, marks, "marks = [\"CHLD_CLT_B\", \"LMT_ACSSCD\", "),
            (provider, optional, "marks = [\"access_level\", "),
            (
                provider,
                optional,
                "optional_marks = [\"access_level\", \"src\", ",
            ),
        ] {
            let told = changed(file, from, to);
            assert!(!told.contains(&CODE), "{to}: {told:?}");
        }
    }

    #[test]
    fn a_format_may_look_for_more() {
        for (from, to) in [
            (
                "\"meta.security[]\",",
                "\"meta.security[]\", \"meta.tag[]\",",
            ),
            ("when = \"doNotPerform='true'\"", ""),
            ("\"PROCESSINLINELABEL\"", ""),
            (
                "[[labels.set]]\n",
                "[[refuse]]\nat = \"contained\"\n\n[[labels.set]]\n",
            ),
            (
                "[[labels.set]]\n",
                "[[complete]]\nlist = \"extension\"\n\n[[labels.set]]\n",
            ),
        ] {
            let told = changed(FORMAT, from, to);
            assert!(!told.contains(&CODE), "{to}: {told:?}");
        }
    }

    #[test]
    fn a_code_is_read_as_no_lower_class() {
        let labels = "mappings/crosswalks/data-class--act-code.csv";
        let row = "psychotherapy_notes,PSYTHPN,narrower,out,";
        let weaker = format!("{row}\ngeneral_health,PSYTHPN,narrower,in,");
        assert!(changed(labels, row, &weaker).contains(&CODE));
        let more = format!("{row}\nsud_part2,LOCAL-SUD,narrower,,");
        assert!(!changed(labels, row, &more).contains(&CODE));
    }

    #[test]
    fn a_protected_address_is_read_as_no_open_one() {
        let kinds = "mappings/crosswalks/address-kind--fhir-address-use.csv";
        let (sources, _) = crate::catalog::load(&[]);
        let rows = &sources.crosswalks["address-kind--fhir-address-use"].rows;
        let placement = rows.iter().find(|row| row.from == "home").expect("a row");
        let head = "from,to,relation,preferred";
        let weaker = format!("confidential,{},equivalent,in", placement.to);
        let text = sources.files[kinds].text.clone();
        let first = text
            .lines()
            .find(|line| line.starts_with(head))
            .expect("a header");
        let told = changed(kinds, first, &format!("{first}\n{weaker}"));
        assert!(told.contains(&CODE), "{told:?}");
    }
}
