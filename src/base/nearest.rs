//! The word somebody may have meant: the nearest one of a list.
//!
//! Case, spaces, hyphens and underscores do not part two words. It proposes; nothing is ever taken
//! for the word it proposes.

/// The word as it is compared.
fn folded(word: &str) -> Vec<char> {
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
    let most = (word.len() / 4).max(1);
    let near = list.into_iter().filter_map(|known| {
        let known_letters = folded(known);
        let far = known_letters.len().abs_diff(word.len()) > most;
        let slips = (!far).then(|| slips(&word, &known_letters))?;
        // Two words that share no letter are not near, however short.
        (slips <= most && slips < word.len()).then_some((slips, known))
    });
    near.min_by_key(|(slips, _)| *slips).map(|(_, known)| known)
}

/// How many letters are left out, added, changed, or swapped with their neighbour.
fn slips(one: &[char], other: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut left: Option<char> = None;
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        let mut over: Option<char> = None;
        for (column, with) in other.iter().enumerate() {
            let at = |line: &[usize], place: usize| line.get(place).copied().unwrap_or(usize::MAX);
            let changed = at(&last, column) + usize::from(letter != with);
            let added = at(&next, column).min(at(&last, column + 1)) + 1;
            let swapped = match (left == Some(*with) && over == Some(*letter), column) {
                (true, 1..) => at(&before_last, column - 1).saturating_add(1),
                _ => usize::MAX,
            };
            next.push(changed.min(added).min(swapped));
            over = Some(*with);
        }
        left = Some(*letter);
        before_last = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(usize::MAX)
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
