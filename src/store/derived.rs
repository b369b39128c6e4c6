//! Keys derived for one row from the store's accounting key.
//!
//! They seal what has no record's key to be sealed by, or must outlive it: decisions, digests of
//! bodies, findings of refused records, manifests. The generation of the accounting key stands
//! behind the sealed bytes, so that a new one can take over while all others still open. A derived
//! key must never seal what shredding a record has to take away.

use super::keys::{DataKey, KEY_BYTES, Keys, Place};
use super::sql::Fault;
use crate::base::digest::Digest;
use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

/// Bytes of the generation behind what is sealed.
const GENERATION_BYTES: usize = 4;

/// The key of one row, of the newest generation.
pub(super) struct RowKey {
    key: DataKey,
    generation: u32,
}

impl RowKey {
    /// Seals one column's value.
    pub(super) fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut out = self.key.seal(place, plain)?;
        out.extend(self.generation.to_be_bytes());
        Ok(out)
    }

    /// A salted commitment to a digest, as [`DataKey::commit`].
    pub(super) fn commit(&self, digest: &Digest) -> Digest {
        self.key.commit(digest)
    }
}

impl Keys {
    /// The key of one row.
    pub(super) fn of_row(&self, row: &[u8; 16]) -> Result<RowKey, Fault> {
        let missing = Fault::Damaged("a key of the store is missing");
        let (generation, _) = self.accounting.last_key_value().ok_or(missing)?;
        let key = self.derive(*generation, row)?;
        let generation = *generation;
        Ok(RowKey { key, generation })
    }

    /// Opens what the row's key of any generation sealed.
    pub(super) fn open_of_row(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let damaged = Fault::Damaged("a sealed value does not open");
        let (sealed, tail) = match sealed.split_last_chunk::<GENERATION_BYTES>() {
            Some((sealed, tail)) => (sealed, *tail),
            None => return Err(damaged),
        };
        let key = self.derive(u32::from_be_bytes(tail), place.row)?;
        key.open(place, sealed)
    }

    fn derive(&self, generation: u32, row: &[u8; 16]) -> Result<DataKey, Fault> {
        let missing = Fault::Damaged("a key of the store is missing");
        let secret = self.accounting.get(&generation).ok_or(missing)?;
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"kinbridge-accounting-v1");
        let prk = salt.extract(secret.as_slice());
        let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
        prk.expand(&[row.as_slice()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(key.as_mut_slice()))
            .map_err(|_| Fault::Damaged("a key cannot be derived"))?;
        Ok(DataKey::of(key))
    }
}
