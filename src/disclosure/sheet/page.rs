//! One form set as an HTML page for a sheet of letter paper.
//!
//! Everything on it comes from the tables and their words. It holds no script, loads nothing and
//! knows nobody: an empty form.

use super::{ClassWords, ElementWords, Language, MoreSigners, Sheet, SignerId, Told};
use crate::base::language::escaped;
use crate::disclosure::tables::Alone;
use std::cell::Cell;
use std::fmt::Write as _;

/// The box that asks for an end.
pub(super) const EXPIRATION: &str = "expiration";
/// The box that holds the classes to tick.
const DESCRIPTION: &str = "description";
/// The box of the person's name.
const PATIENT: &str = "patient_name";
/// The boxes that say how it is taken back and what not signing means.
const REVOKING: &str = "right_to_revoke";
const REFUSING: &str = "refusal_consequences";

/// What a paper is lodged with, whatever its kind: where no box asks for it, a line does.
const LODGED: [&str; 4] = ["recipient", "purpose", "signature", "date"];

const STYLE: &str = include_str!("sheet.css");

struct Press<'a> {
    sheet: &'a Sheet<'a>,
    language: Language,
    out: String,
    /// Whether it says something in Spanish nobody has reviewed.
    unreviewed: Cell<bool>,
}

/// The whole page.
pub(super) fn set(sheet: &Sheet<'_>, language: Language, rule_set: &str) -> String {
    let mut press = Press {
        sheet,
        language,
        out: String::with_capacity(8 << 10),
        unreviewed: Cell::new(false),
    };
    let top = press.head();
    press.filing();
    press.boxes();
    press.statements();
    press.foot(rule_set);
    if press.unreviewed.get() && sheet.words.es_reviewer.is_none() {
        let text = press.say(&sheet.words.page.draft);
        let draft = format!("<p class=\"draft\">{text}</p>\n");
        press.out.insert_str(top, &draft);
    }
    press.out
}

