//! How an operation of the store fails, and what its caller can make of it.
//!
//! A failure names the operation and its kind; it must never hold a value of a row.

use crate::telemetry::{Event, emit};

/// Why a submission was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The key belongs to another body.
    #[error("the idempotency key was used with another body")]
    KeyConflict,
    /// Too much is under way.
    #[error("the store cannot take more at the moment")]
    Busy,
    /// Anything else, a full disk included; the cause is logged without values.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for AcceptError {
    fn from(error: StoreError) -> AcceptError {
        if error.kind == StoreErrorKind::Busy {
            AcceptError::Busy
        } else {
            AcceptError::Store(error)
        }
    }
}

/// A failed operation. Never carries row values.
#[derive(Debug, thiserror::Error)]
#[error("store operation `{operation}` failed: {cause}")]
pub struct StoreError {
    /// Which named operation.
    pub operation: &'static str,
    /// Kind of failure and constraint name at most.
    pub cause: String,
    /// What the caller can make of it.
    pub kind: StoreErrorKind,
}

/// What the caller can make of a failed operation. In all cases nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The database is busy: the caller may come back at once.
    Busy,
    /// The storage does not take it: somebody has to make room or mend it first.
    Storage(StorageTrouble),
    /// Anything else.
    Inside,
}

/// Why the storage under the database does not take what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageTrouble {
    /// The disk, or the size the settings allow the database, is full.
    Full,
    /// The disk fails, or a quota is used up.
    Failing,
    /// The database or its folder may only be read.
    ReadOnly,
}

impl StorageTrouble {
    /// One word, for numbers.
    pub const fn as_str(self) -> &'static str {
        match self {
            StorageTrouble::Full => "full",
            StorageTrouble::Failing => "failing",
            StorageTrouble::ReadOnly => "read-only",
        }
    }

    /// What it is and what to do, for whoever runs the gateway.
    pub const fn told(self) -> &'static str {
        match self {
            StorageTrouble::Full => {
                "the storage is full: make room on the disk of data_dir, or raise \
                 limits.database_mib_max if it is set"
            }
            StorageTrouble::Failing => {
                "the disk of data_dir does not write: look at its health and quota"
            }
            StorageTrouble::ReadOnly => {
                "the database may only be read: look at how the disk of data_dir is mounted and \
                 who owns the files"
            }
        }
    }
}

impl StoreError {
    /// A failure that is neither the database's load nor its storage.
    pub fn inside(operation: &'static str, cause: impl Into<String>) -> StoreError {
        StoreError {
            operation,
            cause: cause.into(),
            kind: StoreErrorKind::Inside,
        }
    }

    /// Tells that it failed; to be called once, where it is handled and nobody is answered.
    /// Storage that takes nothing is left out: the store's writer tells of it, once.
    pub fn tell(&self) {
        if self.storage().is_none() {
            emit(&Event::Failed {
                operation: self.operation,
                cause: &self.cause,
            });
        }
    }

    /// What is wrong with the storage, if that is why it failed.
    pub fn storage(&self) -> Option<StorageTrouble> {
        match self.kind {
            StoreErrorKind::Storage(trouble) => Some(trouble),
            StoreErrorKind::Busy | StoreErrorKind::Inside => None,
        }
    }
}
