//! A workbook of one sheet, every cell of it text: templates and samples for those who fill them.
//!
//! The columns are formatted as text, so that the program they are filled with leaves zeros, days
//! and long numbers as they are typed. The same rows always give the same bytes.

use super::archive::crc32;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const TYPES: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
/// 1 January 1980, the first day the archive knows.
const DAY: u16 = 0x0021;

/// Writes rows of cells into a sheet of that name.
pub fn write<'t>(name: &str, rows: impl Iterator<Item = Vec<&'t str>>) -> Vec<u8> {
    let mut archive = Archive::default();
    let part = |name: &str, kind: &str| {
        format!("<Override PartName=\"/xl/{name}.xml\" ContentType=\"{TYPES}.{kind}+xml\"/>")
    };
    let parts = part("workbook", "sheet.main")
        + &part("worksheets/sheet1", "worksheet")
        + &part("styles", "styles");
    archive.add(
        "[Content_Types].xml",
        &format!(
            "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
             ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/xml\"/>{parts}</Types>"
        ),
    );
    let top = relation("r1", "officeDocument", "xl/workbook.xml");
    archive.add("_rels/.rels", &relations(&top));
    let inner = relation("r1", "worksheet", "worksheets/sheet1.xml")
        + &relation("r2", "styles", "styles.xml");
    archive.add("xl/_rels/workbook.xml.rels", &relations(&inner));
    archive.add(
        "xl/workbook.xml",
        &format!(
            "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>\
             <sheet name=\"{}\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
            escaped(name)
        ),
    );
    archive.add("xl/styles.xml", &styles());
    archive.add("xl/worksheets/sheet1.xml", &sheet(rows));
    archive.finish()
}

fn relation(id: &str, kind: &str, target: &str) -> String {
    format!("<Relationship Id=\"{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
}

fn relations(inner: &str) -> String {
    format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{inner}</Relationships>")
}

/// Style 1 is text (format 49, which every program knows).
fn styles() -> String {
    let xf =
        |format: u8| format!("<xf numFmtId=\"{format}\" fontId=\"0\" fillId=\"0\" borderId=\"0\"");
    // The first two fills are fixed by the standard.
    let fill = |pattern: &str| format!("<fill><patternFill patternType=\"{pattern}\"/></fill>");
    format!(
        "<styleSheet xmlns=\"{MAIN}\"><fonts count=\"1\"><font><sz val=\"11\"/>\
         <name val=\"Calibri\"/></font></fonts>\
         <fills count=\"2\">{}{}</fills><borders count=\"1\"><border/></borders>\
         <cellStyleXfs count=\"1\">{}/></cellStyleXfs><cellXfs count=\"2\">{} xfId=\"0\"/>\
         {} xfId=\"0\" applyNumberFormat=\"1\"/></cellXfs></styleSheet>",
        fill("none"),
        fill("gray125"),
        xf(0),
        xf(0),
        xf(49)
    )
}

fn sheet<'t>(rows: impl Iterator<Item = Vec<&'t str>>) -> String {
    let mut out = format!(
        "<worksheet xmlns=\"{MAIN}\"><cols><col min=\"1\" max=\"512\" width=\"16\" style=\"1\" \
         customWidth=\"1\"/></cols><sheetData>"
    );
    for (number, cells) in (1_usize..).zip(rows) {
        out.push_str(&format!("<row r=\"{number}\">"));
        for (column, text) in (1_usize..).zip(cells) {
            if !text.is_empty() {
                out.push_str(&format!(
                    "<c r=\"{}{number}\" s=\"1\" t=\"inlineStr\"><is>\
                     <t xml:space=\"preserve\">{}</t></is></c>",
                    letters(column),
                    escaped(text)
                ));
            }
        }
        out.push_str("</row>");
    }
    out.push_str("</sheetData></worksheet>");
    out
}

/// The letters of a column, from one.
fn letters(mut column: usize) -> String {
    let mut out = Vec::new();
    while column > 0 {
        let rest = u8::try_from((column - 1) % 26).unwrap_or_default();
        out.push(char::from(b'A' + rest));
        column = (column - 1) / 26;
    }
    out.iter().rev().collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A bare one would be read as a line feed.
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
    out
}

/// An archive of parts as they are, not packed.
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    central: Vec<u8>,
    count: u16,
}

impl Archive {
    fn add(&mut self, name: &str, xml: &str) {
        let text = format!("{HEAD}{xml}");
        let at = clipped(self.bytes.len());
        let mut head = Vec::new();
        // Version needed, flags, method, time, day.
        for short in [20, 0, 0, 0, DAY] {
            head.extend(short.to_le_bytes());
        }
        let size = clipped(text.len());
        for long in [crc32(text.as_bytes()), size, size] {
            head.extend(long.to_le_bytes());
        }
        let name_bytes = u16::try_from(name.len()).unwrap_or(u16::MAX);
        head.extend(name_bytes.to_le_bytes());
        head.extend([0, 0]);
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&head);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(text.as_bytes());
        self.central.extend(b"PK\x01\x02\x14\x00");
        self.central.extend(&head);
        // No comment, one disk, no attributes.
        self.central.extend([0; 10]);
        self.central.extend(at.to_le_bytes());
        self.central.extend(name.as_bytes());
        self.count = self.count.saturating_add(1);
    }

    fn finish(mut self) -> Vec<u8> {
        let (at, size) = (clipped(self.bytes.len()), clipped(self.central.len()));
        self.bytes.append(&mut self.central);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(at.to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes
    }
}

fn clipped(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
