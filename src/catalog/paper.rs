//! Paper forms of the files partners fill in: a sheet is a row, a box is a column.
//!
//! For programs that write by hand first and type later. The boxes are the columns of the row
//! schema and nothing else, in their order, so that who types finds each box's column by its name.
//! The page holds no script, loads nothing and knows nobody. It must never ask for what the file
//! has no column for.

use super::Sources;
use super::columns::{delimited, members};
use crate::base::language::{Language, escaped};
use serde_json::Value as Json;
use std::fmt::Write;

const STYLE: &str = include_str!("paper.css");

/// A sentence of the page in every language.
struct Told {
    en: &'static str,
    es: &'static str,
}

impl Told {
    fn is(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Spanish => self.es,
        }
    }
}

const DRAFT: Told = Told {
    en: "",
    es: "Borrador: traducción automática que nadie ha revisado todavía.",
};
const HOW: Told = Told {
    en: "One sheet is one row of the file, one box is one column. Leave empty what does not apply \
         or is not known. Write words in this type exactly as they stand:",
    es: "Una hoja es una fila del archivo y cada casilla es una columna. Deje vacío lo que no \
         aplica o no se sabe. Escriba las palabras con esta letra tal como aparecen:",
};
const MUST: Told = Told {
    en: "must be filled in",
    es: "es obligatorio",
};
const MORE: Told = Told {
    en: "For a further row of the same record use another sheet and write the same:",
    es: "Para otra fila del mismo registro use otra hoja y escriba lo mismo en:",
};
const SHEET: Told = Told {
    en: "Sheet ____ of ____",
    es: "Hoja ____ de ____",
};
const KEPT: Told = Told {
    en: "This sheet is confidential once it is filled in. Keep it locked; destroy it as your \
         program's rules say when it has been typed and checked.",
    es: "Una vez llena, esta hoja es confidencial. Guárdela bajo llave; destrúyala según las \
         reglas de su programa cuando se haya capturado y revisado.",
};

/// The sheet of one kind of file as an HTML page; `None` when the format or the file is unknown.
pub fn sheet(
    sources: &Sources,
    (format, record): (&str, &str),
    language: Language,
) -> Option<String> {
    let format = delimited(sources, format)?;
    let mut kinds = format.body.schema.iter().map(toml::Spanned::get_ref);
    let kind = kinds.find(|schema| schema.node_type == record)?;
    let rows = sources
        .schema_json
        .get(&format.schema_path(kind.file.get_ref()))?;
    let title = escaped(said(rows, "title", language).unwrap_or(record));
    let tag = language.as_str();
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    let draft = DRAFT.is(language);
    if !draft.is_empty() {
        let _ = writeln!(out, "<p class=\"draft\">{draft}</p>");
    }
    let (how, must, page) = (HOW.is(language), MUST.is(language), SHEET.is(language));
    let _ = writeln!(
        out,
        "<h1>{title}</h1>\n<p>{how} <code>in_person</code>. * {must}. {page}</p>"
    );
    if !kind.group_by.is_empty() {
        let names = escaped(&kind.group_by.join(", "));
        let _ = writeln!(out, "<p>{} <code>{names}</code></p>", MORE.is(language));
    }
    out.push_str("<div class=\"boxes\">\n");
    for (name, column) in members(rows) {
        boxed(&mut out, rows, (name, column), language);
    }
    let _ = write!(
        out,
        "</div>\n<footer><p>{}</p>\n<p><code>{}</code> <code>{}</code> {tag} <code>{}</code></p>\
         </footer>\n</body>\n</html>\n",
        KEPT.is(language),
        escaped(format.id.as_str()),
        escaped(record),
        escaped(sources.digest.as_str())
    );
    Some(out)
}

fn boxed(out: &mut String, rows: &Json, (name, column): (&String, &Json), language: Language) {
    let required = rows.get("required").and_then(Json::as_array);
    let must = required.is_some_and(|all| all.iter().any(|one| one == name));
    let star = if must { " *" } else { "" };
    let what = said(column, "description", language).unwrap_or_default();
    let _ = writeln!(
        out,
        "<section class=\"box\" data-column=\"{name}\"><div><b>{name}</b>{star}<br>\
         <small>{}</small></div><div class=\"line\"></div></section>",
        escaped(what),
        name = escaped(name)
    );
}

/// What a schema says in a language; where nobody has put it into that, in English.
fn said<'a>(schema: &'a Json, english: &str, language: Language) -> Option<&'a str> {
    let own = match language {
        Language::Spanish => schema.get("x-es"),
        Language::English => None,
    };
    let own = own.or_else(|| schema.get(english));
    own.and_then(Json::as_str)
}
