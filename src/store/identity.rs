//! Persons: from identifiers to one person, deterministically.
//!
//! An identifier leads everybody somewhere, or one partner alone. That two identifiers are one
//! person's is the word of the partner whose record bears both: it holds for that partner's own
//! records, and for everybody only if the partner is the authority for both, or when a human has
//! joined the persons. So a mistaken or false record never carries a consent onto another source's
//! records.
//!
//! None known: a new person. Several that agree: that person, and the unknown ones are learned.
//! Two persons: nobody is joined, the record is held for a human. What an unsealed batch has
//! learned is known to that batch alone.

use super::model::Reach;
use super::prepare::PreparedPerson;
use super::script::{At, Script};
use super::sql::{Cell, Columns as _, Fault, Insert, all, first, for_keys, row, run};
use super::whereabouts;
use super::writer::Tx;
use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, PersonId, SubmissionId};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The scope of what leads everybody.
const EVERYBODY: &str = "";
/// Where a link is from that no submission brought.
const NO_SUBMISSION: [u8; 16] = [0; 16];

/// Where an identifier leads, and whom.
struct Link {
    person: PersonId,
    /// Whom it was made known for, when that one has been joined with `person` since.
    own: Option<PersonId>,
    /// [`EVERYBODY`], or a partner.
    scope: String,
    /// Set while only this submission may see it.
    unsealed: Option<SubmissionId>,
}

impl Link {
    fn is_seen_by(&self, origin: &Origin<'_>) -> bool {
        let whose = self.scope == EVERYBODY || self.scope == origin.partner.as_str();
        whose && self.unsealed.is_none_or(|id| id == origin.submission)
    }
}

/// What one transaction knows and learns of persons.
#[derive(Default)]
pub(super) struct People {
    known: HashMap<[u8; 16], Vec<Link>>,
    /// Persons that some identifier leads everybody to.
    anchored: HashSet<PersonId>,
    minted: Vec<(PersonId, bool)>,
    learned: Vec<[Cell; 6]>,
}

/// Who a record's person turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) person: PersonId,
    /// Whom its identifiers were made known for, when that one was joined with `person` since.
    pub(super) own: Option<PersonId>,
    /// Its identifiers lead to different persons; `person` is then a new one, linked to nobody.
    pub(super) ambiguous: bool,
}

/// Where identifiers come from.
pub(super) struct Origin<'a> {
    pub(super) partner: &'a PartnerId,
    pub(super) submission: SubmissionId,
    /// Whether others may see it once this transaction commits.
    pub(super) visible: bool,
    pub(super) test: bool,
    /// When new persons are minted.
    pub(super) now: Timestamp,
}

const LINKS: (&str, &str) = (
    "SELECT i.identifier, i.person, i.scope, i.learned_from, coalesce(s.state, 1), \
     EXISTS (SELECT 1 FROM person_identifier g WHERE g.person = i.person AND g.scope = ''), \
     i.own FROM person_identifier i LEFT JOIN submission s ON s.submission_id = i.learned_from \
     WHERE i.identifier IN",
    "",
);

impl People {
    /// Asks what is known of these identifiers.
    pub(super) fn ask(asks: &mut Script, identifiers: BTreeSet<[u8; 16]>) -> At {
        asks.keys(LINKS, &[], identifiers.into_iter().map(Cell::from))
    }

    /// Takes in the answer.
    pub(super) fn learn(rows: &[SqliteRow]) -> Result<People, Fault> {
        let mut people = People::default();
        for row in rows {
            let link = Link {
                person: PersonId(row.id(1)?),
                own: row.id_or_null(6)?.map(PersonId),
                scope: row.text(2)?,
                unsealed: match row.int(4)? {
                    0 => Some(SubmissionId(row.id(3)?)),
                    _ => None,
                },
            };
            if row.int(5)? == 1 {
                people.anchored.insert(link.person);
            }
            people.known.entry(row.id(0)?).or_default().push(link);
        }
        Ok(people)
    }

