//! Rules of the splitter, one test each.

use super::*;
use crate::base::finding::LineIndex;

/// Everything a stream gives when it comes in chunks of that size: text and lines, or a code.
fn cut(kind: &SplitKind, max: usize, bytes: &[u8], chunk: usize) -> Vec<String> {
    let mut splitter = Splitter::new(kind.clone(), max);
    let mut out = Vec::new();
    let take = |splitter: &mut Splitter, out: &mut Vec<String>| {
        while let Some(next) = splitter.next_unit() {
            out.push(match next {
                Ok(u) => {
                    let text = String::from_utf8_lossy(&u.bytes).into_owned();
                    format!("{} {} {text}", u.first_line, u.first_row)
                }
                Err(finding) => format!("{} line {:?}", finding.code, finding.line),
            });
        }
    };
    for part in bytes.chunks(chunk) {
        splitter.push(part);
        take(&mut splitter, &mut out);
    }
    splitter.finish();
    take(&mut splitter, &mut out);
    out
}

/// The same for every size of chunk.
fn all_chunks(kind: &SplitKind, max: usize, bytes: &[u8]) -> Vec<String> {
    let whole = cut(kind, max, bytes, bytes.len().max(1));
    for chunk in 1..bytes.len() {
        assert_eq!(cut(kind, max, bytes, chunk), whole, "chunks of {chunk}");
    }
    whole
}

fn delimited(group_by: &[&str]) -> SplitKind {
    SplitKind::Delimited {
        dialect: Dialect::default(),
        group_by: group_by.iter().map(|name| Text::from(*name)).collect(),
    }
}

// Goal: one unit per line with its line, blank lines skipped, a mark tolerated, the last line with
// or without its end. Method: one stream in all chunk sizes.
#[test]
fn lines_are_units() {
    let bytes = b"\xEF\xBB\xBF{\"a\":1}\r\n\n \n{\"b\":2}\n[3]";
    assert_eq!(
        all_chunks(&SplitKind::Lines, 100, bytes),
        ["1 1 {\"a\":1}\r\n", "4 1 {\"b\":2}\n", "5 1 [3]"]
    );
    assert!(all_chunks(&SplitKind::Lines, 100, b"").is_empty());
}

// Goal: a unit too large is told with its line and the rest still comes. Method: a long line
// between short ones.
#[test]
fn a_line_too_large_is_told_and_passed() {
    let bytes = b"1\n22222222222222222222222222\n3\n";
    let expected = ["1 1 1\n", "size-exceeded line Some(2)", "3 1 3\n"];
    assert_eq!(all_chunks(&SplitKind::Lines, 8, bytes), expected);
    let whole = all_chunks(&SplitKind::Whole, 8, bytes);
    assert_eq!(whole, ["size-exceeded line Some(1)"]);
    assert_eq!(all_chunks(&SplitKind::Whole, 99, b"[1]"), ["1 1 [1]"]);
}

// Goal: memory is bounded by the unit limit whatever comes. Method: a stream without a line end.
#[test]
fn memory_is_bounded() {
    for kind in [SplitKind::Lines, delimited(&["a"]), SplitKind::Whole] {
        let mut splitter = Splitter::new(kind, 1_000);
        splitter.push(b"a,b\n1,\"");
        for _ in 0..1_000 {
            while splitter.next_unit().is_some() {}
            splitter.push(&[b'x'; 100]);
            assert!(splitter.buffer.len() <= 1_300, "{}", splitter.buffer.len());
        }
    }
}

// Goal: a delimited unit is one row; quoted line ends do not cut; lines and row
// numbers are the sender's. Method: a file with both, located through LineIndex.
#[test]
fn rows_are_units_with_the_senders_lines() {
    let bytes = b"id,note\r\n1,\"a\r\nb\"\r\n\r\n2,c\r\n";
    let units = all_chunks(&delimited(&[]), 100, bytes);
    assert_eq!(units, ["2 2 1,\"a\r\nb\"\r", "5 4 2,c\r",]);
    let mut splitter = Splitter::new(delimited(&[]), 100);
    splitter.push(bytes);
    splitter.finish();
    let _first = splitter.next_unit();
    let second = splitter.next_unit().expect("a unit").expect("no finding");
    let at = second.bytes.len() - 2;
    let index = LineIndex::new(&second.bytes, second.first_line);
    assert_eq!(index.locate(u32::try_from(at).expect("small")), (5, 3));
}

