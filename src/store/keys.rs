//! Keys: the master key file, partner keys, a data key per stored version, blind indexes.
//!
//! Master key wraps partner keys and the store's own keys, a partner's key wraps the data keys of
//! its records (AES-KWP), a data key seals columns (AES-256-GCM, random nonce, AAD = table, row,
//! version, column). No key ever stands unwrapped in the database, a log or an error.

use super::lock;
use super::sql::Fault;
use crate::base::digest::Digest;
use crate::base::id::PartnerId;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use aws_lc_rs::{hmac, rand};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

pub(super) const KEY_BYTES: usize = 32;
const WRAPPED_BYTES: usize = KEY_BYTES + 8;
const NONCE_BYTES: usize = 12;
/// First byte of every sealed value: how it is sealed.
const SEAL_V1: u8 = 1;
/// First word of the master key file.
const FILE_HEAD: &str = "kinbridge-master-key-1";

pub(super) type Secret = Zeroizing<[u8; KEY_BYTES]>;

/// Why the master key cannot be used. Never holds key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("the master key file cannot be {doing}: {cause}")]
    File {
        /// `read` or `created`.
        doing: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// There is no key, and a new one would open nothing of the database that is there.
    #[error(
        "there is no file {key}, but there is a database, {database}: set master_key_file to the \
         key the database was made with, or put that file back; no new key was made"
    )]
    Missing {
        /// Where the key should be.
        key: String,
        /// The database it should open.
        database: String,
    },
    /// The file is not a master key.
    #[error("the master key file does not hold a master key")]
    Malformed,
    /// Somebody else may read it.
    #[error("the master key file is readable by others; its mode must be 0600")]
    Exposed,
    /// No randomness.
    #[error("the system gives no randomness")]
    Randomness,
}

/// The key that wraps all others. Kept outside the database; wiped when dropped.
#[derive(Clone)]
pub struct MasterKey(Secret);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[master key]")
    }
}

impl MasterKey {
    /// Reads the key file, or creates it with mode 0600 when there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, is not a master key, or others may read it.
    pub fn load_or_create(path: &Path) -> Result<MasterKey, KeyError> {
        if path.exists() {
            return MasterKey::load(path);
        }
        let key = MasterKey(random().map_err(|_| KeyError::Randomness)?);
        match key.create_file(path) {
            // Another process was faster: its key counts.
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                MasterKey::load(path)
            }
            Err(cause) => Err(KeyError::File {
                doing: "created",
                cause,
            }),
            Ok(()) => Ok(key),
        }
    }

    /// The key of a database: made only while there is no database yet. Beside one that exists a
    /// missing key file is an error, for a new key would open nothing of it.
    ///
    /// # Errors
    /// As [`MasterKey::load_or_create`].
    pub fn for_database(path: &Path, database: &Path) -> Result<MasterKey, KeyError> {
        use std::io::ErrorKind::NotFound;
        let none_yet = match std::fs::metadata(database) {
            Ok(file) => file.len() == 0,
            // Whatever else keeps us from seeing it: it may be there.
            Err(cause) => cause.kind() == NotFound,
        };
        if none_yet {
            return MasterKey::load_or_create(path);
        }
        match MasterKey::load(path) {
            Err(KeyError::File { cause, .. }) if cause.kind() == NotFound => {
                Err(KeyError::Missing {
                    key: path.display().to_string(),
                    database: database.display().to_string(),
                })
            }
            loaded => loaded,
        }
    }

    /// Reads an existing key file.
    ///
    /// # Errors
    /// As [`MasterKey::load_or_create`].
    pub fn load(path: &Path) -> Result<MasterKey, KeyError> {
        let failed = |cause| KeyError::File {
            doing: "read",
            cause,
        };
        let meta = std::fs::metadata(path).map_err(failed)?;
        if is_exposed(&meta) {
            return Err(KeyError::Exposed);
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
        let hex = text
            .trim()
            .strip_prefix(FILE_HEAD)
            .and_then(|rest| rest.strip_prefix(':'));
        let digest = hex.and_then(Digest::from_hex).ok_or(KeyError::Malformed)?;
        Ok(MasterKey(Zeroizing::new(digest.0)))
    }

    fn create_file(&self, path: &Path) -> std::io::Result<()> {
        use std::io::Write as _;
        super::setup::make_folder(path)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let line = Zeroizing::new(format!("{FILE_HEAD}:{}\n", Digest(*self.0).to_hex()));
        file.write_all(line.as_bytes())?;
        // A key that wrapped anything must survive a power cut.
        file.sync_all()
    }

    /// A new random key, wrapped.
    pub(super) fn generate(&self) -> Result<Vec<u8>, Fault> {
        wrap(&self.0, &random()?)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Secret, Fault> {
        unwrap(&self.0, wrapped)
    }
}

#[cfg(unix)]
fn is_exposed(meta: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(meta) & 0o077 != 0
}

#[cfg(not(unix))]
fn is_exposed(_: &std::fs::Metadata) -> bool {
    false
}

/// Where a sealed value stands; bound into it, so that it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) table: &'static str,
    pub(super) row: &'a [u8; 16],
    /// Digest of the version's content, or nothing where there are no versions.
    pub(super) version: &'a [u8],
    pub(super) column: &'static str,
}