    /// Finds or mints the person of these identifiers.
    pub(super) fn join(&mut self, person: &PreparedPerson, origin: &Origin<'_>) -> Joined {
        let mut found: Option<PersonId> = None;
        let mut ambiguous = false;
        let mut owners = BTreeSet::new();
        for (identifier, _) in &person.identifiers {
            for link in self.seen(identifier, origin) {
                ambiguous |= found.is_some_and(|one| one != link.person);
                found = Some(link.person);
                owners.insert(link.own);
            }
        }
        // On identifiers of two that were joined it is the one's that was kept.
        let own = owners
            .first()
            .copied()
            .flatten()
            .filter(|_| owners.len() == 1);
        if ambiguous {
            let person = self.mint(origin);
            return Joined {
                person,
                own: None,
                ambiguous: true,
            };
        }
        let joined = match found {
            Some(known) => known,
            None => self.mint(origin),
        };
        self.link(person, (joined, own), origin);
        Joined {
            person: joined,
            own,
            ambiguous: false,
        }
    }

    fn seen<'a>(
        &'a self,
        identifier: &[u8; 16],
        origin: &'a Origin<'_>,
    ) -> impl Iterator<Item = &'a Link> {
        let links = self.known.get(identifier).map(Vec::as_slice);
        let links = links.unwrap_or_default().iter();
        links.filter(|link| link.is_seen_by(origin))
    }

    fn leads(&self, identifier: &[u8; 16], scope: &str, origin: &Origin<'_>) -> bool {
        self.seen(identifier, origin).any(|l| l.scope == scope)
    }

    /// Learns where the identifiers lead that lead nowhere yet: everybody or this sender.
    fn link(
        &mut self,
        person: &PreparedPerson,
        (joined, own): (PersonId, Option<PersonId>),
        origin: &Origin<'_>,
    ) {
        let mut vouched_for = !self.anchored.contains(&joined);
        let mut anchor = None;
        for (identifier, reach) in &person.identifiers {
            let everybody = self.leads(identifier, EVERYBODY, origin);
            vouched_for |= everybody && *reach == Reach::Vouched;
            let better = anchor.is_none_or(|(_, had)| had == Reach::Shared);
            if *reach == Reach::Vouched && better || *reach == Reach::Shared && anchor.is_none() {
                anchor = Some((*identifier, *reach));
            }
        }
        // The first way to a person nobody else can reach joins nothing.
        let anchor = anchor.filter(|_| !self.anchored.contains(&joined));
        for (identifier, reach) in &person.identifiers {
            let first = anchor.is_some_and(|(first, _)| first == *identifier);
            let scope = match reach {
                Reach::Vouched if vouched_for => EVERYBODY,
                Reach::Shared if first => EVERYBODY,
                _ => origin.partner.as_str(),
            };
            let led = self.leads(identifier, EVERYBODY, origin) && *reach != Reach::Own;
            if !led && !self.leads(identifier, scope, origin) {
                let whose = Whose {
                    person: joined,
                    own,
                };
                self.push(*identifier, (whose, scope), origin);
            }
        }
    }

    fn push(&mut self, identifier: [u8; 16], (whose, scope): (Whose, &str), origin: &Origin<'_>) {
        let Whose { person, own } = whose;
        let partner = origin.partner.as_str();
        let from = (origin.submission.0, partner);
        self.learned.push(link_row(identifier, scope, from, whose));
        if scope == EVERYBODY {
            self.anchored.insert(person);
        }
        let link = Link {
            person,
            own,
            scope: scope.to_owned(),
            unsealed: (!origin.visible).then_some(origin.submission),
        };
        self.known.entry(identifier).or_default().push(link);
    }

    fn mint(&mut self, origin: &Origin<'_>) -> PersonId {
        let person = PersonId::mint(origin.now);
        self.minted.push((person, origin.test));
        person
    }

    /// Writes new persons and links.
    pub(super) fn save(self, writes: &mut Script) {
        let mut persons = Insert::new(
            "INSERT INTO person (person, consent_epoch, test) VALUES",
            "",
        );
        for (person, test) in self.minted {
            persons.push(row![person.0, 0_i64, test]);
        }
        persons.add_to(writes);
        let mut links = Insert::new(LINK_INSERT, "ON CONFLICT DO NOTHING");
        for link in self.learned {
            links.push(link);
        }
        links.add_to(writes);
    }
}