// Goal: contiguous rows of one group are one unit; a group that comes again is another. Method: a
// file with three groups, one of them twice.
#[test]
fn groups_are_units() {
    let bytes = b"n,id\n1,a\n2,a\n3,b\n4,\"a\"\n";
    let units = all_chunks(&delimited(&["id"]), 100, bytes);
    assert_eq!(units, ["2 2 1,a\n2,a\n", "4 4 3,b\n", "5 5 4,\"a\"\n",]);
}

// Goal: a header that cannot be used ends the stream with findings. Method: none, a name twice, no
// group column.
#[test]
fn an_unusable_header_ends_the_stream() {
    assert_eq!(
        all_chunks(&delimited(&[]), 99, b""),
        ["header-invalid line None"]
    );
    let twice = all_chunks(&delimited(&[]), 99, b"a,a\n1,2\n");
    assert_eq!(twice, ["header-invalid line Some(1)"]);
    let missing = all_chunks(&delimited(&["id"]), 99, b"a,b\n1,2\n");
    assert_eq!(missing, ["header-invalid line None"]);
}

// Goal: a group that lost a row is never given without it. Method: a row too large inside a group,
// and a group too large as a whole.
#[test]
fn a_group_is_whole_or_not_given() {
    let long = "x".repeat(40);
    let bytes = format!("id,n\na,1\na,{long}\nb,1\nc,1\n");
    let units = all_chunks(&delimited(&["id"]), 30, bytes.as_bytes());
    assert_eq!(units, ["size-exceeded line Some(3)", "5 5 c,1\n"]);
    let bytes = format!("id,n\n{}b,1\n", "a,1\n".repeat(10));
    let units = all_chunks(&delimited(&["id"]), 30, bytes.as_bytes());
    assert_eq!(units, ["size-exceeded line Some(9)", "12 12 b,1\n"]);
}

// Goal: the header is held once however many rows there are. Method: the units of a file share it.
#[test]
fn units_share_one_header() {
    let mut splitter = Splitter::new(delimited(&[]), 100);
    splitter.push(b"id,note\n1,a\n2,b\n");
    splitter.finish();
    let mut headers = std::iter::from_fn(|| splitter.next_unit())
        .map(|unit| unit.expect("a unit").header.expect("a header"));
    let (first, second) = (headers.next().expect("one"), headers.next().expect("two"));
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(first.written(), ["id", "note"]);
}

// Goal: blank lines grow nothing, and lines stay right where a row follows. Method: very many blank
// lines below a header, below a row, and between two rows of a group.
#[test]
fn blank_lines_are_counted_not_kept() {
    for head in ["id,n\n", "id,n\na,1\n"] {
        let mut splitter = Splitter::new(delimited(&["id"]), 1_000);
        splitter.push(head.as_bytes());
        for _ in 0..100 {
            splitter.push(&[b'\n'; 1_000]);
            assert!(splitter.next_unit().is_none());
        }
        let held = splitter
            .group
            .as_ref()
            .map_or(0, |it| it.unit.bytes.capacity());
        assert!(held + splitter.buffer.capacity() <= 4_000, "{held}");
        splitter.finish();
        let last = splitter.next_unit();
        assert_eq!(last.is_some(), head.len() > 5, "{last:?}");
        assert!(last.is_none_or(|unit| unit.is_ok_and(|unit| unit.bytes == b"a,1\n")));
    }
    let between = all_chunks(&delimited(&["id"]), 99, b"id,n\n\na,1\n\n\r\na,2\n\n");
    assert_eq!(between, ["3 3 a,1\n\n\na,2\n"]);
    let long = format!("id,n\na,1\n{}a,2\nb,1\n", "\n".repeat(50));
    let units = all_chunks(&delimited(&["id"]), 30, long.as_bytes());
    assert_eq!(units, ["size-exceeded line Some(53)", "54 54 b,1\n"]);
}

