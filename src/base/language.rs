//! Languages that people are spoken to in, and text as it may stand on a page.

/// A language a form can be printed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them.
    pub const ALL: &[Language] = &[Language::English, Language::Spanish];

    /// The tag of BCP 47.
    pub const fn as_str(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Spanish => "es",
        }
    }
}

impl std::str::FromStr for Language {
    type Err = ();

    fn from_str(word: &str) -> Result<Language, ()> {
        let mut all = Language::ALL.iter().copied();
        all.find(|one| one.as_str() == word).ok_or(())
    }
}

/// Text as it may stand in HTML.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
