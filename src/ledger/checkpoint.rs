//! Checkpoints: signed tree heads, and what exactly is signed.

use crate::base::clock::Timestamp;
use crate::base::digest::{Digest, unhex};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

/// A signed tree head.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// Entries covered.
    pub size: u64,
    /// RFC 6962 root.
    pub root: Digest,
    /// When signed.
    pub at: Timestamp,
    /// Ed25519 signature over `kinbridge-checkpoint-v1\n<size>\n<root hex>\n<at micros>\n`, hex.
    pub signature: String,
}

/// The bytes that are signed.
pub fn signed_text(size: u64, root: &Digest, at: Timestamp) -> String {
    format!("kinbridge-checkpoint-v1\n{size}\n{root}\n{}\n", at.0)
}

impl Checkpoint {
    /// Whether the signature is this key's (32 bytes).
    pub fn is_signed_by(&self, public_key: &[u8]) -> bool {
        let Some(signature) = unhex(&self.signature) else {
            return false;
        };
        let text = signed_text(self.size, &self.root, self.at);
        UnparsedPublicKey::new(&ED25519, public_key)
            .verify(text.as_bytes(), &signature)
            .is_ok()
    }
}
