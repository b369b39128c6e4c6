//! Labels and modifiers of a format's own file, compiled. What is wrong with them is told.

use super::layout::{Reader, separator};
use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::vocabulary::{ClassSet, DataClass};
use crate::catalog::SourceFile;
use crate::catalog::format::{FormatSource, LabelSetSource, LabelsOutSource, LabelsSource};
use crate::mapping::marks::{LabelPlace, LabelSet, Marks, Refused};
use crate::mapping::marks_asked::Triggers;
use crate::mapping::marks_out::MarksOut;
use crate::mapping::table::Table;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::Spanned;

type Tables = BTreeMap<String, Arc<Table>>;

/// Compiles what a format says of labels and modifiers.
pub(super) fn marks(
    format: &FormatSource,
    file: &SourceFile,
    tables: &Tables,
    defects: &mut Vec<Defect>,
) -> Marks {
    let mut reader = Reader {
        file,
        separator: separator(format),
        defects,
    };
    let mut marks = Marks::default();
    if let Some(source) = &format.body.labels {
        labels(source, tables, &mut reader, &mut marks);
    }
    for source in &format.body.refuse {
        let source = source.as_ref();
        if let Some(at) = reader.steps(&source.at) {
            let when = reader.conditions(source.when.as_ref());
            let says = source.says.clone();
            marks.refused.push(Refused { at, when, says });
        }
    }
    marks.triggers = Triggers::new(&marks.labels, &marks.refused);
    marks
}

fn labels(source: &LabelsSource, tables: &Tables, reader: &mut Reader<'_>, marks: &mut Marks) {
    marks.speaks = source.speaks.iter().map(Text::from).collect();
    marks.members = source.members.iter().map(Text::from).collect();
    let plain = source.at.iter().map(|at| (at, None));
    let others = source.place.iter().map(|place| place.as_ref());
    for (at, own) in plain.chain(others.map(|place| (&place.at, Some(place)))) {
        let system = own.and_then(|own| own.system.as_ref());
        let code = own.and_then(|own| own.code.as_ref());
        let lists = reader.lists(at.as_ref(), Some(at.span()));
        let system = reader.steps(system.unwrap_or(&source.system));
        let code = reader.steps(code.unwrap_or(&source.code));
        if let (Some(lists), Some(system), Some(code)) = (lists, system, code) {
            marks.labels.push(LabelPlace {
                lists,
                system,
                code,
                unsaid: own.and_then(|own| own.unsaid.as_deref()).map(Text::from),
            });
        }
    }
    for set in &source.set {
        marks.sets.extend(label_set(source, set, tables, reader));
    }
    if let Some(out) = &source.out {
        marks.out = labels_out(source, out, reader);
    }
}

fn label_set(
    labels: &LabelsSource,
    source: &Spanned<LabelSetSource>,
    tables: &Tables,
    reader: &mut Reader<'_>,
) -> Option<LabelSet> {
    let set = source.as_ref();
    let table = match &set.crosswalk {
        None => None,
        Some(name) => match tables.get(name.as_ref()) {
            Some(table) => Some(table.clone()),
            None => {
                reader.wrong(Some(name.span()), "there is no crosswalk of that name");
                return None;
            }
        },
    };
    let codes = table.iter().flat_map(|table| table.canonical_codes());
    if codes
        .into_iter()
        .any(|code| code.parse::<DataClass>().is_err())
    {
        reader.wrong(
            Some(source.span()),
            "the crosswalk of labels must be from data classes",
        );
    }
    let any: ClassSet = DataClass::ALL.iter().copied().collect();
    let explained = set.explained.iter().map(|code| (Text::from(code), any));
    let mut explained: Vec<(Text, ClassSet)> = explained.collect();
    for reason in &set.reason {
        let level = &reason.as_ref().level;
        let classes = as_secret(labels, level.as_ref());
        if classes.is_empty() {
            reader.wrong(Some(level.span()), "no level of `labels.out` has that code");
        }
        let codes = reason.as_ref().codes.iter();
        explained.extend(codes.map(|code| (Text::from(code), classes)));
    }
    Some(LabelSet {
        system: set.system.as_str().into(),
        table,
        open: set.open.iter().map(Text::from).collect(),
        explained,
    })
}

/// The classes of a level and of those behind it, which are more secret.
fn as_secret(labels: &LabelsSource, code: &str) -> ClassSet {
    let levels = labels.out.iter().flat_map(|out| &out.as_ref().level);
    let levels = levels.skip_while(|level| level.code != code);
    levels
        .flat_map(|level| level.classes.iter().copied())
        .collect()
}

/// Labels that are written. A class without a level would go out as if it were none.
fn labels_out(
    labels: &LabelsSource,
    source: &Spanned<LabelsOutSource>,
    reader: &mut Reader<'_>,
) -> Option<MarksOut> {
    let out = source.as_ref();
    let set = |classes: &[DataClass]| {
        let mut set = ClassSet::EMPTY;
        classes.iter().for_each(|class| set.insert(*class));
        set
    };
    for class in DataClass::ALL {
        let levels = out.level.iter();
        if levels.filter(|level| level.classes.contains(class)).count() != 1 {
            let wrong = format!("the class {class} must be of one level");
            reader.wrong(Some(source.span()), &wrong);
        }
    }
    if out.single && !(out.sensitivity.is_empty() && out.duty.is_empty()) {
        reader.wrong(
            Some(source.span()),
            "a single code tells of no class and no duty",
        );
    }
    Some(MarksOut {
        at: reader.steps(&out.at)?,
        single: out.single,
        system: reader.steps(&labels.system)?,
        code: reader.steps(&labels.code)?,
        secrecy: out.secrecy.as_str().into(),
        levels: out
            .level
            .iter()
            .map(|level| (level.code.as_str().into(), set(&level.classes)))
            .collect(),
        sensitivity_system: out.sensitivity_system.as_str().into(),
        sensitivity: out
            .sensitivity
            .iter()
            .map(|it| {
                (
                    ClassSet::of(it.class),
                    it.codes.iter().map(Text::from).collect(),
                )
            })
            .collect(),
        duties: out
            .duty
            .iter()
            .map(|it| (it.obligation, set(&it.classes), it.code.as_str().into()))
            .collect(),
    })
}
