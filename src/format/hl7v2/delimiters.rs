//! The characters a message is taken apart by, as its first segment says.

/// What separates the parts of one message. What is not declared separates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiters {
    /// Between fields.
    pub field: u8,
    /// Between components.
    pub component: Option<u8>,
    /// Between repetitions of a field.
    pub repetition: Option<u8>,
    /// Before and after an escape.
    pub escape: Option<u8>,
    /// Between subcomponents.
    pub subcomponent: Option<u8>,
    /// Behind what was cut short (since 2.7).
    pub truncation: Option<u8>,
}

impl Default for Delimiters {
    fn default() -> Delimiters {
        Delimiters {
            field: b'|',
            component: Some(b'^'),
            repetition: Some(b'~'),
            escape: Some(b'\\'),
            subcomponent: Some(b'&'),
            truncation: None,
        }
    }
}

impl Delimiters {
    /// Reads them out of a segment that heads a message, a batch or a file: the sign behind its
    /// name, and the signs up to where that comes again.
    pub fn read(segment: &[u8]) -> Option<Delimiters> {
        let (field, rest) = segment.get(3..)?.split_first()?;
        let end = rest.iter().position(|byte| byte == field);
        Delimiters::of(*field, rest.get(..end.unwrap_or(rest.len()))?)
    }

    /// From the field separator and the other signs; `None` when they cannot tell parts apart.
    pub fn of(field: u8, signs: &[u8]) -> Option<Delimiters> {
        let mut all = signs.to_vec();
        all.push(field);
        let distinct = all.iter().enumerate().all(|(at, sign)| {
            let earlier = all.get(..at).unwrap_or_default();
            sign.is_ascii_punctuation() && !earlier.contains(sign)
        });
        let sign = |at: usize| signs.get(at).copied();
        (distinct && (1..=5).contains(&signs.len())).then(|| Delimiters {
            field,
            component: sign(0),
            repetition: sign(1),
            escape: sign(2),
            subcomponent: sign(3),
            truncation: sign(4),
        })
    }

    /// The signs behind the field separator, as they are written.
    pub fn signs(&self) -> Vec<u8> {
        let all = [
            self.component,
            self.repetition,
            self.escape,
            self.subcomponent,
            self.truncation,
        ];
        all.into_iter().map_while(|sign| sign).collect()
    }

    /// Whether any text can be written with them.
    pub fn are_whole(&self) -> bool {
        self.escape.is_some() && self.subcomponent.is_some()
    }
}
