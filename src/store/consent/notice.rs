//! What a lodger and the sources are told of the coming end of consents: a work item that names
//! them by the registry's ids, and that it was told.

use super::Store;
use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, PersonId, RegistryId};
use crate::store::model::{HoldCause, NewWorkItem, StoreError, StoredRecord};
use crate::store::open;
use crate::store::route::{WorkOf, work_insert, work_row};
use crate::store::sql::{Columns as _, Fault, first, row, run};
use crate::store::writer::{Tx, failed};

/// Consents named in one item.
const NAMED_MAX: usize = 50;

struct Telling {
    partner: PartnerId,
    days: i32,
    consents: Vec<RegistryId>,
    at: Timestamp,
}

impl Store {
    /// Raises a work item to a partner for those of the consents it was not told of before, as
    /// many as one item names; gives how many these are. The rest is left for the next time.
    ///
    /// # Errors
    /// When the database fails; nothing was told then.
    pub async fn tell_stopping(
        &self,
        partner: PartnerId,
        (days, consents): (i32, Vec<RegistryId>),
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let telling = Telling {
            partner,
            days,
            consents,
            at,
        };
        self.write("tell_stopping", telling, |tx, telling| {
            Box::pin(tell(tx, telling))
        })
        .await
    }

    /// The newest record about a person that a partner has handed in and not voided.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_about(
        &self,
        person: PersonId,
        partner: &PartnerId,
    ) -> Result<Option<StoredRecord>, StoreError> {
        const NAME: &str = "newest_about";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let sql = "SELECT row_id FROM newest_of_person WHERE person = ? AND partner = ? \
                       ORDER BY received_at DESC, row_id DESC LIMIT 1";
            let asked = row![person.0, partner.as_str()];
            let Some(found) = first(&mut conn, sql, asked).await? else {
                return Ok(None);
            };
            let rows = [found.id(0)?];
            let opened = open::records(&mut conn, &self.inner.keys, &rows).await?;
            Ok(opened.into_iter().next().map(|opened| opened.record))
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}

async fn tell(tx: &mut Tx, telling: &Telling) -> Result<u64, Fault> {
    let (mut named, mut test) = (Vec::new(), false);
    for id in &telling.consents {
        if named.len() >= NAMED_MAX {
            // Nobody was told of what is not named: the rest is for the next look.
            break;
        }
        let sql = "SELECT c.consent_key, p.test FROM consent c \
                   JOIN person p ON p.person = c.subject WHERE c.registry_id = ?";
        let Some(found) = first(&mut tx.conn, sql, row![id.0]).await? else {
            continue;
        };
        let sql = "INSERT INTO consent_notice (consent_key, partner, days, told_at) \
                   VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
        let days = i64::from(telling.days);
        let cells = row![found.id(0)?, telling.partner.as_str(), days, telling.at];
        if run(&mut tx.conn, sql, cells).await? == 0 {
            continue;
        }
        test = found.int(1)? == 1;
        named.push(id.to_string());
    }
    if named.is_empty() {
        return Ok(0);
    }
    let detail = format!("within {} days: {}", telling.days, named.join(", "));
    let item = NewWorkItem {
        detail,
        ..NewWorkItem::plain(HoldCause::ConsentAgesOut)
    };
    let mut work = work_insert();
    let of = WorkOf::partner(&telling.partner, test);
    work.push(work_row(&item, &of, telling.at));
    work.run(&mut tx.conn).await?;
    Ok(u64::try_from(named.len()).unwrap_or(u64::MAX))
}
