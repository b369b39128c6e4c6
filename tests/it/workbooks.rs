//! Goal: a workbook's sheets are read by the mappings of the files of rows they stand for, and
//! what a workbook can do that a file of rows cannot does no harm. Method: workbooks written here
//! part by part, packed and not, good ones and hostile ones.

use crate::release::rules_over;
use kinbridge::base::finding::Finding;
use kinbridge::base::id::{ChannelId, FormatId, PartnerId, RecordType};
use kinbridge::format::delimited::Dialect;
use kinbridge::format::tree::Node;
use kinbridge::format::workbook::Workbook;
use kinbridge::intake::read::{Reading, read, read_of};
use kinbridge::rules::Rules;
use std::sync::OnceLock;

const PARTNER: &str = r#"
id = "book-sender"
name = "Book Sender"
role = "ppp"
mode = "test"
[[channel]]
name = "books"
direction = "in"
format = "provider-xlsx/1.0"
records = ["person", "engagement-contact"]
[channel.reads]
zone = "America/Los_Angeles"
blank_rows = true
"#;

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| rules_over(&[], &[PARTNER]))
}

const RELS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A workbook being written.
struct Book {
    sheets: Vec<(String, String)>,
    shared: String,
    styles: String,
    before: String,
    packed: bool,
}

impl Book {
    fn new() -> Book {
        Book {
            sheets: Vec::new(),
            shared: String::new(),
            styles: String::new(),
            before: String::new(),
            packed: true,
        }
    }

