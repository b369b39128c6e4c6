//! The id one exchange carries through answers, logs, ledger and deliveries.
//!
//! Taken from a W3C `traceparent` when the caller sends a valid one, else made here. Nothing else
//! of the caller's headers ever becomes part of it.

use crate::base::clock::Timestamp;
use crate::base::digest::hex;
use crate::base::id::{CorrelationId, EntryId};

/// The trace id of a `traceparent` of version 00, else a fresh id of the same 32-digit form.
pub fn correlation(traceparent: Option<&str>, now: Timestamp) -> CorrelationId {
    match traceparent.and_then(trace_id) {
        Some(id) => CorrelationId::new(id),
        // Any minted id has the bytes wanted: time-ordered and unique.
        None => CorrelationId::new(&hex(&EntryId::mint(now).0)),
    }
}

fn trace_id(header: &str) -> Option<&str> {
    let mut parts = header.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (span, flags) = (parts.next()?, parts.next()?);
    let lower_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let sound = version == "00"
        && lower_hex(trace, 32)
        && lower_hex(span, 16)
        && lower_hex(flags, 2)
        && parts.next().is_none();
    (sound && trace.bytes().any(|b| b != b'0')).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sound_traceparent_is_taken() {
        // Goal: no header text leaks into ids. Method: one sound header, several broken ones.
        let sound = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let taken = correlation(Some(sound), Timestamp(0));
        assert_eq!(taken.as_str(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for broken in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-<script>-00f067aa0ba902b7-01",
        ] {
            let made = correlation(Some(broken), Timestamp(0));
            assert_eq!(made.as_str().len(), 32, "{broken}");
            assert!(!broken.contains(made.as_str()), "{broken}");
        }
    }
}
