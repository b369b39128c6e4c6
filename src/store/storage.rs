//! Whether the storage under the database takes what is written.
//!
//! The writer tells how its last write ended; whoever asks for readiness reads it here. What could
//! not be written was rolled back and its sender told so: nothing here decides about a record, and
//! nothing is ever answered as taken because of it.

use super::model::{StorageTrouble, StoreError};
use super::sql::{row, run};
use super::{Store, lock};
use crate::base::limits::STORAGE_PROBE_BYTES;
use crate::telemetry::{Event, emit};
use std::sync::Mutex;

/// How the last write ended, as far as the storage is concerned.
#[derive(Default)]
pub(super) struct Watch(Mutex<Option<StorageTrouble>>);

impl Watch {
    /// A write failed for the storage. Told once for each kind, not for every submission.
    pub(super) fn failed(&self, trouble: StorageTrouble) {
        let before = lock(&self.0).replace(trouble);
        if before != Some(trouble) {
            emit(&Event::StorageTrouble {
                trouble: trouble.as_str(),
                cause: trouble.told(),
            });
        }
    }

    /// Something was written and committed.
    pub(super) fn wrote(&self) {
        if lock(&self.0).take().is_some() {
            emit(&Event::StorageTakesWrites);
        }
    }

    fn now(&self) -> Option<StorageTrouble> {
        *lock(&self.0)
    }
}

impl Store {
    /// What kept the last write from being stored, if that was the storage.
    pub fn storage_trouble(&self) -> Option<StorageTrouble> {
        self.inner.storage.now()
    }

    /// Tries to write when the last write failed for the storage, so that the gateway is ready
    /// again without waiting for somebody to send. To be called every few seconds; does nothing
    /// while all is well.
    ///
    /// # Errors
    /// When it still cannot be written.
    pub async fn probe_storage(&self) -> Result<(), StoreError> {
        const NAME: &str = "probe_storage";
        if self.storage_trouble().is_none() {
            return Ok(());
        }
        // Committed before it is taken away again: only then was room really needed.
        self.write(NAME, (), |tx, ()| {
            let sql = "INSERT INTO store_fact (name, value) VALUES ('storage_probe', \
                       zeroblob(?)) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            Box::pin(async move {
                run(&mut tx.conn, sql, row![STORAGE_PROBE_BYTES]).await?;
                Ok(())
            })
        })
        .await?;
        self.write(NAME, (), |tx, ()| {
            let sql = "DELETE FROM store_fact WHERE name = 'storage_probe'";
            Box::pin(async move {
                run(&mut tx.conn, sql, []).await?;
                Ok(())
            })
        })
        .await?;
        self.inner.storage.wrote();
        Ok(())
    }
}
