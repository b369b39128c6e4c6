//! Whose whereabouts are protected: what records state of it, kept as keyed digests, and asked for
//! at every release.
//!
//! A statement stands while the version that makes it does. Real families and test traffic never
//! meet: their persons, households and lines are keyed apart. Every change raises the epochs of
//! those it concerns, so that no decision taken before it can still be authorised.

use super::Store;
use super::consent::{raise_epoch, reevaluate};
use super::keys::{Domain, Keys};
use super::model::{HouseholdFact, ProtectionAsk, StoreError};
use super::prepare::PreparedRecord;
use super::recall::{Happened, MAY_HAVE_LEFT, look_again};
use super::script::Script;
use super::sql::{Cell, Columns as _, Fault, Insert, all, first, for_keys, row, run, run_made};
use super::writer::{Tx, failed};
use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, PersonId, SubmissionId};
use crate::record::whereabouts::Protections;
use sqlx::sqlite::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Whether the version `p.row_id` stands.
const STANDS: &str = "EXISTS (SELECT 1 FROM record_version v JOIN submission s \
     ON s.submission_id = v.submission_id AND s.state = 1 \
     WHERE v.row_id = p.row_id AND v.void = 0 AND NOT EXISTS (SELECT 1 FROM record_version n \
     JOIN submission t ON t.submission_id = n.submission_id AND t.state = 1 \
     WHERE n.record_id = v.record_id AND n.revision > v.revision \
     AND n.held_until < 9223372036854775807))";

/// The keyed digest of a household's name.
pub(super) fn household_key(
    keys: &Keys,
    (partner, test): (&PartnerId, bool),
    name: &str,
) -> [u8; 16] {
    let lane = if test { "test" } else { "live" };
    keys.blind(Domain::Household, &[partner.as_str(), lane, name.trim()])
}

/// The keyed digest of a bare line or a door.
pub(super) fn line_key(keys: &Keys, test: bool, line: &str) -> [u8; 16] {
    let domain = if test { Domain::TestLine } else { Domain::Line };
    keys.blind(domain, &[line])
}

/// What the records of one transaction state.
pub(super) struct Statements {
    now: Timestamp,
    protections: Insert,
    members: Insert,
    lines: Insert,
    /// Versions that state something.
    rows: Vec<Cell>,
    households: BTreeSet<[u8; 16]>,
}

