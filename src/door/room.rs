//! How much one answer at the emergency door holds.
//!
//! What is left out is told by what may go alone: what stays is not counted, and nobody hears of
//! it.

use crate::base::limits::{EMERGENCY_ANSWER_BYTES_MAX, EMERGENCY_RECORDS_MAX};

/// How much an answer still holds.
pub(super) struct Room {
    records: usize,
    bytes: usize,
    left_out: bool,
}

impl Default for Room {
    fn default() -> Room {
        Room {
            records: EMERGENCY_RECORDS_MAX,
            bytes: EMERGENCY_ANSWER_BYTES_MAX,
            left_out: false,
        }
    }
}

impl Room {
    /// Whether a document of so many bytes still goes in; it takes its place then.
    pub(super) fn takes(&mut self, bytes: usize) -> bool {
        let left = self
            .records
            .checked_sub(1)
            .zip(self.bytes.checked_sub(bytes));
        match left {
            Some((records, bytes)) => (self.records, self.bytes) = (records, bytes),
            None => self.left_out = true,
        }
        left.is_some()
    }

    /// Whether something that may go found no place.
    pub(super) fn left_out(&self) -> bool {
        self.left_out
    }

    /// Whether nothing more can be learned by looking on.
    pub(super) fn is_full(&self) -> bool {
        self.records == 0 && self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_place_is_told_and_does_not_keep_smaller_ones_out() {
        // Goal: an answer is never incomplete without saying so. Method: one too large, one behind
        // it that fits, then more than an answer counts.
        let mut room = Room::default();
        assert!(room.takes(10) && !room.left_out);
        assert!(!room.takes(EMERGENCY_ANSWER_BYTES_MAX) && room.left_out);
        assert!(room.takes(10) && !room.is_full());
        let mut room = Room::default();
        for _ in 0..EMERGENCY_RECORDS_MAX {
            assert!(room.takes(1));
        }
        assert!(
            !room.left_out && !room.is_full(),
            "full, and nothing left out"
        );
        assert!(!room.takes(1) && room.is_full());
    }
}
