//! Catalog files: the shipped ones inside the executable, overlays from folders laid over them.
//!
//! It reads bytes and keeps texts; it must never interpret one.

use crate::base::defect::Defect;
use crate::base::digest::Digest;
use crate::base::id::RuleSetId;
use crate::base::limits::{CATALOG_FILE_BYTES_MAX, CATALOG_FILES_MAX};
use rust_embed::RustEmbed;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

#[derive(RustEmbed)]
#[folder = "schemas/"]
#[allow_missing = true]
struct Schemas;

#[derive(RustEmbed)]
#[folder = "mappings/"]
#[allow_missing = true]
struct Mappings;

#[derive(RustEmbed)]
#[folder = "policies/"]
#[allow_missing = true]
struct Policies;

/// The folders a catalog has; others in an overlay are not read.
const FOLDERS: [&str; 3] = ["schemas", "mappings", "policies"];
/// How the names of catalog files end.
const ENDINGS: [&str; 4] = ["cedar", "toml", "csv", "json"];

/// One file of the catalog.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative to the catalog folder, with forward slashes.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// Whether it comes from an overlay.
    pub overlay: bool,
    /// The text of the shipped file it replaces, if it does.
    pub shipped: Option<String>,
}

impl SourceFile {
    /// A defect at a byte range of this file.
    pub fn defect(
        &self,
        span: Option<Range<usize>>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Defect {
        let (line, column) = span.map_or((0, 0), |span| place(&self.text, span.start));
        Defect {
            file: self.path.clone(),
            line,
            column,
            code,
            message: message.into(),
            help: String::new(),
        }
    }

    /// Where a top-level key of a TOML file is set.
    pub fn key(&self, name: &str) -> Option<Range<usize>> {
        let mut lines = self.lines().take_while(|(_, line)| !line.starts_with('['));
        lines.find_map(|(span, line)| {
            let rest = line.strip_prefix(name)?.trim_start();
            rest.starts_with('=').then_some(span)
        })
    }

    /// Where the table of that name and number, from zero, begins in a TOML file: `[[name]]`.
    pub fn table(&self, name: &str, number: usize) -> Option<Range<usize>> {
        let header = format!("[[{name}]]");
        let mut heads = self.lines().filter(|(_, line)| line.starts_with(&header));
        heads.nth(number).map(|(span, _)| span)
    }

    /// Lines without the white space before them, and where they stand.
    fn lines(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        let mut at = 0;
        self.text.split_inclusive('\n').map(move |line| {
            let text = line.trim_start();
            let from = at + line.len() - text.len();
            at += line.len();
            (from..at, text)
        })
    }
}

/// One-based line and column (in characters) of a byte offset.
pub fn place(text: &str, offset: usize) -> (u32, u32) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (clip(line), clip(column))
}

/// All files: the shipped ones and the overlays in order, the last one of a path winning.
pub fn read(overlays: &[PathBuf]) -> (BTreeMap<String, SourceFile>, Vec<Defect>) {
    let mut defects = Vec::new();
    let mut files = shipped(&mut defects);
    for overlay in overlays {
        if !overlay.is_dir() {
            let path = overlay.display().to_string();
            defects.push(whole(
                &path,
                "overlay-missing",
                "the catalog folder is not there",
            ));
            continue;
        }
        for folder in FOLDERS {
            let path = overlay.join(folder);
            let there = std::fs::symlink_metadata(&path);
            // Only a folder that is not there says nothing: one that cannot be looked at may hold
            // the rules that tighten.
            if !there.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
                walk(overlay, &path, &mut files, &mut defects);
            }
        }
        misplaced(overlay, &mut defects);
    }
    (files, defects)
}

/// Tells what stands beside the folders of a catalog and looks like a file of one.
fn misplaced(overlay: &Path, defects: &mut Vec<Defect>) {
    for path in entries(overlay, overlay, defects) {
        let name = relative(overlay, &path);
        if FOLDERS.contains(&name.as_str()) || name.starts_with('.') {
            continue;
        }
        let mut left = CATALOG_FILES_MAX;
        let found = if path.is_dir() {
            holds_catalog_files(&path, &mut left)
        } else {
            name.ends_with(".cedar") || name.ends_with(".csv")
        };
        if found {
            let message = "nothing reads a file here";
            let mut defect = whole(&name, "catalog-file-misplaced", message);
            defect.help = format!("a catalog folder has {}", FOLDERS.join(", "));
            defects.push(defect);
        }
    }
}