impl Statements {
    pub(super) fn new(now: Timestamp) -> Statements {
        Statements {
            now,
            protections: Insert::new(
                "INSERT INTO protection (person, row_id) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            members: Insert::new(
                "INSERT INTO household_member (household, person, since) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            lines: Insert::new(
                "INSERT INTO protected_line (line, row_id) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            rows: Vec::new(),
            households: BTreeSet::new(),
        }
    }

    /// Adds what a record says of one of its persons.
    pub(super) fn person(&mut self, record: &PreparedRecord, ordinal: usize, person: PersonId) {
        let Some(prepared) = record.persons.get(ordinal) else {
            return;
        };
        if prepared.protected {
            self.protections.push(row![person.0, record.row_id]);
            self.rows.push(Cell::from(record.row_id));
        }
        for household in &prepared.households {
            self.members.push(row![*household, person.0, self.now]);
            self.households.insert(*household);
        }
    }

    /// Adds the lines a record states.
    pub(super) fn lines(&mut self, record: &PreparedRecord) {
        for line in &record.lines {
            self.lines.push(row![*line, record.row_id]);
        }
    }

    /// Writes everything; who is concerned is decided upon anew, also those of the versions that
    /// were replaced.
    pub(super) fn save(self, writes: &mut Script, replaced: &[[u8; 16]]) {
        self.protections.add_to(writes);
        self.members.add_to(writes);
        self.lines.add_to(writes);
        let replaced = replaced.iter().map(|row| Cell::from(*row));
        let rows: Vec<Cell> = self.rows.into_iter().chain(replaced).collect();
        for head in RAISE {
            writes.keys((head, ")"), &[], rows.iter().cloned());
        }
        let now = [Cell::from(self.now)];
        for head in RECALL.iter() {
            writes.keys((head, RECALL_TAIL), &now, rows.iter().cloned());
        }
        let households = self.households.into_iter().map(Cell::from);
        let households: Vec<Cell> = households.collect();
        writes.keys((RAISE_HOUSEHOLD, ")"), &[], households.iter().cloned());
        writes.keys((&RECALL_NEWCOMERS, RECALL_TAIL), &now, households);
    }
}

/// Raise the epochs of the persons some versions protect, and of everybody in their households.
const RAISE: [&str; 2] = [
    "UPDATE person SET consent_epoch = consent_epoch + 1 WHERE person IN (\
     SELECT p.person FROM protection p WHERE p.row_id IN",
    "UPDATE person SET consent_epoch = consent_epoch + 1 WHERE person IN (\
     SELECT o.person FROM protection p JOIN household_member m ON m.person = p.person \
     JOIN household_member o ON o.household = m.household WHERE p.row_id IN",
];

/// Raises the epochs of everybody in households that somebody protected belongs to.
const RAISE_HOUSEHOLD: &str = "UPDATE person SET consent_epoch = consent_epoch + 1 \
     WHERE person IN (SELECT o.person FROM household_member o WHERE EXISTS (\
     SELECT 1 FROM household_member m JOIN protection p ON p.person = m.person \
     WHERE m.household = o.household) AND o.household IN";

/// Have what was sent looked at again: of the persons some versions protect who were not before,
/// and of everybody in their households.
static RECALL: LazyLock<[String; 2]> = LazyLock::new(|| {
    let newly = format!(
        "NOT EXISTS (SELECT 1 FROM record_version w JOIN protection p ON p.row_id = w.row_id \
         WHERE p.person = stated.person AND {STANDS} AND w.submission_id <> (\
         SELECT submission_id FROM record_version WHERE row_id = stated.row_id)) \
         AND stated.row_id IN"
    );
    [
        format!(
            "{RECALL_OF}, protection stated JOIN person o ON o.person = stated.person \
             WHERE {MAY_HAVE_LEFT} AND {newly}"
        ),
        format!(
            "{RECALL_OF}, protection stated \
             JOIN household_member m ON m.person = stated.person \
             JOIN household_member o ON o.household = m.household AND o.person <> m.person \
             WHERE {MAY_HAVE_LEFT} AND {newly}"
        ),
    ]
});

/// The same of those who come to households that somebody protected belongs to.
static RECALL_NEWCOMERS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{RECALL_OF}, household_member o WHERE o.since = column1 AND {MAY_HAVE_LEFT} \
         AND {PROTECTED_MATE} AND o.household IN"
    )
});

/// Ends with the instant.
const RECALL_OF: &str = "INSERT INTO recall_due (subject, reason, at, reached, next_at) \
     SELECT DISTINCT o.person, 'no-longer-permitted', column1, zeroblob(16), column1 \
     FROM (VALUES (?))";
const RECALL_TAIL: &str = "ON CONFLICT DO NOTHING";

/// Whether another one of the household of `o` is protected by a record or, maybe, a fact.
const PROTECTED_MATE: &str = "EXISTS (SELECT 1 FROM household_member m \
     WHERE m.household = o.household AND m.person <> o.person \
     AND (EXISTS (SELECT 1 FROM protection p WHERE p.person = m.person) \
     OR EXISTS (SELECT 1 FROM fact f WHERE f.subject = m.person AND f.household = 1)))";

/// What concerns a person's whole household has changed: those who live with them are decided upon
/// anew, and what was sent about them is looked at again.
pub(super) async fn housemates(
    tx: &mut Tx,
    person: PersonId,
    happened: Option<&Happened>,
) -> Result<(), Fault> {
    let sql = "SELECT DISTINCT o.person FROM household_member m \
               JOIN household_member o ON o.household = m.household \
               WHERE m.person = ?1 AND o.person <> ?1";
    for row in all(&mut tx.conn, sql, row![person.0]).await? {
        let mate = PersonId(row.id(0)?);
        raise_epoch(tx, mate).await?;
        reevaluate(tx, mate).await?;
        if let Some(happened) = happened {
            look_again(tx, mate, happened).await?;
        }
    }
    Ok(())
}