    fn sheet(mut self, name: &str, rows: &str) -> Book {
        self.sheets.push((name.to_owned(), rows.to_owned()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut zip = Zip::default();
        let list: String = (1..=self.sheets.len())
            .zip(&self.sheets)
            .map(|(at, (name, _))| {
                format!("<sheet name=\"{name}\" sheetId=\"{at}\" r:id=\"r{at}\"/>")
            })
            .collect();
        let related: String = (1..=self.sheets.len())
            .map(|at| {
                relation(
                    &format!("r{at}"),
                    "worksheet",
                    &format!("worksheets/s{at}.xml"),
                )
            })
            .collect();
        let top = relation("r1", "officeDocument", "xl/workbook.xml");
        zip.add("_rels/.rels", &relations(&top), self.packed);
        let book = format!(
            "<workbook xmlns:r=\"{RELS}\">{}<sheets>{list}</sheets></workbook>",
            self.before
        );
        zip.add("xl/workbook.xml", &book, self.packed);
        let more = relation("s", "sharedStrings", "sharedStrings.xml")
            + &relation("t", "styles", "/xl/styles.xml");
        let related = relations(&(related + &more));
        zip.add("xl/_rels/workbook.xml.rels", &related, self.packed);
        let shared = format!("<sst>{}</sst>", self.shared);
        zip.add("xl/sharedStrings.xml", &shared, self.packed);
        let styles = format!("<styleSheet>{}</styleSheet>", self.styles);
        zip.add("xl/styles.xml", &styles, self.packed);
        for (at, (_, rows)) in (1..).zip(&self.sheets) {
            let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
            zip.add(&format!("xl/worksheets/s{at}.xml"), &sheet, self.packed);
        }
        zip.finish()
    }
}

fn relation(id: &str, kind: &str, target: &str) -> String {
    format!("<Relationship Id=\"{id}\" Type=\"{RELS}/{kind}\" Target=\"{target}\"/>")
}

fn relations(inner: &str) -> String {
    format!("<Relationships>{inner}</Relationships>")
}

/// An archive being written.
#[derive(Default)]
struct Zip {
    bytes: Vec<u8>,
    central: Vec<u8>,
    count: u16,
}

impl Zip {
    fn add(&mut self, name: &str, text: &str, packed: bool) {
        let data = match packed {
            true => miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6),
            false => text.as_bytes().to_vec(),
        };
        let at = u32::try_from(self.bytes.len()).expect("small");
        let mut head = Vec::new();
        for short in [20, 0, if packed { 8 } else { 0 }, 0, 0_u16] {
            head.extend(short.to_le_bytes());
        }
        let sizes = [data.len(), text.len()].map(|size| u32::try_from(size).expect("small"));
        for long in [crc(text.as_bytes()), sizes[0], sizes[1]] {
            head.extend(long.to_le_bytes());
        }
        head.extend(u16::try_from(name.len()).expect("short").to_le_bytes());
        head.extend(0_u16.to_le_bytes());
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&head);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(data);
        self.central.extend(b"PK\x01\x02\x14\x00");
        self.central.extend(&head);
        self.central.extend([0; 10]);
        self.central.extend(at.to_le_bytes());
        self.central.extend(name.as_bytes());
        self.count += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let at = u32::try_from(self.bytes.len()).expect("small");
        let size = u32::try_from(self.central.len()).expect("small");
        self.bytes.extend(&self.central);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        for count in [self.count, self.count] {
            self.bytes.extend(count.to_le_bytes());
        }
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(at.to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes
    }
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// A row of texts standing in their cells.
fn row(number: usize, cells: &[&str]) -> String {
    let cell = |(at, text): (usize, &&str)| match text.is_empty() {
        true => String::new(),
        false => {
            let letter = char::from(b'A' + u8::try_from(at).expect("few"));
            format!("<c r=\"{letter}{number}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
        }
    };
    let cells: String = cells.iter().enumerate().map(cell).collect();
    format!("<row r=\"{number}\">{cells}</row>")
}

fn types() -> [RecordType; 2] {
    [
        RecordType::new("person"),
        RecordType::new("engagement-contact"),
    ]
}

fn undeclared(bytes: &[u8]) -> Reading {
    read(
        rules(),
        &FormatId::new("provider-xlsx/1.0"),
        &types(),
        bytes,
    )
}

fn declared(bytes: &[u8]) -> Reading {
    let partner = rules().partners.get(&PartnerId::new("book-sender"));
    let channel = partner.and_then(|it| it.channel(&ChannelId::new("books")));
    read_of(rules(), channel.expect("the channel"), bytes)
}

fn told(reading: &Reading) -> Vec<&Finding> {
    let own = reading.records.iter().flat_map(|record| &record.findings);
    reading.findings.iter().chain(own).collect()
}

fn places(reading: &Reading) -> Vec<String> {
    let all = told(reading);
    let place = |it: &&Finding| {
        assert_eq!((it.line, it.column), (None, None), "a sheet has no lines");
        format!("{} at {}", it.code, it.path)
    };
    all.iter().map(place).collect()
}

fn roots(reading: &Reading) -> Vec<Node> {
    let records = reading.records.iter().filter_map(|it| it.record.as_ref());
    records.map(|record| record.root.clone()).collect()
}

fn csv(text: &str) -> Vec<Node> {
    let reading = read(
        rules(),
        &FormatId::new("provider-csv/1.0"),
        &types(),
        text.as_bytes(),
    );
    assert!(told(&reading).is_empty(), "{:?}", told(&reading));
    roots(&reading)
}

const CONTACT: [&str; 9] = [
    "contact_id",
    "src",
    "start",
    "subject_id",
    "subject_last",
    "mode",
    "result",
    "minutes",
    "county",
];

// Goal: a workbook gives the very records of the files its sheets stand for, in their order, the
// spans of rows of one record with it. Method: two sheets and two files.
#[test]
fn sheets_are_read_as_the_files_they_stand_for() {
    let start = "2026-09-01T10:00:00-07:00";
    let rows = [
        CONTACT,
        [
            "k1",
            "case",
            start,
            "TF-1",
            "Exemplar",
            "phone",
            "completed",
            "15",
            "06067",
        ],
        ["k1", "", "", "", "", "", "", "", ""],
        [
            "k2",
            "case",
            start,
            "TF-2",
            "\"Spec\", men",
            "phone",
            "completed",
            "15",
            "06067",
        ],
    ];
    let contacts: String = (1..).zip(&rows).map(|(at, cells)| row(at, cells)).collect();
    let people = [["person_id", "last"], ["TF-1", "Exemplar"]];
    let persons: String = (1..)
        .zip(&people)
        .map(|(at, cells)| row(at, cells))
        .collect();
    let quoted = |cell: &&str| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |cells: &[&str]| cells.iter().map(quoted).collect::<Vec<_>>().join(",");
    let file: Vec<String> = rows.iter().map(|cells| line(cells)).collect();
    let mut wanted = csv(&file.join("\n"));
    let file: Vec<String> = people.iter().map(|cells| line(cells)).collect();
    wanted.extend(csv(&file.join("\n")));
    assert_eq!(wanted.len(), 3);
    for packed in [true, false] {
        let contacts = contacts.replace("\"Spec\"", "&quot;Spec&#34;");
        let mut book = Book::new().sheet("contacts", &contacts).sheet("Empty", "");
        book = book.sheet("person", &persons);
        book.packed = packed;
        let reading = undeclared(&book.bytes());
        assert_eq!(places(&reading), Vec::<String>::new());
        assert_eq!(roots(&reading), wanted);
    }
}

// Goal: cells are what they are meant as: shared text, days and times by their style, the value a
// formula was saved with, digits by their format. Method: a contact of such cells.
#[test]
fn cells_are_read_as_they_are_meant() {
    let mut book = Book::new();
    book.shared = "<si><t>k1</t></si><si><r><t>Exem</t></r><r><t>plar</t></r>\
        <rPh><t>spoken</t></rPh></si>"
        .to_owned();
    book.styles = "<numFmts><numFmt numFmtId=\"170\" formatCode=\"yyyy-mm-dd hh:mm\"/>\
        <numFmt numFmtId=\"171\" formatCode=\"00000\"/></numFmts>\
        <cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs>\
        <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\"/><xf numFmtId=\"171\"/></cellXfs>"
        .to_owned();
    let cells = "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c><c r=\"B2\" t=\"str\"><f>X1</f>\
        <v>case</v></c><c r=\"C2\" s=\"1\"><v>46266.416666666664</v></c><c t=\"inlineStr\"><is>\
        <t>TF-1</t></is></c><c t=\"s\"><v>1</v></c><c t=\"str\"><v>phone</v></c><c t=\"str\">\
        <v>completed</v></c><c><f>5*3</f><v>15</v></c><c r=\"I2\" s=\"2\"><v>6067</v></c></row>";
    let book = book.sheet("engagement-contact", &(row(1, &CONTACT) + cells));
    let bytes = book.bytes();
    let wanted = csv(&format!(
        "{}\nk1,case,2026-09-01T10:00:00-07:00,TF-1,Exemplar,phone,completed,15,06067\n",
        CONTACT.join(",")
    ));
    let reading = declared(&bytes);
    assert_eq!(places(&reading), Vec::<String>::new());
    assert_eq!(roots(&reading), wanted);
    // Without a zone nobody can say when it was.
    let found = places(&undeclared(&bytes));
    let wanted = "cell-time-zone at sheet engagement-contact, row 2, column start";
    assert_eq!(found, [wanted]);
}

// Goal: a finding names sheet, row and column, and never what somebody typed. Method: errors of
// several kinds in the second sheet, below an empty row.
#[test]
fn a_finding_names_sheet_row_and_column() {
    let head = row(1, &["person_id", "dob", "county", "Ada Testperson"]);
    let wrong = row(4, &["TF-1", "1991-02-30", "06067", "x"]);
    let formula = "<row r=\"5\"><c r=\"A5\" t=\"str\"><v>TF-2</v></c><c r=\"B5\"><f>A1</f></c>\
        <c r=\"C5\" t=\"e\"><v>#N/A</v></c></row>";
    let book = Book::new()
        .sheet("Cover", "")
        .sheet("Ada Testperson", &(head + &wrong + formula));
    let found = places(&undeclared(&book.bytes()));
    for place in [
        "row-blank at sheet 2, row 2",
        "date-impossible at sheet 2, row 4, column dob",
        "wire-unknown-field at sheet 2, row 4, column ?4",
        "cell-not-computed at sheet 2, row 5, column dob",
        "cell-error-word at sheet 2, row 5, column county",
    ] {
        assert!(found.iter().any(|it| it == place), "{place}: {found:?}");
    }
    assert_eq!(found.len(), 5, "{found:?}");
    let blank = places(&declared(&book.bytes()));
    assert!(
        !blank.iter().any(|it| it.starts_with("row-blank")),
        "{blank:?}"
    );
    let strange = Book::new().sheet("Notes", &row(1, &["what", "ever"]));
    let found = places(&undeclared(&strange.bytes()));
    assert_eq!(found, ["header-invalid at sheet 1, row 1"]);
}

// Goal: an id that comes again is told with the sheet it stood in. Method: two sheets.
#[test]
fn an_id_that_comes_again_is_told_with_both_places() {
    let sheet = |last: &str| row(1, &["person_id", "last"]) + &row(2, &["TF-1", last]);
    let book = Book::new()
        .sheet("a", &sheet("Exemplar"))
        .sheet("b", &sheet("Other"));
    let reading = undeclared(&book.bytes());
    let all = told(&reading);
    assert_eq!(all.len(), 2, "{all:?}");
    for (told, (own, other)) in all.iter().zip([(1, 2), (2, 1)]) {
        assert_eq!(told.code, "record-contradicted");
        assert!(
            told.path.starts_with(&format!("sheet {own}, row 2")),
            "{told:?}"
        );
        assert!(
            told.message.ends_with(&format!("(sheet {other}, row 2)")),
            "{told:?}"
        );
    }
    assert!(roots(&reading).is_empty());
}

// Goal: rows of a sheet nobody sees are not read without a word, and blanks behind the table are
// nothing. Method: one sheet shown and one hidden; the same table with blanks to its right.
#[test]
fn a_hidden_sheet_is_told_by_its_place_and_blanks_behind_a_table_are_nothing() {
    let sheet = |id: &str| row(1, &["person_id", "last"]) + &row(2, &[id, "Exemplar"]);
    let more = sheet("TF-2") + &row(3, &["TF-3", "Specimen"]);
    let plain = Book::new()
        .sheet("a", &sheet("TF-1"))
        .sheet("Ada Testperson", &more);
    assert_eq!(places(&undeclared(&plain.bytes())), Vec::<String>::new());
    for state in ["hidden", "veryHidden"] {
        let name = format!("Ada Testperson\" state=\"{state}");
        let book = Book::new().sheet("a", &sheet("TF-1")).sheet(&name, &more);
        let reading = undeclared(&book.bytes());
        assert_eq!(places(&reading), ["sheet-hidden at sheet 2"], "{state}");
        assert!(told(&reading).iter().all(|it| !it.is_error()));
        assert_eq!(roots(&reading).len(), 3, "{state}");
    }
    let wide = row(1, &["person_id", "last", " ", ""]) + &row(2, &["TF-1", "Exemplar", "", "  "]);
    let reading = undeclared(&Book::new().sheet("a", &wide).bytes());
    assert_eq!(places(&reading), Vec::<String>::new());
    assert_eq!(roots(&reading).len(), 1);
    let beside = row(1, &["person_id", "last"]) + &row(2, &["TF-1", "Exemplar", "", "R"]);
    let reading = undeclared(&Book::new().sheet("a", &beside).bytes());
    assert_eq!(places(&reading), ["row-length-mismatch at sheet 1, row 2"]);
}

fn refused(bytes: Vec<u8>) -> String {
    let codes: Vec<String> = told(&undeclared(&bytes))
        .iter()
        .map(|f| f.code.to_string())
        .collect();
    assert_eq!(codes.len(), 1, "{codes:?}");
    codes.concat()
}

// Goal: what is no workbook is told as that, and nothing panics. Method: other files, a workbook
// with each byte changed or cut off there.
#[test]
fn what_is_no_workbook_is_told() {
    assert_eq!(
        refused(b"contact_id,start\nk1,2026\n".to_vec()),
        "workbook-unreadable"
    );
    assert_eq!(refused(Vec::new()), "workbook-unreadable");
    let old = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on".to_vec();
    assert_eq!(refused(old), "workbook-locked");
    let mut other = Zip::default();
    other.add("word/document.xml", "<w/>", true);
    assert_eq!(refused(other.finish()), "workbook-unreadable");
    let good = Book::new().sheet("p", &row(1, &["person_id"])).bytes();
    for at in 0..good.len() {
        let mut wrong = good.clone();
        wrong[at] ^= 0x55;
        drain(wrong);
        drain(good[..at].to_vec());
    }
}

fn drain(bytes: Vec<u8>) -> Vec<String> {
    let mut out = Vec::new();
    match Workbook::open(bytes) {
        Err(trouble) => out.push(Finding::from(trouble).code.to_string()),
        Ok(mut book) => {
            while let Some(sheet) = book.next_sheet(&Dialect::default()) {
                out.extend(sheet.err().map(|finding| finding.code.to_string()));
            }
        }
    }
    out
}

// Goal: a small file never becomes a large one in memory. Method: each thing that grows, beyond
// its limit: a part, empty rows, cells that share one text, columns, cells.
#[test]
fn a_bomb_is_a_finding() {
    let head = row(1, &["person_id", "last"]);
    let blanks = " ".repeat(70 << 20);
    let large = Book::new().sheet("p", &(head.clone() + &blanks));
    assert!(large.bytes().len() < 1 << 20, "it is small");
    let far = Book::new().sheet("p", &(head.clone() + &row(1_000_000, &["TF-1"])));
    let wide = "<row r=\"2\"><c r=\"ZZZ2\" t=\"str\"><v>x</v></c></row>";
    let wide = Book::new().sheet("p", &(head.clone() + wide));
    let many = "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c></row>";
    let many: String = (2..2_000)
        .map(|at| many.replace('2', &at.to_string()))
        .collect();
    let mut shared = Book::new().sheet("p", &(head.clone() + &many));
    shared.shared = format!("<si><t>{}</t></si>", "x".repeat(40_000));
    for book in [large, far, wide, shared] {
        assert_eq!(drain(book.bytes()), ["size-exceeded"]);
    }
    let cells = "<c/>".repeat(1_000_001);
    let cells = Book::new().sheet("p", &format!("{head}<row r=\"2\">{cells}</row>"));
    assert_eq!(drain(cells.bytes()), ["size-exceeded"]);
    let mut entity = Book::new().sheet("p", &head);
    entity.before = "<!DOCTYPE x [<!ENTITY a \"b\">]>".to_owned();
    assert_eq!(drain(entity.bytes()), ["workbook-unreadable"]);
}

// Goal: what is written as a workbook reads back as it was, awkward cells too. Method: rows of such
// cells through the format's own writer and reader; the header alone as the template.
#[test]
fn what_is_written_reads_back() {
    let wire = rules().wires.get(&FormatId::new("provider-xlsx/1.0"));
    let wire = wire.expect("the format is shipped");
    let awkward = ["=1+1", "'tis", "007", "<&\">", "a\r\nb", " x ", "1.2E", "é"];
    let mut rows = Node::array();
    for (at, text) in awkward.iter().enumerate() {
        let mut row = Node::object();
        row.set("person_id", Node::string(format!("TF-{at}")));
        row.set("addr1", Node::string(*text));
        rows.items_mut().expect("a list").push(row);
    }
    let bytes = wire.write(&rows);
    let units: Vec<_> = wire.units(&bytes).collect();
    assert_eq!(units.len(), awkward.len());
    for (unit, wanted) in units.into_iter().zip(rows.items()) {
        let parsed = wire.parse(&unit.expect("a row"));
        assert!(parsed.findings.is_empty(), "{:?}", parsed.findings);
        assert_eq!(
            parsed.tree.expect("rows").items(),
            std::slice::from_ref(wanted)
        );
    }
    let sources = &rules().sources;
    let template = |format: &str, record: &str| {
        kinbridge::catalog::columns::workbook_template(sources, format, record)
    };
    let book = template("provider-xlsx/1.0", "person").expect("a template");
    assert_eq!(drain(book.clone()), Vec::<String>::new());
    assert!(
        told(&undeclared(&book))
            .iter()
            .all(|it| it.code == "record-type-unknown")
    );
    assert_eq!(template("provider-csv/1.0", "person"), None);
    assert_eq!(template("provider-xlsx/1.0", "letter"), None);
}
