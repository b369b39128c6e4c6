//! An interchange as its segments, elements, repetitions and components. It says nothing of what
//! they mean.

use super::Delimiters;

/// The segment that heads an interchange.
pub(super) const HEAD: &[u8] = b"ISA";

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'b> {
    /// First byte in what was given.
    pub start: usize,
    /// Its bytes, the sign behind it left out.
    pub bytes: &'b [u8],
    delimiters: Delimiters,
}

/// The segments of an interchange, one after another. The last is given also where the sign behind
/// it is missing, so that the beginning of one can be looked at.
pub fn segments<'b>(bytes: &'b [u8], delimiters: Delimiters) -> impl Iterator<Item = Segment<'b>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        // Line ends behind the sign are for people.
        let blank = rest.iter().take_while(|byte| is_blank(**byte)).count();
        let start = at + blank;
        let rest = rest.get(blank..)?;
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| *byte == delimiters.segment);
        let own = rest.get(..end.unwrap_or(rest.len()))?;
        at = start + own.len() + 1;
        Some(Segment {
            start,
            bytes: own,
            delimiters,
        })
    })
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

impl<'b> Segment<'b> {
    /// Its name.
    pub fn id(&self) -> &'b [u8] {
        self.elements().next().unwrap_or_default()
    }

    /// Its name, then its elements.
    pub fn elements(&self) -> impl Iterator<Item = &'b [u8]> {
        let sign = self.delimiters.element;
        self.bytes.split(move |byte| *byte == sign)
    }

    /// An element by its number, from 1; empty where there is none.
    pub fn element(&self, number: usize) -> &'b [u8] {
        self.elements().nth(number).unwrap_or_default()
    }

    /// The repetitions of an element.
    pub fn repetitions(&self, number: usize) -> impl Iterator<Item = &'b [u8]> {
        let sign = self.delimiters.repetition;
        self.element(number).split(move |byte| Some(*byte) == sign)
    }

    /// The components of an element.
    pub fn components(&self, number: usize) -> impl Iterator<Item = &'b [u8]> {
        let sign = self.delimiters.component;
        self.element(number).split(move |byte| *byte == sign)
    }
}
