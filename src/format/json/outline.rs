//! What a text of JSON shows of its outermost object, by how it begins.
//!
//! For telling whose document a text is before it is read: the names of the outermost members and
//! their short texts, as far as the beginning goes. It must never be taken for a reading: nothing
//! is checked, and a text that is no object shows nothing.

/// Names and short texts longer than this are passed over.
const SHOWN_BYTES_MAX: usize = 128;
/// Members that are looked at.
const MEMBERS_MAX: usize = 64;

/// One member of the outermost object: its name, and its value where that is a text.
pub type Shown = (String, Option<String>);

/// The outermost members a text shows that begins so. A stream shows those of its first document.
pub fn outline(head: &[u8]) -> Vec<Shown> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let mut scan = Scan {
        bytes: head.trim_ascii_start(),
    };
    let mut shown = Vec::new();
    if scan.next() != Some(b'{') {
        return shown;
    }
    while shown.len() < MEMBERS_MAX {
        let Some(name) = scan.name() else {
            break;
        };
        let (text, more) = scan.value();
        shown.push((name, text));
        if !more {
            break;
        }
    }
    shown
}

/// A place in the text.
struct Scan<'b> {
    bytes: &'b [u8],
}

impl Scan<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    /// The next byte that is no blank.
    fn sign(&mut self) -> Option<u8> {
        self.bytes = self.bytes.trim_ascii_start();
        self.next()
    }

    /// A member's name and the colon behind it.
    fn name(&mut self) -> Option<String> {
        if self.sign()? != b'"' {
            return None;
        }
        let name = self.text()?;
        (self.sign()? == b':').then_some(name)
    }

    /// A text up to its quote; empty where it is long or is written with escapes.
    fn text(&mut self) -> Option<String> {
        let mut told = Vec::new();
        let mut plain = true;
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => {
                    plain = false;
                    self.next()?;
                }
                byte if told.len() < SHOWN_BYTES_MAX => told.push(byte),
                _ => plain = false,
            }
        }
        let told = String::from_utf8(told).ok().filter(|_| plain);
        Some(told.unwrap_or_default())
    }

    /// A value: its text if it is one, and whether another member follows.
    fn value(&mut self) -> (Option<String>, bool) {
        let mut told = None;
        let mut depth = 0_usize;
        while let Some(sign) = self.sign() {
            match sign {
                b'"' => match self.text() {
                    Some(text) if depth == 0 => told = Some(text),
                    Some(_) => {}
                    None => break,
                },
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                b',' if depth == 0 => return (told, true),
                _ => {}
            }
        }
        (told, false)
    }
}

#[cfg(test)]
mod tests {
    use super::outline;

    #[test]
    fn only_what_stands_outermost_is_shown() {
        // Goal: members of the first document and no others. Method: nested names, escapes, a
        // beginning that breaks off, two documents, and what is no object.
        let names = |text: &str| -> Vec<String> {
            let shown = outline(text.as_bytes());
            shown.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(
            names("{\"a\":{\"b\":[1,{\"c\":\"}\"}]},\"d\":tr"),
            ["a", "d"]
        );
        assert_eq!(names("\u{feff} {\n \"a\" : 1 }\n{\"b\":2}"), ["a"]);
        assert_eq!(names("{\"a\":\"x\\\"y\",\"b\":\"un"), ["a", "b"]);
        assert!(names("[{\"a\":1}]").is_empty());
        assert!(names("{\"a").is_empty());
        let kind = outline(b"{\"kind\":\"one\",\"n\":2}");
        let told = kind.iter().map(|(_, text)| text.as_deref());
        assert_eq!(told.collect::<Vec<_>>(), [Some("one"), None]);
    }
}
