//! Whether a text of JSON is one document a line, by how it begins. Pure.
//!
//! It must never take a document laid out over lines for several, nor make one broken document of
//! several.

use crate::format::json;

/// Lines a stream is told by, one of which may be anything.
const STREAM_LINES_SEEN: usize = 8;

/// Whether a text that begins so is one document a line.
///
/// Within one document an object follows only what opens a place for it. Where lines begin one
/// after another line that leaves no place open, each is a document, well formed or not: a bad
/// line must never make one broken document of all.
pub(super) fn is_line_stream(head: &[u8]) -> bool {
    let lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.filter(|line| !line.is_empty());
    let Some(first) = lines.next() else {
        return false;
    };
    if first.first() != Some(&b'{') || leaves_place(first) {
        return false;
    }
    let (mut before, mut of_first) = (first, true);
    let mut more = false;
    for line in lines.take(STREAM_LINES_SEEN) {
        more = true;
        // Behind the first line a list may be open that an earlier line began.
        let listed = !of_first && before.last() == Some(&b',');
        let begins = |line: &[u8]| line.first() == Some(&b'{');
        if begins(before) && !leaves_place(before) && !listed && begins(line) {
            return true;
        }
        (before, of_first) = (line, false);
    }
    // One line alone is no stream; the first is parsed only when nothing simpler tells.
    let whole = |line| {
        let parsed = json::parse(line);
        let object = parsed.tree.is_some_and(|tree| !tree.members().is_empty());
        object && parsed.findings.is_empty()
    };
    more && whole(first)
}

/// Whether an object may follow a line that begins one.
fn leaves_place(line: &[u8]) -> bool {
    match line.last() {
        Some(b'{' | b'[' | b':') => true,
        // Behind a comma an object stands in a list only.
        Some(b',') => innermost(line) == Some(b'['),
        _ => false,
    }
}

/// The last bracket of a line that is not closed in it.
fn innermost(line: &[u8]) -> Option<u8> {
    let mut open = Vec::new();
    let mut bytes = line.iter();
    let mut quoted = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                bytes.next();
            }
            b'{' | b'[' if !quoted => open.push(*byte),
            b'}' | b']' if !quoted => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}
