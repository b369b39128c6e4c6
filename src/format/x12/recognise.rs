//! What an interchange says it is: by its first segments, against the kinds a format names.
//!
//! Nothing of the sender's is repeated: an interchange of no known kind is told as that.

use super::segments::HEAD;
use super::{Delimiters, segments};
use crate::base::Text;

/// Bytes of an interchange that are looked at: its head and those of its first group and set.
const SEEN_BYTES_MAX: usize = 4 << 10;
/// Segments of it that are looked at.
const SEEN_SEGMENTS_MAX: usize = 8;
/// Signs in the head of an interchange.
const SIGNS: usize = 16;
/// The segments that head a group of sets, and a set.
const GROUP: &[u8] = b"GS";
const SET: &[u8] = b"ST";
/// Where the implementation guide is named in each.
const GUIDE_OF_GROUP: usize = 8;
const GUIDE_OF_SET: usize = 3;

/// A kind of interchange, as a format names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The first segment behind the head, where that tells the kind.
    pub segment: Option<Text>,
    /// The transaction set.
    pub set: Option<Text>,
    /// How the name of the implementation guide begins.
    pub guide: Option<Text>,
    /// What it is.
    pub says: Text,
}

impl Known {
    fn fits(&self, seen: &Seen<'_>) -> bool {
        let is = |want: &Option<Text>, have: &[u8]| {
            want.as_ref().is_none_or(|want| want.as_bytes() == have)
        };
        let begins = |want: &Text| {
            let mut guides = seen.guides.iter();
            guides.any(|guide| guide.starts_with(want.as_bytes()))
        };
        is(&self.segment, seen.first) && is(&self.set, seen.set) && {
            self.guide.as_ref().is_none_or(begins)
        }
    }
}

/// What an interchange says of itself.
#[derive(Default)]
struct Seen<'b> {
    first: &'b [u8],
    set: &'b [u8],
    guides: [&'b [u8]; 2],
}

/// What bytes that begin so are, if they are an interchange.
pub fn recognise<'k>(bytes: &[u8], known: &'k [Known]) -> Option<&'k str> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_start();
    let bytes = bytes.get(..SEEN_BYTES_MAX).unwrap_or(bytes);
    let delimiters = Delimiters::read(bytes).or_else(|| loosely(bytes))?;
    let mut seen = Seen::default();
    let behind = segments(bytes, delimiters).skip(1).take(SEEN_SEGMENTS_MAX);
    for segment in behind {
        if seen.first.is_empty() {
            seen.first = segment.id();
        }
        let [of_group, of_set] = &mut seen.guides;
        if segment.id() == GROUP {
            *of_group = segment.element(GUIDE_OF_GROUP);
        } else if segment.id() == SET {
            seen.set = segment.element(1);
            *of_set = segment.element(GUIDE_OF_SET);
            break;
        }
    }
    let found = known.iter().find(|kind| kind.fits(&seen));
    Some(found.map_or("of a kind the gateway does not know", |kind| {
        kind.says.as_str()
    }))
}

/// The signs of a head whose elements do not have their widths: it is an interchange all the same,
/// a damaged one. A table whose first column is called like the head is none.
fn loosely(bytes: &[u8]) -> Option<Delimiters> {
    let rest = bytes.strip_prefix(HEAD)?;
    let element = *rest.first()?;
    if !element.is_ascii_punctuation() || b",;\"'=:".contains(&element) {
        return None;
    }
    let mut signs = rest
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == element);
    let (last, _) = signs.nth(SIGNS - 1)?;
    let group = [GROUP, &[element]].concat();
    let tail = rest.get(last + 1..)?;
    let begins = tail
        .windows(group.len())
        .position(|it| it == group.as_slice())?;
    // Component sign, segment sign, and perhaps a line end stand between.
    let before = tail.get(..begins)?.trim_ascii_end();
    let (component, segment) = (*before.first()?, *before.last()?);
    let signs = before.len() <= 2 && before.iter().all(u8::is_ascii_punctuation);
    signs.then_some(Delimiters {
        element,
        component,
        repetition: None,
        segment,
    })
}