/// Whom a batch that becomes visible concerns is decided upon anew, and whom the versions did that
/// it replaces.
pub(super) async fn batch_sealed(tx: &mut Tx, id: SubmissionId) -> Result<(), Fault> {
    let touched = "SELECT v.row_id FROM submission_record c JOIN record_version v \
                   ON v.record_id = c.record_id WHERE c.submission_id = ? AND c.status IN (0, 3)";
    let mut writes = Script::default();
    for head in RAISE {
        let sql = format!("{head} ({touched}))");
        writes.add(&sql, [Cell::from(id.0)]);
    }
    let households = format!(
        "(SELECT m.household FROM household_member m JOIN record_person r \
         ON r.person = m.person WHERE r.row_id IN ({touched}))"
    );
    writes.add(
        &format!("{RAISE_HOUSEHOLD} {households})"),
        [Cell::from(id.0)],
    );
    let (now, id) = (Cell::from(tx.now()), Cell::from(id.0));
    for head in RECALL.iter() {
        let sql = format!("{head} ({touched}) {RECALL_TAIL}");
        writes.add(&sql, [now.clone(), id.clone()]);
    }
    // Who came to a household with the batch was known to belong to it since it was being read.
    let sql = format!(
        "{RECALL_OF}, household_member o WHERE {MAY_HAVE_LEFT} AND {PROTECTED_MATE} \
         AND o.household IN {households} {RECALL_TAIL}"
    );
    writes.add(&sql, [now, id]);
    writes.run(&mut tx.conn).await.map(drop)
}

/// Whom a version concerns is decided upon anew: it came into force or went out of it.
pub(super) async fn version_changed(tx: &mut Tx, row_id: [u8; 16]) -> Result<(), Fault> {
    for head in RAISE {
        let versions = "SELECT o.row_id FROM record_version v JOIN record_version o \
                        ON o.record_id = v.record_id WHERE v.row_id";
        let head = format!("{head} ({versions} IN");
        for_keys(&mut tx.conn, &head, "))", &[], &[Cell::from(row_id)]).await?;
    }
    let now = [Cell::from(tx.now())];
    for head in RECALL.iter() {
        for_keys(&mut tx.conn, head, RECALL_TAIL, &now, &[Cell::from(row_id)]).await?;
    }
    Ok(())
}

/// What was said of one person is said of another from now on: they are the same.
pub(super) async fn joined(tx: &mut Tx, (keep, other): ([u8; 16], [u8; 16])) -> Result<(), Fault> {
    for sql in [
        "INSERT INTO protection (person, row_id) SELECT ?1, row_id FROM protection \
         WHERE person = ?2 ON CONFLICT DO NOTHING",
        "INSERT INTO household_member (household, person) SELECT household, ?1 \
         FROM household_member WHERE person = ?2 ON CONFLICT DO NOTHING",
        "UPDATE person SET consent_epoch = consent_epoch + 1 WHERE ?2 IS NOT NULL \
         AND person IN (SELECT o.person FROM household_member m JOIN household_member o \
         ON o.household = m.household WHERE m.person = ?1)",
    ] {
        run(&mut tx.conn, sql, row![keep, other]).await?;
    }
    let sql = format!(
        "{RECALL_OF}, household_member m JOIN household_member o ON o.household = m.household \
         WHERE {MAY_HAVE_LEFT} AND ({PROTECTED_MATE} \
         OR EXISTS (SELECT 1 FROM protection p WHERE p.person = o.person)) \
         AND m.person = ? {RECALL_TAIL}"
    );
    let cells = row![tx.now(), keep];
    run_made(&mut tx.conn, &sql, cells).await.map(drop)
}