impl Place<'_> {
    fn aad(&self) -> Vec<u8> {
        let parts = [
            self.table.as_bytes(),
            self.row.as_slice(),
            self.version,
            self.column.as_bytes(),
        ];
        let mut out = Vec::with_capacity(parts.iter().map(|p| p.len() + 4).sum());
        for part in parts {
            out.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

/// The key of one stored version (or of one other sealed row).
#[derive(Clone)]
pub(super) struct DataKey(Secret);

impl DataKey {
    /// A new random key.
    pub(super) fn generate() -> Result<DataKey, Fault> {
        Ok(DataKey(random()?))
    }

    /// A key that was derived.
    pub(super) fn of(key: Secret) -> DataKey {
        DataKey(key)
    }

    /// Seals one column's value.
    pub(super) fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, self.0.as_slice())
            .map_err(|_| Fault::Damaged("a data key has the wrong length"))?;
        let mut out = Vec::with_capacity(1 + NONCE_BYTES + plain.len() + 16);
        out.extend_from_slice(plain);
        let nonce = key
            .seal_in_place_append_tag(Aad::from(place.aad()), &mut out)
            .map_err(|_| Fault::Damaged("sealing failed"))?;
        // The head goes last in memory order: version and nonce behind the tag cost no move.
        out.extend_from_slice(nonce.as_ref());
        out.push(SEAL_V1);
        Ok(out)
    }

    /// Opens what [`DataKey::seal`] made for the same place.
    pub(super) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let fault = || Fault::Damaged("a sealed value does not open");
        let (&SEAL_V1, rest) = sealed.split_last().ok_or_else(fault)? else {
            return Err(Fault::Damaged("a sealed value has an unknown version"));
        };
        let at = rest.len().checked_sub(NONCE_BYTES).ok_or_else(fault)?;
        let (body, nonce) = rest.split_at_checked(at).ok_or_else(fault)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| fault())?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, self.0.as_slice()).map_err(|_| fault())?;
        let mut out = body.to_vec();
        let length = key
            .open_in_place(nonce, Aad::from(place.aad()), &mut out)
            .map_err(|_| fault())?
            .len();
        out.truncate(length);
        Ok(out)
    }

    /// A salted commitment to a digest: whoever has no data key learns nothing from it, and once
    /// the key is shredded nobody can test a guess.
    pub(super) fn commit(&self, digest: &Digest) -> Digest {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        let mut context = hmac::Context::with_key(&key);
        context.update(b"kinbridge-commitment-v1");
        context.update(&digest.0);
        digest_of_tag(&context.sign())
    }
}

/// One partner's key.
pub(super) struct PartnerKey {
    pub(super) id: i64,
    key: Secret,
}

impl PartnerKey {
    /// Wraps a data key.
    pub(super) fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, Fault> {
        wrap(&self.key, &key.0)
    }

