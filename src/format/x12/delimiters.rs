//! The signs an interchange is taken apart by, as its head says by their places.

use super::segments::HEAD;

/// Widths of the elements of the head, which has no others: that is how its signs are found.
pub(super) const WIDTHS: [usize; 16] = [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1];
/// Which element of the head holds the sign between repetitions, and which that between components.
pub(super) const REPETITION: usize = 11;
pub(super) const COMPONENT: usize = 16;

/// What separates the parts of one interchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiters {
    /// Between elements.
    pub element: u8,
    /// Between components.
    pub component: u8,
    /// Between repetitions; older versions have none.
    pub repetition: Option<u8>,
    /// Behind a segment.
    pub segment: u8,
}

impl Default for Delimiters {
    fn default() -> Delimiters {
        Delimiters {
            element: b'*',
            component: b':',
            repetition: Some(b'^'),
            segment: b'~',
        }
    }
}

impl Delimiters {
    /// Reads them out of the head of an interchange; `None` where it is none, or its signs cannot
    /// tell parts apart.
    pub fn read(bytes: &[u8]) -> Option<Delimiters> {
        let rest = bytes.strip_prefix(HEAD)?;
        let element = *rest.first()?;
        let mut at = 0;
        let mut last = 0;
        let mut repetition = None;
        for (number, width) in WIDTHS.into_iter().enumerate() {
            if *rest.get(at)? != element {
                return None;
            }
            last = at + 1;
            at = last + width;
            if number + 1 == REPETITION {
                // A letter is the standard's name of older versions, which repeat nothing.
                repetition = rest.get(last).copied().filter(u8::is_ascii_punctuation);
            }
        }
        let delimiters = Delimiters {
            element,
            component: *rest.get(last)?,
            repetition,
            segment: *rest.get(at)?,
        };
        delimiters.are_distinct().then_some(delimiters)
    }

    fn are_distinct(&self) -> bool {
        let mut all = vec![self.element, self.component, self.segment];
        all.extend(self.repetition);
        let apart = |(at, sign): (usize, &u8)| {
            let earlier = all.get(..at).unwrap_or_default();
            let sign_alone = sign.is_ascii() && !sign.is_ascii_alphanumeric() && *sign != b' ';
            sign_alone && !earlier.contains(sign)
        };
        all.iter().enumerate().all(apart)
    }

    /// Whether a byte separates parts.
    pub fn separates(&self, byte: u8) -> bool {
        let all = [self.element, self.component, self.segment];
        all.contains(&byte) || self.repetition == Some(byte)
    }
}