impl Store {
    /// Facts that concern a whole household, of others than these persons' own, ended ones too.
    ///
    /// # Errors
    /// When the database fails; nothing may be released then.
    pub async fn household_facts(
        &self,
        persons: &[PersonId],
    ) -> Result<Vec<HouseholdFact>, StoreError> {
        const NAME: &str = "household_facts";
        let mut conn = self.reader(NAME).await?;
        let found = self.of_households(&mut conn, persons).await;
        found.map_err(|fault| failed(NAME, &fault))
    }

    async fn of_households(
        &self,
        conn: &mut SqliteConnection,
        persons: &[PersonId],
    ) -> Result<Vec<HouseholdFact>, Fault> {
        let sql = "SELECT DISTINCT f.fact_key, o.person FROM household_member o \
                   JOIN household_member m ON m.household = o.household AND m.person <> o.person \
                   JOIN fact f ON f.subject = m.person AND f.household = 1 WHERE o.person IN";
        let persons: Vec<Cell> = persons.iter().map(|p| Cell::from(p.0)).collect();
        let mut of: BTreeMap<[u8; 16], Vec<PersonId>> = BTreeMap::new();
        for row in for_keys(conn, sql, "", &[], &persons).await? {
            of.entry(row.id(0)?).or_default().push(PersonId(row.id(1)?));
        }
        let keys: Vec<Cell> = of.keys().map(|key| Cell::from(*key)).collect();
        let facts = self.facts(conn, "f.fact_key IN", &keys).await?;
        let each = facts.into_iter().map(|fact| HouseholdFact {
            of: of
                .remove(&self.fact_key(&fact.partner, &fact.fact_id))
                .unwrap_or_default(),
            fact,
        });
        Ok(each.collect())
    }

    /// Whether any record states a protected address: while none does, nothing need be asked.
    ///
    /// # Errors
    /// When the database fails; nothing may be released then.
    pub async fn protects_anybody(&self) -> Result<bool, StoreError> {
        const NAME: &str = "protects_anybody";
        let mut conn = self.reader(NAME).await?;
        let sql = "SELECT 1 FROM protection UNION ALL SELECT 1 FROM protected_line LIMIT 1";
        let found = first(&mut conn, sql, []).await;
        let found = found.map_err(|fault| failed(NAME, &fault))?;
        Ok(found.is_some())
    }

    /// What standing records say of the whereabouts of these persons and lines.
    ///
    /// # Errors
    /// When the database fails; nothing may be released then.
    pub async fn protections(&self, asked: ProtectionAsk) -> Result<Protections, StoreError> {
        const NAME: &str = "protections";
        let mut conn = self.reader(NAME).await?;
        let found = protections(&mut conn, &self.inner.keys, &asked).await;
        found.map_err(|fault| failed(NAME, &fault))
    }
}

async fn protections(
    conn: &mut SqliteConnection,
    keys: &Keys,
    asked: &ProtectionAsk,
) -> Result<Protections, Fault> {
    let mut out = Protections::default();
    let persons: Vec<Cell> = asked.persons.iter().map(|p| Cell::from(p.0)).collect();
    let own = format!("SELECT DISTINCT p.person FROM protection p WHERE {STANDS} AND p.person IN");
    for row in for_keys(conn, &own, "", &[], &persons).await? {
        out.persons.insert(PersonId(row.id(0)?));
    }
    let shared = format!(
        "SELECT DISTINCT o.person FROM household_member o \
         JOIN household_member m ON m.household = o.household \
         JOIN protection p ON p.person = m.person WHERE {STANDS} AND o.person IN"
    );
    for row in for_keys(conn, &shared, "", &[], &persons).await? {
        out.in_household.insert(PersonId(row.id(0)?));
    }
    let mut lines = BTreeMap::new();
    for line in &asked.lines {
        lines.insert(line_key(keys, asked.test, line), line);
    }
    let of_line =
        format!("SELECT DISTINCT p.line FROM protected_line p WHERE {STANDS} AND p.line IN");
    let cells: Vec<Cell> = lines.keys().map(|key| Cell::from(*key)).collect();
    for row in for_keys(conn, &of_line, "", &[], &cells).await? {
        out.lines
            .extend(lines.get(&row.id(0)?).map(|line| (*line).clone()));
    }
    Ok(out)
}