/// Whether a file at or below a folder has an ending of catalog files; after `left` entries it is
/// taken to.
fn holds_catalog_files(folder: &Path, left: &mut usize) -> bool {
    // What cannot be looked at is not part of a catalog: told where it is, not what it holds.
    let Ok(entries) = std::fs::read_dir(folder) else {
        return true;
    };
    entries.flatten().any(|entry| {
        *left = left.saturating_sub(1);
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let linked = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if *left == 0 || hidden || linked {
            return *left == 0;
        }
        if path.is_dir() {
            return holds_catalog_files(&path, left);
        }
        let ending = path.extension().map(std::ffi::OsStr::to_string_lossy);
        ending.is_some_and(|ending| ENDINGS.contains(&ending.as_ref()))
    })
}

/// The digest of all files and of this engine's version.
pub fn digest(files: &BTreeMap<String, SourceFile>) -> RuleSetId {
    digest_by(ENGINE, files)
}

/// Version of the engine that reads the files.
pub const ENGINE: &str = env!("CARGO_PKG_VERSION");

/// The same as that engine version said it. Whether a file is a county's own is part of it: the
/// same text may open more from one hand than from the other.
pub fn digest_by(engine: &str, files: &BTreeMap<String, SourceFile>) -> RuleSetId {
    let mut parts: Vec<&[u8]> = vec![engine.as_bytes()];
    for (path, file) in files {
        parts.push(path.as_bytes());
        parts.push(if file.overlay { b"overlay" } else { b"shipped" });
        parts.push(file.text.as_bytes());
    }
    RuleSetId::new(&Digest::of_parts(&parts).to_hex())
}

fn shipped(defects: &mut Vec<Defect>) -> BTreeMap<String, SourceFile> {
    let mut files = BTreeMap::new();
    let mut add = |folder: &str, name: &str, bytes: &[u8]| {
        let path = format!("{folder}/{name}");
        if is_catalog_file(&path) {
            insert(&mut files, path, bytes, false, defects);
        }
    };
    for name in Schemas::iter() {
        if let Some(file) = Schemas::get(&name) {
            add("schemas", &name, &file.data);
        }
    }
    for name in Mappings::iter() {
        if let Some(file) = Mappings::get(&name) {
            add("mappings", &name, &file.data);
        }
    }
    for name in Policies::iter() {
        if let Some(file) = Policies::get(&name) {
            add("policies", &name, &file.data);
        }
    }
    files
}

/// Texts for people beside the catalog are not part of it.
fn is_catalog_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    !name.starts_with('.') && !path.ends_with(".md") && !path.ends_with('~')
}

fn insert(
    files: &mut BTreeMap<String, SourceFile>,
    path: String,
    bytes: &[u8],
    overlay: bool,
    defects: &mut Vec<Defect>,
) {
    if bytes.len() > CATALOG_FILE_BYTES_MAX || files.len() >= CATALOG_FILES_MAX {
        defects.push(whole(
            &path,
            "catalog-too-large",
            "the file or the catalog is too large",
        ));
        return;
    }
    match String::from_utf8(bytes.to_vec()) {
        Ok(text) => {
            // Line ends of an editor must not change the rule set nor a place in a file.
            let text = text.replace("\r\n", "\n");
            let shipped = files.remove(&path).filter(|_| overlay).map(|old| {
                // An overlay over an overlay still answers to what was shipped.
                if old.overlay {
                    old.shipped.unwrap_or_default()
                } else {
                    old.text
                }
            });
            let shipped = shipped.filter(|text| !text.is_empty());
            files.insert(
                path.clone(),
                SourceFile {
                    path,
                    text,
                    overlay,
                    shipped,
                },
            );
        }
        Err(_) => defects.push(whole(&path, "catalog-not-text", "the file is not UTF-8")),
    }
}

fn walk(
    root: &Path,
    folder: &Path,
    files: &mut BTreeMap<String, SourceFile>,
    defects: &mut Vec<Defect>,
) {
    for path in entries(root, folder, defects) {
        let name = relative(root, &path);
        if path.is_dir() {
            walk(root, &path, files, defects);
            continue;
        }
        if !is_catalog_file(&name) {
            continue;
        }
        match std::fs::read(&path) {
            Ok(bytes) => insert(files, name, &bytes, true, defects),
            Err(_) => defects.push(whole(
                &name,
                "catalog-unreadable",
                "the file cannot be read",
            )),
        }
    }
}