    /// Unwraps a data key.
    pub(super) fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, Fault> {
        unwrap(&self.key, wrapped).map(DataKey)
    }
}

/// What a value is looked up as; the same value in two domains has two digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    Source,
    Idempotency,
    Identifier,
    /// Identifiers of test traffic never meet those of real families.
    TestIdentifier,
    Case,
    Consent,
    Fact,
    /// What a version says, so that nobody without the key can confirm a guess of it.
    Content,
    /// Whole bodies: the same key with the same body gives the same receipt.
    Body,
    /// What a row of an extract adds to its file.
    Output,
    Household,
    /// Lines of protected addresses, of real families and of test traffic.
    Line,
    TestLine,
}

impl Domain {
    const fn label(self) -> &'static [u8] {
        match self {
            Domain::Source => b"source",
            Domain::Idempotency => b"idempotency",
            Domain::Identifier => b"identifier",
            Domain::TestIdentifier => b"identifier-test",
            Domain::Case => b"case",
            Domain::Consent => b"consent",
            Domain::Fact => b"fact",
            Domain::Content => b"content",
            Domain::Body => b"body",
            Domain::Output => b"output",
            Domain::Household => b"household",
            Domain::Line => b"line",
            Domain::TestLine => b"line-test",
        }
    }
}

/// The store's own keys by their names in `store_secret`.
///
/// Keyed digests name no generation of the index key, because one is looked up by computing it: a
/// new one comes only with all digests computed anew.
pub(super) const INDEX: &str = "index";
/// Derives the keys of rows.
pub(super) const ACCOUNTING: &str = "accounting";
/// Signs checkpoints.
pub(super) const SIGNING: &str = "signing";

/// One generation of one of the store's own keys, as it stands in `store_secret`.
pub(super) struct WrappedSecret {
    pub(super) name: String,
    pub(super) generation: u32,
    pub(super) wrapped: Vec<u8>,
}

/// All keys of an open store.
pub(super) struct Keys {
    master: MasterKey,
    index: hmac::Key,
    /// By generation; the newest seals.
    pub(super) accounting: BTreeMap<u32, Secret>,
    signing: Ed25519KeyPair,
    signing_generation: u32,
    /// Bounded by the number of partners and their key generations.
    partners: Mutex<HashMap<(PartnerId, i64), Arc<PartnerKey>>>,
    current: Mutex<HashMap<PartnerId, i64>>,
}

impl Keys {
    /// Unwraps the store's keys; fails when the master key is another database's.
    pub(super) fn open(master: MasterKey, wrapped: &[WrappedSecret]) -> Result<Keys, Fault> {
        let other = |_| {
            let what = "the master key does not belong to this database: set master_key_file to \
                        the key it was made with; nothing was changed";
            Fault::Refused(what.to_owned())
        };
        let mut opened: HashMap<&str, BTreeMap<u32, Secret>> = HashMap::new();
        for one in wrapped {
            let secret = master.unwrap(&one.wrapped).map_err(other)?;
            let generations = opened.entry(one.name.as_str()).or_default();
            generations.insert(one.generation, secret);
        }
        let mut take = |name| {
            let found = opened.remove(name);
            found.ok_or(Fault::Damaged("a key of the store is missing"))
        };
        let (index, accounting, signing) = (take(INDEX)?, take(ACCOUNTING)?, take(SIGNING)?);
        let newest = |generations: &BTreeMap<u32, Secret>| {
            let last = generations.last_key_value();
            let last = last.map(|(number, secret)| (*number, secret.clone()));
            last.ok_or(Fault::Damaged("a key of the store is missing"))
        };
        let (_, index) = newest(&index)?;
        let (signing_generation, seed) = newest(&signing)?;
        Ok(Keys {
            index: hmac::Key::new(hmac::HMAC_SHA256, index.as_slice()),
            accounting,
            signing: signing_pair(&seed)?,
            signing_generation,
            master,
            partners: Mutex::default(),
            current: Mutex::default(),
        })
    }

