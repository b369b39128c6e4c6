//! The character set a message declares, and its bytes as text.
//!
//! A set nobody declared is UTF-8 or nothing: bytes of another one are never guessed at.

use crate::base::Text;

/// Character sets that are read. All keep ASCII where it is, so that a message is taken apart
/// before its text is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Charset {
    /// ASCII and UTF-8.
    #[default]
    Utf8,
    /// ISO 8859-1.
    Latin1,
    /// ISO 8859-15.
    Latin9,
}

impl Charset {
    /// The set of that name in HL7's table 0211; `None` when it is not read.
    pub fn named(name: &[u8]) -> Option<Charset> {
        let name = name.trim_ascii().to_ascii_uppercase();
        match name.as_slice() {
            b"" | b"ASCII" | b"UNICODE UTF-8" | b"UTF-8" => Some(Charset::Utf8),
            b"8859/1" => Some(Charset::Latin1),
            b"8859/15" => Some(Charset::Latin9),
            _ => None,
        }
    }

    /// Bytes as text; `None` when they are none in this set.
    pub fn text(self, bytes: &[u8]) -> Option<Text> {
        if self == Charset::Utf8 || bytes.is_ascii() {
            return std::str::from_utf8(bytes).ok().map(Text::from);
        }
        bytes.iter().map(|byte| self.character(*byte)).collect()
    }

    /// Bytes 80 to 9F are control characters there, and what another set means by them is a guess.
    fn character(self, byte: u8) -> Option<char> {
        match (self, byte) {
            (_, 0x80..=0x9F) => None,
            (Charset::Latin9, 0xA4) => Some('\u{20AC}'),
            (Charset::Latin9, 0xA6) => Some('\u{160}'),
            (Charset::Latin9, 0xA8) => Some('\u{161}'),
            (Charset::Latin9, 0xB4) => Some('\u{17D}'),
            (Charset::Latin9, 0xB8) => Some('\u{17E}'),
            (Charset::Latin9, 0xBC) => Some('\u{152}'),
            (Charset::Latin9, 0xBD) => Some('\u{153}'),
            (Charset::Latin9, 0xBE) => Some('\u{178}'),
            _ => Some(char::from(byte)),
        }
    }
}
