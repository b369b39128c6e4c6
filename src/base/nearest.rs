//! The word somebody may have meant: the nearest one of a list.
//!
//! Case, spaces, hyphens and underscores do not part two words. It proposes; nothing is ever taken
//! for the word it proposes.

use strsim::osa_distance;

/// The word as it is compared.
fn folded(word: &str) -> String {
    let letters = word.chars().filter(|one| !matches!(one, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether two words differ by no more than case and what parts their syllables.
pub fn same(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

/// The word of the list that is nearest, if one is near: a slip in every fourth letter at most, and
/// one in any word. The first of several.
pub fn nearest<'a>(word: &str, list: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let letters = word.chars().count();
    let most = (letters / 4).max(1);
    let near = list.into_iter().filter_map(|known| {
        let slips = osa_distance(&word, &folded(known));
        // Two words that share no letter are not near, however short.
        (slips <= most && slips < letters).then_some((slips, known))
    });
    near.min_by_key(|(slips, _)| *slips).map(|(_, known)| known)
}

/// Without case, blanks and punctuation.
pub fn letters(name: &str) -> String {
    let said = name.chars().filter(|one| one.is_alphanumeric());
    said.flat_map(char::to_lowercase).collect()
}

/// The word of the list a name is made of: the same letters and digits, alone or within it, or a
/// slip away.
pub fn within<'a>(name: &str, list: impl IntoIterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let name = letters(name);
    let mut held = list.clone().into_iter();
    let held = held.find(|word| name.contains(&letters(word)));
    held.or_else(|| nearest(&name, list))
}

#[cfg(test)]
mod tests {
    //! Goal: a slip of the pen finds the word meant, another word finds none.
    use super::*;

    const WORDS: [&str; 6] = [
        "consents",
        "context",
        "suspected_abuser",
        "age",
        "type",
        "mhp",
    ];

    #[test]
    fn a_slip_is_found() {
        let slips = [
            ("consent", "consents"),
            ("contxet", "context"),
            ("suspectedAbuser", "suspected_abuser"),
            ("suspect_abuser", "suspected_abuser"),
            ("aeg", "age"),
            ("tpye", "type"),
            ("Mhp", "mhp"),
        ];
        for (slip, meant) in slips {
            assert_eq!(nearest(slip, WORDS), Some(meant), "{slip}");
        }
    }

    #[test]
    fn another_word_is_no_slip() {
        for word in ["", "x", "moon_phase", "no_contact", "title"] {
            assert_eq!(nearest(word, WORDS), None, "{word}");
        }
        assert!(same("Suspected Abuser", "suspected_abuser"));
        assert!(!same("consent", "consents"));
    }
}
