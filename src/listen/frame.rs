//! Frames of the minimal lower layer protocol (HL7 MLLP release 1): a vertical tab, the message, a
//! file separator, a carriage return.
//!
//! What stands before a frame is line ends or a slip of the sender's, and a slip ends the
//! connection: nobody could tell which bytes are whose. It must never hold more than one frame may.

use crate::base::limits::RECORD_BYTES_MAX;

const START: u8 = 0x0B;
const END: [u8; 2] = [0x1C, b'\r'];

/// Why a connection cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// Something stands between two frames.
    #[error("bytes stand outside a frame")]
    Outside,
    /// A frame is longer than a message may be.
    #[error("a frame is longer than a message may be")]
    TooLong,
}

/// Takes frames out of a stream.
#[derive(Debug, Default)]
pub(super) struct Frames {
    waiting: Vec<u8>,
    /// Bytes of it that hold no end of a frame.
    looked: usize,
}

impl Frames {
    /// Takes what has come. Take all frames before pushing again: memory is bounded by that.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// Whether a frame has begun that has not ended.
    pub(super) fn is_within(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next message, without its frame.
    ///
    /// # Errors
    /// When nothing that follows can be told apart.
    pub(super) fn next_message(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        if self.looked == 0 {
            let line_ends = |byte: &&u8| matches!(byte, b'\r' | b'\n');
            let before = self.waiting.iter().take_while(line_ends).count();
            self.waiting.drain(..before);
        }
        match self.waiting.first() {
            None => return Ok(None),
            Some(&START) => {}
            Some(_) => return Err(Broken::Outside),
        }
        let rest = self.waiting.get(self.looked..).unwrap_or_default();
        let found = rest.windows(END.len()).position(|two| two == END);
        let Some(at) = found.map(|at| self.looked + at) else {
            // The last byte may be the first of the two that end a frame.
            self.looked = self.waiting.len().saturating_sub(1);
            return match self.waiting.len() > RECORD_BYTES_MAX + END.len() {
                true => Err(Broken::TooLong),
                false => Ok(None),
            };
        };
        let rest = self.waiting.split_off(at + END.len());
        let mut message = std::mem::replace(&mut self.waiting, rest);
        self.looked = 0;
        message.truncate(at);
        message.remove(0);
        if message.len() > RECORD_BYTES_MAX {
            return Err(Broken::TooLong);
        }
        Ok(Some(message))
    }
}

/// A message in its frame.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 1 + END.len());
    out.push(START);
    out.extend_from_slice(message);
    out.extend_from_slice(&END);
    out
}

#[cfg(test)]
mod tests {
    //! Goal: the same messages whatever pieces they come in, and an end where nothing can be told
    //! apart. Method: three frames in pieces of each length; slips between and within them.
    use super::*;

    fn all(frames: &mut Frames) -> Result<Vec<Vec<u8>>, Broken> {
        let mut out = Vec::new();
        while let Some(message) = frames.next_message()? {
            out.push(message);
        }
        Ok(out)
    }

    #[test]
    fn pieces_make_no_difference() {
        let wanted: [&[u8]; 3] = [b"MSH|a\rPID|1\r", b"\x1c in \x1cit", b""];
        let bytes: Vec<u8> = wanted
            .iter()
            .flat_map(|message| [framed(message), b"\r\n".to_vec()].concat())
            .collect();
        for piece in 1..=bytes.len() {
            let (mut frames, mut seen) = (Frames::default(), Vec::new());
            for chunk in bytes.chunks(piece) {
                frames.push(chunk);
                seen.extend(all(&mut frames).expect("well formed"));
            }
            assert_eq!(seen, wanted, "pieces of {piece}");
            let _ = all(&mut frames);
            assert!(!frames.is_within());
        }
    }

    #[test]
    fn what_cannot_be_told_apart_ends_it() {
        let mut frames = Frames::default();
        frames.push(b"GET / HTTP/1.1\r\n");
        assert_eq!(all(&mut frames), Err(Broken::Outside));
        let mut frames = Frames::default();
        frames.push(&[framed(b"MSH|"), b"x".to_vec()].concat());
        assert_eq!(frames.next_message(), Ok(Some(b"MSH|".to_vec())));
        assert_eq!(frames.next_message(), Err(Broken::Outside));
        let mut frames = Frames::default();
        frames.push(&[START]);
        let mut pushed = 0;
        let ended = loop {
            frames.push(&[b'x'; 64 << 10]);
            pushed += 64 << 10;
            match frames.next_message() {
                Ok(None) => assert!(pushed <= RECORD_BYTES_MAX + (64 << 10)),
                other => break other,
            }
        };
        assert_eq!(ended, Err(Broken::TooLong));
    }
}
