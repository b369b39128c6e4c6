//! Goal: every printable form stays on one sheet of letter paper, in both languages. Method: the
//! page is laid out by hand after its own style sheet, line by line, with the widths of Helvetica
//! (Arial and Liberation Sans have the same); a line breaks where the next word does not fit.

use crate::forms::page;
use kinbridge::base::vocabulary::ConsentKind;
use kinbridge::disclosure::sheet::Language;
use kinbridge::rules::Rules;

/// Points a sheet leaves between its margins: 11 in less twice 0.35 in.
const HEIGHT: f64 = (11.0 - 0.7) * 72.0;
/// What a browser may set otherwise than this: two lines of the large type.
const RESERVE: f64 = 28.0;
/// The width of the text: 7.4 in.
const WIDTH: f64 = 7.4 * 72.0;

/// Widths of Helvetica in thousandths of its size, from the space to the tilde.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
/// Bold is wider by no more than this.
const BOLD: f64 = 1.1;

/// How text is set.
#[derive(Clone, Copy)]
struct Face {
    size: f64,
    /// Height of a line over the size.
    lead: f64,
    bold: bool,
}

impl Face {
    fn line(self) -> f64 {
        self.size * self.lead
    }

    fn width(self, text: &str) -> f64 {
        let of = |c: char| {
            let plain = "áéíóúüñÁÉÍÓÚÜÑ¿¡".chars().zip("aeiouunAEIOUUN?!".chars());
            let plain = plain.into_iter().find(|(own, _)| *own == c);
            let c = plain.map_or(c, |(_, plain)| plain);
            let known = (c as usize).checked_sub(32).and_then(|at| WIDTHS.get(at));
            f64::from(*known.unwrap_or_else(|| panic!("no width of {c:?}")))
        };
        let thousandths: f64 = text.chars().map(of).sum();
        thousandths / 1000.0 * self.size * if self.bold { BOLD } else { 1.0 }
    }

    /// The height of a paragraph whose first line begins further in.
    fn height(self, text: &str, width: f64, indent: f64) -> f64 {
        let (mut lines, mut used) = (1.0, indent);
        for word in text.split_whitespace() {
            let wide = self.width(word);
            let space = if used == 0.0 { 0.0 } else { self.width(" ") };
            if used + space + wide <= width {
                used += space + wide;
                continue;
            }
            // A word longer than a line (the digest of the rules) breaks anywhere.
            lines += (wide / width).ceil();
            used = wide % width;
        }
        lines * self.line()
    }
}

/// What stands between two marks, and what follows it.
fn between<'a>(text: &'a str, from: &str, to: &str) -> (&'a str, &'a str) {
    let (_, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("{from} in {text}"));
    rest.split_once(to)
        .unwrap_or_else(|| panic!("{to} in {rest}"))
}

/// The pieces that begin with a mark.
fn pieces<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(mark).skip(1)
}