/// What stands in a folder, in the order of names. A folder that cannot be read to its end is told:
/// a rule nobody saw must not be missing in silence.
fn entries(root: &Path, folder: &Path, defects: &mut Vec<Defect>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let read = std::fs::read_dir(folder).and_then(|entries| {
        for entry in entries {
            paths.push(entry?.path());
        }
        Ok(())
    });
    if read.is_err() {
        let name = match relative(root, folder) {
            name if name.is_empty() => folder.display().to_string(),
            name => name,
        };
        let message = "the folder cannot be read";
        defects.push(whole(&name, "catalog-unreadable", message));
    }
    paths.sort();
    paths
}

fn relative(root: &Path, path: &Path) -> String {
    let name = path.strip_prefix(root).unwrap_or(path);
    name.to_string_lossy().replace('\\', "/")
}

/// Files of one kind of the law's tables: `policies/<stem>.toml`, and those that add to it,
/// `policies/<stem>-<name>.toml`.
pub fn is_table(stem: &str, path: &str) -> bool {
    let rest = path.strip_prefix("policies/");
    let rest = rest.and_then(|rest| rest.strip_prefix(stem));
    let name = rest.and_then(|rest| rest.strip_suffix(".toml"));
    name.is_some_and(|name| name.is_empty() || name.starts_with('-'))
}

/// A defect of a whole file.
pub fn whole(path: &str, code: &'static str, message: impl Into<String>) -> Defect {
    Defect {
        file: path.to_owned(),
        line: 0,
        column: 0,
        code,
        message: message.into(),
        help: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: places are counted in characters from one. Method: a text with a wide character.
    #[test]
    fn a_place_is_line_and_column_in_characters() {
        let text = "a\nbé=c";
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, 2), (2, 1));
        assert_eq!(place(text, 5), (2, 3));
        assert_eq!(place(text, 99), (2, 5));
    }

    /// What is told of an overlay whose folder the test filled.
    fn told(fill: impl Fn(&Path)) -> Vec<(String, &'static str)> {
        let folder = tempfile::tempdir().expect("a folder");
        fill(folder.path());
        let (_, defects) = read(&[folder.path().to_path_buf()]);
        defects.into_iter().map(|it| (it.file, it.code)).collect()
    }

    /// Goal: an overlay that cannot be read is never an empty one. Method: links that lead nowhere
    /// and a file in the place of a folder, beside a folder that is truly not there.
    #[test]
    #[cfg(unix)]
    fn a_folder_that_cannot_be_read_is_told() {
        use std::os::unix::fs::symlink;
        let gone = |at: &'static str| {
            move |root: &Path| symlink("/nowhere/at/all", root.join(at)).expect("a link")
        };
        let unreadable = |at: &str| vec![(at.to_owned(), "catalog-unreadable")];
        assert_eq!(told(|_| {}), []);
        assert_eq!(told(gone("policies")), unreadable("policies"));
        let file = |root: &Path| std::fs::write(root.join("mappings"), "").expect("a file");
        assert_eq!(told(file), unreadable("mappings"));
        let inner = |root: &Path| {
            std::fs::create_dir(root.join("policies")).expect("a folder");
            gone("policies/county")(root);
        };
        assert_eq!(told(inner), unreadable("policies/county"));
    }

    /// Goal: a county's rules in a folder nothing reads are told. Method: the folder's name in
    /// capitals, and folders that hold nothing of a catalog.
    #[test]
    fn a_folder_nothing_reads_is_told_where_it_holds_rules() {
        let with = |folder: &'static str, name: &'static str| {
            move |root: &Path| {
                std::fs::create_dir_all(root.join(folder)).expect("a folder");
                std::fs::write(root.join(folder).join(name), "").expect("a file");
            }
        };
        let misplaced = |at: &str| vec![(at.to_owned(), "catalog-file-misplaced")];
        assert_eq!(told(with("Policies", "x.cedar")), misplaced("Policies"));
        assert_eq!(told(with("partners/new", "x.toml")), misplaced("partners"));
        assert_eq!(told(with("", "x.cedar")), misplaced("x.cedar"));
        assert_eq!(told(with("notes", "why.md")), []);
        assert_eq!(told(with(".git", "x.json")), []);
        assert_eq!(told(with("", "kinbridge.toml")), []);
    }
}
