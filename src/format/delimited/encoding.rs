//! Text of a cell from its bytes, in the encoding the sender declares.
//!
//! Delimiters, quotes and line ends are the same ASCII bytes in all of them, so that cells are cut
//! before they are decoded and every place stays a place of the sender's bytes. It must never
//! guess an encoding.

use crate::base::Text;

/// How characters stand in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; anything else in it is told.
    #[default]
    Utf8,
    /// Windows-1252, the Western European code page of Windows.
    Windows1252,
}

/// Windows-1252, bytes 80 to 9F; `\u{FFFD}` where it has no character.
const UPPER_CONTROLS: [char; 32] = [
    '€', '\u{FFFD}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{FFFD}', 'Ž',
    '\u{FFFD}', '\u{FFFD}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{FFFD}',
    'ž', 'Ÿ',
];

impl Encoding {
    /// The text of the bytes; `None` when they are none in this encoding.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Text> {
        match self {
            Encoding::Utf8 => std::str::from_utf8(bytes).ok().map(Text::from),
            Encoding::Windows1252 if bytes.is_ascii() => {
                std::str::from_utf8(bytes).ok().map(Text::from)
            }
            Encoding::Windows1252 => bytes.iter().copied().map(windows_1252).collect(),
        }
    }
}

fn windows_1252(byte: u8) -> Option<char> {
    let found = match byte {
        0x80..=0x9F => UPPER_CONTROLS.get(usize::from(byte - 0x80)).copied()?,
        // The rest of the page is Latin-1, whose bytes are the first characters of Unicode.
        other => char::from(other),
    };
    (found != '\u{FFFD}').then_some(found)
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    // Goal: the code page is read as Windows writes it, and what it has no character for is none.
    // Method: one byte of each stretch, and the five holes.
    #[test]
    fn the_code_page_is_read() {
        let read = |bytes: &[u8]| Encoding::Windows1252.decode(bytes).map(String::from);
        let told = read(b"Jos\xE9 \x93Pep\x94 \x80 \x9F\xFF az");
        assert_eq!(told.as_deref(), Some("José “Pep” € Ÿÿ az"));
        for hole in [0x81_u8, 0x8D, 0x8F, 0x90, 0x9D] {
            assert_eq!(read(&[b'a', hole]), None, "{hole:x}");
        }
        assert!(Encoding::Utf8.decode(b"\xE9").is_none());
        assert_eq!(Encoding::Utf8.decode("é".as_bytes()).as_deref(), Some("é"));
    }
}