const LINK_INSERT: &str = "INSERT INTO person_identifier (identifier, scope, learned_from, \
     person, asserted_by, own) VALUES";

/// Whom an identifier is counted to, and whom it was made known for when that is another.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub(super) person: PersonId,
    pub(super) own: Option<PersonId>,
}

fn link_row(
    identifier: [u8; 16],
    scope: &str,
    (from, by): ([u8; 16], &str),
    whose: Whose,
) -> [Cell; 6] {
    let own = whose.own.map(|own| own.0);
    row![identifier, scope, from, whose.person.0, by, own]
}

/// Where an identifier leads a partner: by its own word first, else where it leads everybody.
/// Without a partner where it leads everybody, else where all partners it leads agree.
pub(super) async fn seen(
    conn: &mut SqliteConnection,
    identifier: [u8; 16],
    partner: Option<&PartnerId>,
) -> Result<Option<Whose>, Fault> {
    let sql = "SELECT i.person, i.scope, i.own FROM person_identifier i \
               LEFT JOIN submission s ON s.submission_id = i.learned_from \
               WHERE i.identifier = ?1 AND coalesce(s.state, 1) = 1 \
               AND (?2 IS NULL OR i.scope IN ('', ?2))";
    let rows = all(conn, sql, row![identifier, partner.map(PartnerId::as_str)]).await?;
    let (mut everybody, mut own) = (None, BTreeMap::new());
    for row in &rows {
        let whose = Whose {
            person: PersonId(row.id(0)?),
            own: row.id_or_null(2)?.map(PersonId),
        };
        if row.text(1)? == EVERYBODY {
            everybody = Some(whose);
        } else {
            own.insert(whose.person, whose);
        }
    }
    let own = own.values().next().copied().filter(|_| own.len() == 1);
    Ok(match partner {
        Some(_) => own.or(everybody),
        None => everybody.or(own),
    })
}

/// Every way these identifiers lead a partner: an identifier and a person.
pub(super) async fn led(
    conn: &mut SqliteConnection,
    partner: &PartnerId,
    identifiers: &[Cell],
) -> Result<Vec<([u8; 16], PersonId)>, Fault> {
    let head = "SELECT i.identifier, i.person FROM person_identifier i \
                LEFT JOIN submission s ON s.submission_id = i.learned_from \
                WHERE coalesce(s.state, 1) = 1 AND i.scope IN ('', ?) AND i.identifier IN";
    let first = [Cell::from(partner.as_str())];
    let rows = for_keys(conn, head, "", &first, identifiers).await?;
    let pair = |row: &SqliteRow| Ok((row.id(0)?, PersonId(row.id(1)?)));
    rows.iter().map(pair).collect()
}

/// All persons these identifiers lead a partner to, in order.
pub(super) async fn led_to(
    conn: &mut SqliteConnection,
    partner: &PartnerId,
    identifiers: &[Cell],
) -> Result<Vec<[u8; 16]>, Fault> {
    let led = led(conn, partner, identifiers).await?;
    let found: BTreeSet<[u8; 16]> = led.into_iter().map(|(_, person)| person.0).collect();
    Ok(found.into_iter().collect())
}

/// The person an identifier leads a partner to, made known if it leads to none: the one it was
/// made known for, whomever that one counts to.
pub(super) async fn ensure(
    tx: &mut Tx,
    partner: &PartnerId,
    (identifier, reach): ([u8; 16], Reach),
    test: bool,
) -> Result<PersonId, Fault> {
    if let Some(known) = seen(&mut tx.conn, identifier, Some(partner)).await? {
        return Ok(known.own.unwrap_or(known.person));
    }
    let person = PersonId::mint(tx.now());
    let sql = "INSERT INTO person (person, consent_epoch, test) VALUES (?, 0, ?)";
    run(&mut tx.conn, sql, row![person.0, test]).await?;
    let scope = match reach {
        Reach::Own => partner.as_str(),
        Reach::Shared | Reach::Vouched => EVERYBODY,
    };
    let mut link = Insert::new(LINK_INSERT, "");
    let from = (NO_SUBMISSION, partner.as_str());
    link.push(link_row(
        identifier,
        scope,
        from,
        Whose { person, own: None },
    ));
    link.run(&mut tx.conn).await?;
    Ok(person)
}

