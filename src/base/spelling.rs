//! Texts stripped of how they are written, to be compared.
//!
//! It must never be used to keep or show anything: what is compared so is not what was said.

/// From a wide form of an ASCII character back to it.
const WIDE_OFFSET: u32 = 0xFEE0;

/// A wide form of an ASCII character as the plain one; any other as it is.
pub fn narrow(one: char) -> char {
    match u32::from(one) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - WIDE_OFFSET).unwrap_or(one),
        _ => one,
    }
}

/// The letters and digits of a text in lower case, wide forms as the plain ones.
pub fn letters(text: &str) -> String {
    let own = text.chars().map(narrow).filter(|one| one.is_alphanumeric());
    own.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_two_ways_is_one() {
        // Goal: case, spaces, marks and wide forms make no other text of it; letters do.
        for other in ["cws client id", "CWS_CLIENT_ID", "ｃｗｓ-client\u{200B}id."] {
            assert_eq!(letters(other), "cwsclientid", "{other}");
        }
        assert_ne!(letters("cwsclientide"), "cwsclientid");
        assert_eq!(letters("\u{200B} ."), "");
        assert_eq!(letters("李"), "李");
    }
}
