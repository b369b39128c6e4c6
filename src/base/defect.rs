//! A defect: something wrong in a catalog file, told to the one who edits that file.

/// One defect in one file of the catalog. A catalog with any is not served.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Defect {
    /// The file, relative to its catalog folder.
    pub file: String,
    /// One-based line, 0 when the whole file is meant.
    pub line: u32,
    /// One-based column, 0 when the whole line is meant.
    pub column: u32,
    /// Stable kebab-case code.
    pub code: &'static str,
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl std::fmt::Display for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}: {}",
            self.file, self.line, self.column, self.code, self.message
        )?;
        if self.help.is_empty() {
            Ok(())
        } else {
            write!(f, "\n    help: {}", self.help)
        }
    }
}