impl Press<'_> {
    fn say(&self, told: &Told) -> String {
        if self.language == Language::Spanish && !told.reviewed {
            self.unreviewed.set(true);
        }
        escaped(told.is(self.language))
    }

    fn put(&mut self, html: &str) {
        self.out.push_str(html);
    }

    fn has(&self, element: &str) -> bool {
        let mut all = self.sheet.row.elements.iter();
        all.any(|id| id.as_str() == element)
    }

    /// The head; gives where the page begins.
    fn head(&mut self) -> usize {
        let title = self.say(&self.sheet.kind.title);
        let size = match self.sheet.kind.large_type {
            true => " class=\"large\"",
            false => "",
        };
        let tag = self.language.as_str();
        let head = format!(
            "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body{size}>\n"
        );
        self.put(&head);
        let top = self.out.len();
        self.put(&format!("<h1>{title}</h1>\n"));
        top
    }

    /// What the paper is filed by, and what it is lodged with where no box asks for it.
    fn filing(&mut self) {
        let page = &self.sheet.words.page;
        self.put("<div class=\"filing\">\n");
        if !self.has(PATIENT) {
            self.blank(&page.whose, None);
        }
        self.blank(&page.born, None);
        let (words, kind) = (self.sheet.words, self.sheet.row.id);
        for id in LODGED {
            if let Some(words) = words.element(id, kind).filter(|_| !self.has(id)) {
                self.blank(&words.title, Some(&page.to_file));
            }
        }
        self.put("</div>\n");
        if !self.has(DESCRIPTION) {
            let head = self.say(&page.classes);
            self.put(&format!("<h2>{head}</h2>\n"));
            self.ticks();
        }
    }

    fn blank(&mut self, title: &Told, small: Option<&Told>) {
        let title = self.say(title);
        let small = small.map_or_else(String::new, |told| format!(" ({})", self.say(told)));
        self.put(&format!(
            "<div>{title}{small}<div class=\"line\"></div></div>\n"
        ));
    }

    fn boxes(&mut self) {
        self.put("<div class=\"boxes\">\n");
        for (at, words) in self.sheet.elements.iter().enumerate() {
            self.numbered(at + 1, words);
        }
        self.put("</div>\n");
    }

    fn numbered(&mut self, number: usize, words: &ElementWords) {
        let (title, text) = (self.say(&words.title), self.say(&words.words));
        let holds_classes = &*words.id == DESCRIPTION;
        let wide = match holds_classes || !matches!(words.lines, 1 | 2) {
            true => " wide",
            false => "",
        };
        let id = escaped(&words.id);
        let head = format!(
            "<section class=\"box{wide}\" data-element=\"{id}\">\
             <h2><b>{number}</b> {title}</h2>\n<p>{text}</p>\n"
        );
        self.put(&head);
        if holds_classes {
            self.ticks();
        }
        for _ in 0..words.lines {
            self.put("<div class=\"line\"></div>\n");
        }
        self.put("</section>\n");
    }

    fn ticks(&mut self) {
        self.put("<ul>\n");
        let classes: &[&ClassWords] = &self.sheet.classes;
        for words in classes {
            let (id, text) = (words.id.as_str(), self.say(&words.words));
            self.put(&format!(
                "<li data-class=\"{id}\"><span class=\"tick\"></span>{text}</li>\n"
            ));
        }
        self.put("</ul>\n");
    }

    fn statements(&mut self) {
        let (sheet, page) = (self.sheet, &self.sheet.words.page);
        let words = sheet.words;
        let mut signers = String::new();
        let attorney = SignerId::More(MoreSigners::ChildAttorney);
        let ids = [
            Some(SignerId::Signers(sheet.row.signers)),
            sheet.row.child_attorney.then_some(attorney),
        ];
        for told in ids.iter().flatten().filter_map(|id| words.signer(*id)) {
            let _ = write!(signers, "{} ", self.say(told));
        }
        self.stated(&page.who_signs, signers.trim_end(), "signers");
        if !self.has(REVOKING) {
            let text = self.say(&page.take_back_words);
            self.stated(&page.take_back, &text, "take-back");
        }
        if !self.has(REFUSING) {
            let text = self.say(&page.not_signing_words);
            self.stated(&page.not_signing, &text, "not-signing");
        }
        let mut ends = sheet.kind.ends.as_ref().map(|told| self.say(told));
        if matches!(sheet.row.signers, super::Signers::Subject) {
            let minor = self.say(&page.minor_ends);
            ends = Some(ends.map_or(minor.clone(), |text| format!("{text} {minor}")));
        }
        if let Some(text) = ends {
            self.stated(&page.ends, &text, "ends");
        }
        if sheet.part2 {
            let text = self.say(&page.part2_words);
            self.stated(&page.part2, &text, "part2");
        }
    }

    fn stated(&mut self, title: &Told, html: &str, what: &str) {
        let title = self.say(title);
        self.put(&format!(
            "<p class=\"plain\" data-statement=\"{what}\"><strong>{title}.</strong> {html}</p>\n"
        ));
    }

    fn foot(&mut self, rule_set: &str) {
        let (sheet, page) = (self.sheet, &self.sheet.words.page);
        let mut notes = vec![self.say(&page.copy)];
        if sheet.row.alone != Alone::No {
            notes.push(self.say(&page.alone));
        }
        if sheet.row.single_use {
            notes.push(self.say(&page.single_use));
        }
        if sheet.kind.large_type {
            notes.push(self.say(&page.large_type));
        }
        if &*sheet.words.mark != "V" {
            notes.push(self.say(&page.unconfirmed));
        }
        notes.push(self.say(&page.disclaimer));
        let (kind, version) = (sheet.row.id, escaped(&sheet.words.version));
        let named = format!(
            "{} <code>{kind}</code>, {} {version}, {} {}, {} <code>{}</code>",
            self.say(&page.form),
            self.say(&page.version),
            self.say(&page.language),
            self.language.as_str(),
            self.say(&page.rules),
            escaped(rule_set),
        );
        let foot = format!(
            "<footer><p>{}</p>\n<p>{named}</p></footer>\n</body>\n</html>\n",
            notes.join(" ")
        );
        self.put(&foot);
    }
}