    /// The half of HMAC(index key, domain, parts) that stands in the database.
    pub(super) fn blind(&self, domain: Domain, parts: &[&str]) -> [u8; 16] {
        self.blind_digest(domain, parts).half()
    }

    /// HMAC(index key, domain, parts), whole.
    pub(super) fn blind_digest(&self, domain: Domain, parts: &[&str]) -> Digest {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        self.blind_bytes(domain, &parts)
    }

    /// As [`Keys::blind_digest`], of bytes that are no text.
    pub(super) fn blind_bytes(&self, domain: Domain, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.index);
        for part in std::iter::once(domain.label()).chain(parts.iter().copied()) {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        digest_of_tag(&context.sign())
    }

    /// Signs a checkpoint's text.
    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.signing.sign(text).as_ref().to_vec()
    }

    /// The generation of the key that signs, and its public half, 32 bytes.
    pub(super) fn public_key(&self) -> (u32, Vec<u8>) {
        let public = self.signing.public_key().as_ref().to_vec();
        (self.signing_generation, public)
    }

    /// The partner's newest key, if it is in memory.
    pub(super) fn partner(&self, partner: &PartnerId) -> Option<Arc<PartnerKey>> {
        let id = *lock(&self.current).get(partner)?;
        self.partner_key(partner, id)
    }

    /// One particular key of a partner, if it is in memory.
    pub(super) fn partner_key(&self, partner: &PartnerId, id: i64) -> Option<Arc<PartnerKey>> {
        lock(&self.partners).get(&(partner.clone(), id)).cloned()
    }

    /// A new wrapped partner key.
    pub(super) fn generate_partner(&self) -> Result<Vec<u8>, Fault> {
        self.master.generate()
    }

    /// From now on this key of the partner's wraps; it is in memory.
    pub(super) fn wrap_with(&self, partner: &PartnerId, id: i64) {
        let mut current = lock(&self.current);
        let newest = current.entry(partner.clone()).or_insert(id);
        *newest = id.max(*newest);
    }

    /// Takes a stored partner key into memory, to open by.
    pub(super) fn learn_partner(
        &self,
        partner: &PartnerId,
        id: i64,
        wrapped: &[u8],
    ) -> Result<(), Fault> {
        let key = self.master.unwrap(wrapped)?;
        let key = Arc::new(PartnerKey { id, key });
        lock(&self.partners).insert((partner.clone(), id), key);
        Ok(())
    }
}

fn signing_pair(seed: &Secret) -> Result<Ed25519KeyPair, Fault> {
    Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
        .map_err(|_| Fault::Damaged("the signing key is not a key"))
}

fn random() -> Result<Secret, Fault> {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    rand::fill(key.as_mut_slice()).map_err(|_| Fault::Damaged("the system gives no randomness"))?;
    Ok(key)
}

fn wrap(kek: &Secret, key: &Secret) -> Result<Vec<u8>, Fault> {
    let fault = |_| Fault::Damaged("a key cannot be wrapped");
    let mut out = [0_u8; WRAPPED_BYTES];
    let wrapped = AesKek::new(&AES_256, kek.as_slice())
        .and_then(|kek| kek.wrap_with_padding(key.as_slice(), &mut out))
        .map_err(fault)?;
    Ok(wrapped.to_vec())
}

fn unwrap(kek: &Secret, wrapped: &[u8]) -> Result<Secret, Fault> {
    let fault = || Fault::Damaged("a wrapped key does not open");
    let mut out = Zeroizing::new([0_u8; WRAPPED_BYTES]);
    let kek = AesKek::new(&AES_256, kek.as_slice()).map_err(|_| fault())?;
    let plain = kek
        .unwrap_with_padding(wrapped, out.as_mut_slice())
        .map_err(|_| fault())?;
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    if plain.len() != KEY_BYTES {
        return Err(fault());
    }
    key.copy_from_slice(plain);
    Ok(key)
}

fn digest_of_tag(tag: &hmac::Tag) -> Digest {
    let mut out = [0_u8; 32];
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    Digest(out)
}