/// What a batch learned, now that it is sealed, and others have learned since it began: where its
/// new person has become known to others, its records are about that one; where two old ones would
/// meet, the batch's word counts for its sender alone, whose next such record is held.
pub(super) async fn reconcile(tx: &mut Tx, batch: SubmissionId) -> Result<(), Fault> {
    let sql = "SELECT i.identifier, i.person, o.person, NOT EXISTS (\
               SELECT 1 FROM person_identifier l WHERE l.person = i.person \
               AND l.learned_from <> ?1) AND NOT EXISTS (\
               SELECT 1 FROM consent c WHERE c.subject = i.person) AND NOT EXISTS (\
               SELECT 1 FROM fact f WHERE f.subject = i.person) \
               FROM person_identifier i JOIN person_identifier o ON o.identifier = i.identifier \
               AND o.scope = '' AND o.learned_from <> ?1 AND o.person <> i.person \
               LEFT JOIN submission s ON s.submission_id = o.learned_from \
               WHERE i.learned_from = ?1 AND i.scope = '' AND coalesce(s.state, 1) = 1 \
               AND i.person IN (SELECT p.person FROM submission_record c \
               JOIN record_person p ON p.row_id = c.row_id WHERE c.submission_id = ?1)";
    let rows = all(&mut tx.conn, sql, row![batch.0]).await?;
    let mut others: HashMap<[u8; 16], (BTreeSet<[u8; 16]>, bool)> = HashMap::new();
    for row in &rows {
        let (theirs, new) = others.entry(row.id(1)?).or_default();
        theirs.insert(row.id(2)?);
        *new = row.int(3)? == 1;
    }
    for (mine, (theirs, new)) in &others {
        match theirs.first() {
            Some(one) if *new && theirs.len() == 1 => become_known(tx, *mine, *one).await?,
            _ => {
                let sql = "UPDATE OR IGNORE person_identifier SET scope = asserted_by \
                           WHERE person = ? AND learned_from = ? AND scope = ''";
                run(&mut tx.conn, sql, row![*mine, batch.0]).await?;
            }
        }
    }
    Ok(())
}

/// A person only this batch knew is the known one. Nobody has seen it under its own id.
async fn become_known(tx: &mut Tx, mine: [u8; 16], known: [u8; 16]) -> Result<(), Fault> {
    whereabouts::joined(tx, (known, mine)).await?;
    for sql in [
        "UPDATE record_person SET person = ?2 WHERE person = ?1",
        "UPDATE person_identifier SET person = ?2 WHERE person = ?1",
        "DELETE FROM person WHERE person = ?1 AND ?2 IS NOT NULL",
    ] {
        run(&mut tx.conn, sql, row![mine, known]).await?;
    }
    Ok(())
}

/// The person an id stands for today: joined ones lead to the one they were joined with.
pub(super) async fn counts_to(
    conn: &mut SqliteConnection,
    person: PersonId,
) -> Result<PersonId, Fault> {
    let sql = "WITH RECURSIVE chain (person, step) AS (SELECT ?1, 0 UNION ALL \
               SELECT p.merged_into, chain.step + 1 FROM person p \
               JOIN chain ON p.person = chain.person \
               WHERE p.merged_into IS NOT NULL AND chain.step < 64) \
               SELECT person FROM chain ORDER BY step DESC LIMIT 1";
    match first(conn, sql, row![person.0]).await? {
        Some(row) => Ok(PersonId(row.id(0)?)),
        None => Ok(person),
    }
}