/// Text without tags.
fn bare(html: &str) -> String {
    let mut out = String::new();
    for (at, part) in html.split('<').enumerate() {
        let text = if at == 0 {
            part
        } else {
            part.split_once('>').map_or("", |(_, text)| text)
        };
        out.push_str(text);
    }
    let named = [
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    named
        .iter()
        .fold(out, |text, (name, c)| text.replace(name, c))
}

struct Sheet {
    text: Face,
    bold: Face,
    /// Height of a line to write on.
    blank: f64,
    /// Gaps between boxes: below and beside.
    gaps: (f64, f64),
    /// Whether a box's title and text share a line.
    runs_in: bool,
}

impl Sheet {
    fn of(page: &str) -> Sheet {
        let runs_in = page.contains("<body class=\"large\">");
        let (size, lead, blank, gaps) = match runs_in {
            true => (14.0, 1.02, 1.1, (0.2, 0.4)),
            false => (10.5, 1.2, 1.35, (0.3, 0.5)),
        };
        let text = Face {
            size,
            lead,
            bold: false,
        };
        Sheet {
            text,
            bold: Face { bold: true, ..text },
            blank: blank * size,
            gaps: (gaps.0 * size, gaps.1 * size),
            runs_in,
        }
    }

    fn em(&self, ems: f64) -> f64 {
        ems * self.text.size
    }

    /// Height of the classes to tick, in two columns of lines.
    fn ticks(&self, html: &str, width: f64) -> f64 {
        let column = (width - self.em(1.0)) / 2.0;
        let items = pieces(html, "<li ").map(|item| {
            let (item, _) = item.split_once("</li>").expect("an item");
            let text = bare(&format!("<{item}"));
            self.text.height(&text, column, self.em(1.2))
        });
        let items: Vec<f64> = items.collect();
        // The columns are balanced: the first holds so many that the taller one is least tall.
        let taller = (0..=items.len()).map(|at| {
            let (first, second) = items.split_at(at);
            first.iter().sum::<f64>().max(second.iter().sum())
        });
        taller.fold(f64::MAX, f64::min) + self.em(0.3)
    }

    fn section(&self, html: &str, width: f64) -> f64 {
        let width = width - 2.0 - self.em(0.8);
        let (title, rest) = between(html, "<h2>", "</h2>");
        let (text, rest) = between(rest, "<p>", "</p>");
        let mut height = 2.0 + self.em(0.45);
        let (_, title) = title.split_once("</b>").expect("a number");
        let (title, text) = (bare(title), bare(text));
        height += match self.runs_in {
            // The text goes on behind its title.
            true => {
                let title = self.em(1.3) + self.bold.width(&title);
                let full = (title / width).floor() * self.text.line();
                full + self.text.height(&text, width, title % width)
            }
            false => {
                let title = self.bold.height(&title, width, self.em(1.3));
                title + self.text.height(&text, width, 0.0)
            }
        };
        if rest.contains("<ul>") {
            height += self.ticks(rest, width);
        }
        height + self.blank * pieces(rest, "class=\"line\"").count() as f64
    }

    /// Rows of two where both may share one; what is left over takes the whole width.
    fn rows(&self, items: &[(bool, &str)], height: impl Fn(&str, f64) -> f64) -> f64 {
        let half = (WIDTH - self.gaps.1) / 2.0;
        let (mut total, mut at, mut rows) = (0.0, 0, 0.0);
        while let Some((wide, item)) = items.get(at) {
            let beside = items.get(at + 1).filter(|(next, _)| !wide && !next);
            total += match beside {
                Some((_, next)) => height(item, half).max(height(next, half)),
                None => height(item, WIDTH),
            };
            at += 1 + usize::from(beside.is_some());
            rows += 1.0;
        }
        total + (rows - 1.0) * self.gaps.0
    }

    fn height(&self, page: &str) -> f64 {
        let (_, body) = page.split_once("<body").expect("a body");
        let mut total = 0.0;
        if body.contains("class=\"draft\"") {
            let (draft, _) = between(body, "class=\"draft\">", "</p>");
            let inside = WIDTH - 4.0 - self.em(1.0);
            total += self.bold.height(&bare(draft), inside, 0.0) + 4.0 + self.em(0.4 + 0.35);
        }
        let (title, rest) = between(body, "<h1>", "</h1>");
        let head = Face {
            size: self.em(1.25),
            lead: 1.1,
            bold: true,
        };
        total += head.height(&bare(title), WIDTH, 0.0) + self.em(1.25 * 0.25);
        let (filing, rest) = between(rest, "<div class=\"filing\">\n", "<div class=\"boxes\">");
        let (filing, loose) = filing.split_once("<h2>").unwrap_or((filing, ""));
        let blanks: Vec<(bool, &str)> = pieces(filing, "<div>").map(|one| (false, one)).collect();
        total += self.em(0.35);
        total += self.rows(&blanks, |one, width| {
            let (text, _) = one.split_once("<div").expect("a line");
            self.text.height(&bare(text), width, 0.0) + self.blank
        });
        if !loose.is_empty() {
            total += self.bold.line() + self.ticks(loose, WIDTH);
        }
        let (boxes, rest) = rest.split_once("<p class=\"plain\"").expect("statements");
        let sections = pieces(boxes, "<section class=\"box");
        let sections: Vec<(bool, &str)> = sections
            .map(|one| (one.starts_with(" wide"), one))
            .collect();
        if !sections.is_empty() {
            total += self.rows(&sections, |one, width| self.section(one, width));
        }
        total += self.em(0.35);
        let (plain, foot) = rest.split_once("<footer>").expect("a foot");
        for one in plain.split("<p class=\"plain\"") {
            let text = bare(&format!("<{one}"));
            // The words before the first stop are bold.
            let (start, more) = text.split_once(". ").unwrap_or((&text, ""));
            let start = self.bold.width(start);
            let lines = self.text.height(more, WIDTH, start % WIDTH);
            total += lines + (start / WIDTH).floor() * self.text.line() + self.em(0.2);
        }
        let small = Face {
            size: 7.5,
            lead: 1.2,
            bold: false,
        };
        let notes = pieces(foot, "<p>").map(|one| {
            let (one, _) = one.split_once("</p>").expect("a paragraph");
            // What is in `code` is of one width, wider than the text.
            let wide = pieces(one, "<code>").map(|code| {
                let (code, _) = code.split_once("</code>").expect("an end");
                code.len() as f64 * 0.6 * small.size - small.width(code)
            });
            small.height(
                &bare(one),
                WIDTH - wide.sum::<f64>().clamp(0.0, WIDTH / 2.0),
                0.0,
            )
        });
        total + 0.75 + 7.5 * 0.2 + notes.sum::<f64>()
    }
}

#[test]
fn every_form_stays_on_one_sheet() {
    let rules = Rules::load(&[]).expect("rules");
    let (mut long, mut told) = (Vec::new(), String::new());
    for kind in ConsentKind::ALL {
        for language in Language::ALL {
            let page = page(&rules, *kind, *language);
            let height = Sheet::of(&page).height(&page);
            assert!(height > 150.0, "{kind}: nothing was measured");
            told.push_str(&format!("{kind} {}: {height:.0} pt\n", language.as_str()));
            if height + RESERVE > HEIGHT {
                long.push(format!("{kind} {}: {height:.0} pt", language.as_str()));
            }
        }
    }
    assert!(
        long.is_empty(),
        "of {HEIGHT:.0} pt less {RESERVE:.0}: {long:?}\n{told}"
    );
}

#[test]
fn a_longer_text_is_a_longer_page() {
    // Goal: the measure measures. Method: text of known lengths; a page with a box's text doubled.
    let face = Face {
        size: 10.0,
        lead: 1.2,
        bold: false,
    };
    assert!((face.width("nnnn") - 22.24).abs() < 0.001);
    assert!((face.height("nnnn nnnn nnnn", 50.0, 0.0) - 24.0).abs() < 0.001);
    let rules = Rules::load(&[]).expect("rules");
    let page = page(&rules, ConsentKind::HipaaAuth, Language::Spanish);
    let sheet = Sheet::of(&page);
    let (text, _) = between(&page, "<p>", "</p>");
    let longer = page.replacen(text, &format!("{text} {}", text.repeat(4)), 1);
    assert!(sheet.height(&longer) > sheet.height(&page) + sheet.text.line());
}