// Goal: a header cannot be made large. Method: a name longer than any column has.
#[test]
fn a_long_name_of_a_column_is_refused() {
    let head = |length: usize| format!("id,{}\n1,2\n", "x".repeat(length));
    let units = cut(&delimited(&[]), 9_000, head(201).as_bytes(), 9_000);
    assert_eq!(units, ["size-exceeded line Some(1)"]);
    assert_eq!(
        cut(&delimited(&[]), 9_000, head(200).as_bytes(), 9_000).len(),
        1
    );
}

/// A message and its first line, or the code and line of a finding.
type Told = Result<(String, u32), (String, Option<u32>)>;

fn messages(text: &str, chunk: usize) -> Vec<Told> {
    let mut splitter = Splitter::new(SplitKind::Messages, 64);
    let mut out = Vec::new();
    let mut take = |splitter: &mut Splitter| {
        while let Some(next) = splitter.next_unit() {
            out.push(match next {
                Ok(unit) => Ok((String::from_utf8(unit.bytes).unwrap(), unit.first_line)),
                Err(finding) => Err((finding.code.to_string(), finding.line)),
            });
        }
    };
    for piece in text.as_bytes().chunks(chunk) {
        splitter.push(piece);
        take(&mut splitter);
    }
    splitter.finish();
    take(&mut splitter);
    out
}

// Goal: messages are cut whatever ends their lines, wherever the stream is cut, with or without
// batches around them. Method: the same two messages in all forms, in chunks of every size.
#[test]
fn messages_are_cut_at_their_heads() {
    let two = "MSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\rPID|2\r";
    let batch = format!("\u{feff}FHS|^~\\&\rBHS|^~\\&\r{two}BTS|2\rFTS|1\r");
    for end in ["\r", "\n", "\r\n"] {
        let told = |at: usize| {
            let lines: Vec<&str> = two.split_inclusive('\r').collect();
            lines[at..at + 2].concat().replace('\r', end)
        };
        for (text, first) in [(two.to_owned(), 1), (batch.clone(), 3)] {
            let text = text.replace('\r', end);
            for chunk in 1..text.len() {
                let expected = [Ok((told(0), first)), Ok((told(2), first + 2))];
                assert_eq!(messages(&text, chunk), expected, "{chunk} {text:?}");
            }
        }
    }
}

// Goal: what is missing, stray or too large is told with its line, and the rest is read. Method:
// one stream of each kind.
#[test]
fn what_is_wrong_between_messages_is_told() {
    let one = "MSH|^~\\&|A\r";
    let told = |text: String| -> Vec<(String, Option<u32>)> {
        let whole = messages(&text, text.len().max(1));
        for chunk in 1..text.len() {
            let codes = |all: &[Result<_, (String, Option<u32>)>]| {
                all.iter()
                    .filter_map(|it| it.as_ref().err())
                    .map(|it| it.0.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                codes(&messages(&text, chunk)),
                codes(&whole),
                "{chunk} {text:?}"
            );
        }
        whole.into_iter().filter_map(Result::err).collect()
    };
    let wrong = |code: &str, line: u32| vec![(code.to_owned(), Some(line))];
    let count = "batch-count-mismatch";
    assert_eq!(told(format!("BHS|^~\\&\r{one}BTS|2\r")), wrong(count, 3));
    assert_eq!(told(format!("BHS|^~\\&\r{one}")), wrong(count, 3));
    assert_eq!(told(format!("{one}BTS|1\r")), wrong(count, 2));
    assert_eq!(
        told(format!("FHS|^~\\&\rBHS|^~\\&\r{one}BTS|1\rFTS|2\r")),
        wrong(count, 5)
    );
    assert_eq!(told(format!("BHS|^~\\&\r{one}BTS\r")), []);
    assert_eq!(
        told(format!("some text\rmore\r{one}")),
        wrong("syntax-invalid", 1)
    );
    let long = format!("{one}PID|{}\r{one}", "x\rZ".repeat(40));
    assert_eq!(told(long).len(), 1);
    let cut = messages(&format!("{one}PID|{}\r{one}", "x\rZ".repeat(40)), 5);
    assert_eq!(cut.last().unwrap().as_ref().unwrap().0, one);
    assert_eq!(messages("", 1), []);
}
