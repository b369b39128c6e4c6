//! How HL7 names a place: segment and its occurrence, field, repetition, component, subcomponent,
//! all counted from 1: `PID-5[2].1`, `ORDER_OBSERVATION[3].OBX[2]-5`.

use super::is_segment;

/// One step down a message, the first one into its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceStep<'a> {
    /// To a member.
    Name(&'a str),
    /// To an item, from 0.
    Item(usize),
}

/// The place those steps lead to. The structure goes without saying.
pub fn place<'a>(steps: impl Iterator<Item = PlaceStep<'a>>) -> String {
    let mut out = String::new();
    let mut in_segment = false;
    let mut in_field = false;
    for (at, step) in steps.enumerate() {
        match step {
            PlaceStep::Item(item) => out.push_str(&format!("[{}]", item.saturating_add(1))),
            PlaceStep::Name(_) if at == 0 => {}
            PlaceStep::Name(name) => {
                let sign = if in_segment && !in_field { '-' } else { '.' };
                if !out.is_empty() {
                    out.push(sign);
                }
                out.push_str(name);
                in_field |= in_segment;
                in_segment |= is_segment(name.as_bytes());
            }
        }
    }
    out
}
