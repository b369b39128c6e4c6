//! Checkpoints: signed tree heads, and what exactly is signed.

use crate::base::clock::Timestamp;
use crate::base::digest::{Digest, unhex};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use std::collections::BTreeMap;

/// A signed tree head.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// Entries covered.
    pub size: u64,
    /// RFC 6962 root.
    pub root: Digest,
    /// When signed.
    pub at: Timestamp,
    /// Which generation of the ledger's key signed it, from one.
    #[serde(default = "first_generation")]
    pub key_generation: u32,
    /// Ed25519 signature over `kinbridge-checkpoint-v1\n<size>\n<root hex>\n<at micros>\n`, hex.
    pub signature: String,
}

/// Checkpoints kept from before keys had generations.
const fn first_generation() -> u32 {
    1
}

/// The keys checkpoints may be signed with.
#[derive(Clone, Debug)]
pub enum PublicKeys {
    /// The ledger's own word: a key for each generation.
    Own(BTreeMap<u32, Vec<u8>>),
    /// Keys kept outside: any of them.
    KeptOutside(Vec<Vec<u8>>),
}

impl PublicKeys {
    /// Keys kept outside when there are any, else the ledger's own.
    pub fn choose(kept_outside: &[Vec<u8>], own: BTreeMap<u32, Vec<u8>>) -> PublicKeys {
        match kept_outside {
            [] => PublicKeys::Own(own),
            kept => PublicKeys::KeptOutside(kept.to_vec()),
        }
    }

    /// Whether a checkpoint is signed by the key it should be.
    pub fn signed(&self, checkpoint: &Checkpoint) -> bool {
        match self {
            PublicKeys::Own(keys) => keys
                .get(&checkpoint.key_generation)
                .is_some_and(|key| checkpoint.is_signed_by(key)),
            PublicKeys::KeptOutside(keys) => keys.iter().any(|key| checkpoint.is_signed_by(key)),
        }
    }
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
