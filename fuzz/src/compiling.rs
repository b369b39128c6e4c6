//! A mapping file of any text, compiled against the shipped catalog. Whatever it says, each defect
//! has its place in it; and where there is none, records go out through it and come in again
//! without a stop. That it means something is not asked: the file is anything.

use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::catalog::mapping::MappingFile;
use kinbridge::catalog::{self, MappingSource, SourceFile, Sources};
use kinbridge::format::json;
use kinbridge::mapping::Plans;
use kinbridge::record::Record;
use kinbridge::wire::Wires;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

/// Formats and record types a first line may name, `# <format>/<version> <record>`.
struct Shipped {
    /// Of each format, what the catalog has for it, without its mappings of record types.
    formats: BTreeMap<FormatId, Sources>,
    wires: Wires,
    records: BTreeMap<RecordType, Record>,
    /// What is meant where the first line names nothing.
    default: (FormatId, RecordType),
}

thread_local! {
    // A file is put into the sources for as long as it is compiled.
    static SHIPPED: RefCell<Shipped> = RefCell::new(Shipped::load());
}

/// Compiles one file, and uses it if it stands.
pub fn take(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    SHIPPED.with_borrow_mut(|shipped| shipped.compile(text));
}

/// How often it went well, for whoever asks whether anything is tried.
pub fn stands(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| SHIPPED.with_borrow_mut(|shipped| shipped.compile(text)))
}

impl Shipped {
    fn load() -> Shipped {
        let (sources, defects) = catalog::load(&[]);
        assert!(defects.is_empty(), "{defects:?}");
        let (wires, _) = Wires::compile(&sources);
        let default = sources.mappings.iter().find(|one| !one.is_shared());
        let default = default.map(|one| (one.format.clone(), one.record.clone()));
        Shipped {
            formats: sources
                .formats
                .keys()
                .map(|format| (format.clone(), of_format(&sources, format)))
                .collect(),
            wires,
            records: records(),
            default: default.expect("a mapping"),
        }
    }

    /// Whether the file has no defect.
    fn compile(&mut self, text: &str) -> bool {
        let (format, record, further) = self.meant(text);
        let Some(sources) = self.formats.get_mut(&format) else {
            return false;
        };
        let path = format!("mappings/{format}/{record}.toml");
        let file = SourceFile {
            path: path.clone(),
            text: text.to_owned(),
            overlay: true,
            shipped: None,
        };
        let mut defects = Vec::new();
        let Some(body) = catalog::read_toml::<MappingFile>(&file, &mut defects) else {
            assert!(!defects.is_empty(), "unread without a defect");
            return false;
        };
        sources.files.insert(path.clone(), file);
        sources.mappings.push(MappingSource {
            format: format.clone(),
            record: record.clone(),
            file: path.clone(),
            body,
            further,
        });
        let (plans, found) = Plans::compile(sources);
        sources.mappings.pop();
        sources.files.remove(&path);
        defects.extend(found);
        let lines = text.lines().count() + 1;
        for defect in defects.iter().filter(|it| it.file == path) {
            assert!(defect.line as usize <= lines, "{}: line", defect.code);
            assert!(!defect.message.is_empty(), "{}: unsaid", defect.code);
        }
        let own = |file: &str| file == path;
        let stands = !defects.iter().any(|defect| own(&defect.file));
        if stands {
            self.run(&plans, &format, &record);
        }
        stands
    }

    /// The format and record type a first line names, and whether the file is a further one of that
    /// type (`<record>.<word>`), which only reads.
    fn meant(&self, text: &str) -> (FormatId, RecordType, bool) {
        let first = text.lines().next().unwrap_or_default();
        let named = first.strip_prefix("# ").and_then(|it| it.split_once(' '));
        let named = named.map(|(format, name)| {
            let (record, further) = match name.split_once('.') {
                Some((record, _)) => (record, true),
                None => (name, false),
            };
            (FormatId::new(format), RecordType::new(record), further)
        });
        let known = named.filter(|(format, record, _)| {
            self.formats.contains_key(format) && self.records.contains_key(record)
        });
        known.unwrap_or_else(|| {
            let (format, record) = self.default.clone();
            (format, record, false)
        })
    }

    /// A good record out through the file and in again: what comes of it is the file's affair.
    fn run(&self, plans: &Plans, format: &FormatId, record: &RecordType) {
        let (Some(wire), Some(good)) = (self.wires.get(format), self.records.get(record)) else {
            return;
        };
        let Ok(out) = plans.outbound(format, good) else {
            return;
        };
        if !wire.refused(&out.tree).is_empty() {
            return;
        }
        for unit in wire.units(&wire.write(&out.tree)).flatten() {
            if let Some(tree) = wire.parse(&unit).tree {
                plans.inbound(format, &tree, std::slice::from_ref(record));
            }
        }
    }
}

/// What a format's mappings need and no more, so that a file is compiled fast.
fn of_format(all: &Sources, format: &FormatId) -> Sources {
    let mut own = all.clone();
    own.formats.retain(|id, _| id == format);
    own.mappings
        .retain(|one| one.format == *format && one.is_shared());
    let folders = [
        format!("mappings/{format}/"),
        format!("schemas/formats/{format}/"),
    ];
    let of_it = |path: &str| folders.iter().any(|folder| path.starts_with(folder));
    own.files.retain(|path, _| of_it(path));
    let files: Vec<&SourceFile> = own.files.values().collect();
    own.crosswalks
        .retain(|name, _| files.iter().any(|file| file.text.contains(name.as_str())));
    own.files.retain(|_, file| !file.path.ends_with(".json"));
    own.partners.clear();
    own.policies.clear();
    own.policy_data.clear();
    own
}

/// The first good fixture of each record type.
fn records() -> BTreeMap<RecordType, Record> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["fixtures", "../fixtures"].map(|it| root.join(it).join("kinbridge-json"));
    let root = places.into_iter().find(|it| it.exists()).expect("fixtures");
    let mut out = BTreeMap::new();
    for kind in std::fs::read_dir(root).expect("fixtures").flatten() {
        let record_type = RecordType::new(&kind.file_name().to_string_lossy());
        let mut cases: Vec<_> = std::fs::read_dir(kind.path())
            .expect("cases")
            .flatten()
            .map(|case| case.path())
            .filter(|case| !case.ends_with("bad"))
            .collect();
        cases.sort();
        let good = cases.iter().find_map(|case| {
            let name = case.file_name()?.to_string_lossy().into_owned();
            let bytes = std::fs::read(case.join("input.json")).ok()?;
            let tree = json::parse(&bytes).tree?;
            (!name.starts_with("bad")).then_some(tree)
        });
        if let Some(root) = good {
            let record_type = record_type.clone();
            out.insert(record_type.clone(), Record { record_type, root });
        }
    }
    out
}
