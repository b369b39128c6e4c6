//! SHA-256 digests as a type, and the hexadecimal they are shown in.

use aws_lc_rs::digest::{Context, SHA256, digest};

/// Up to so many bytes parts are gathered before they are digested.
const SHORT_BYTES_MAX: usize = 512;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of one run of bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest::copy(digest(&SHA256, bytes).as_ref())
    }

    /// The digest of several parts, each preceded by its length so that parts cannot be confused.
    pub fn of_parts(parts: &[&[u8]]) -> Digest {
        let bytes = parts.iter().map(|part| part.len() + 8).sum::<usize>();
        if bytes <= SHORT_BYTES_MAX {
            return Digest::of_short(parts, bytes);
        }
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Digest::copy(context.finish().as_ref())
    }

    /// The same of a few bytes, gathered first: a stream has a price of its own.
    fn of_short(parts: &[&[u8]], bytes: usize) -> Digest {
        let mut all = Vec::with_capacity(bytes);
        for part in parts {
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part);
        }
        Digest::of(&all)
    }

    fn copy(bytes: &[u8]) -> Digest {
        let mut out = [0_u8; 32];
        for (to, from) in out.iter_mut().zip(bytes) {
            *to = *from;
        }
        Digest(out)
    }

    /// Lower-case hexadecimal, 64 characters.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// Reads 64 hexadecimal characters.
    pub fn from_hex(text: &str) -> Option<Digest> {
        let bytes = unhex(text)?;
        (bytes.len() == 32).then(|| Digest::copy(&bytes))
    }

    /// Characters of one as it is written.
    pub const TOLD_CHARS: usize = 64;
    /// What is told of what is none.
    pub const TOLD_FORM: &str = "SHA-256 of the document, hexadecimal";

    /// Whether that is one as it may be written: 64 hexadecimal characters, small letters or large.
    pub fn is_told(text: &str) -> bool {
        Digest::from_hex(text).is_some()
    }

    /// The first half, where 16 bytes are enough.
    pub fn half(self) -> [u8; 16] {
        let mut out = [0_u8; 16];
        for (to, from) in out.iter_mut().zip(self.0) {
            *to = from;
        }
        out
    }
}

/// A digest of bytes that come piece by piece.
#[derive(Clone)]
pub struct DigestStream(Context);

impl Default for DigestStream {
    fn default() -> DigestStream {
        DigestStream(Context::new(&SHA256))
    }
}

impl DigestStream {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them: the same as [`Digest::of`] the whole.
    pub fn finish(self) -> Digest {
        Digest::copy(self.0.finish().as_ref())
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_hex())
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(d)?;
        Digest::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not a SHA-256 digest"))
    }
}

/// Lower-case hexadecimal of any bytes.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for half in [byte >> 4, byte & 0xf] {
            out.push(char::from(match half {
                0..=9 => b'0' + half,
                _ => b'a' + (half - 10),
            }));
        }
    }
    out
}

/// Bytes of a hexadecimal text of even length; `None` when it is not one.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .and_then(|p| u8::from_str_radix(p, 16).ok())
        })
        .collect()
}
