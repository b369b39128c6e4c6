//! Goal: what the store makes of a delivery is what the outbox says of it, whatever happens in
//! whatever order. Method: some hundreds of deliveries in a few stores, each round a seeded choice
//! of claim, authorisation, end, correction, replay, new decision or lease run out, each put to
//! `outbox::step` too; after each step state, kept bytes and exposure of all are compared.

use super::world::*;
use crate::reference::asking::Dice;
use kinbridge::base::clock::{Clock as _, Timestamp};
use kinbridge::base::id::{DeliveryId, PartnerId};
use kinbridge::outbox::{Answer, Arrival, Chances, Clearance, Delivery, Effect, Event, step};
use kinbridge::store::*;
use sqlx::{Connection as _, Row as _};
use std::collections::HashMap;
use std::time::Duration;

const RECORDS: usize = 80;
const ROUNDS: usize = 24;
const LANES: [&str; 4] = ["north", "east", "south", "west"];

/// A delivery as the machine has it.
struct Mirror {
    delivery: Delivery,
    new: NewDelivery,
    record: usize,
    version: usize,
    next_at: Timestamp,
    lease_until: Timestamp,
    attempts: i64,
    claim: Option<Claimed>,
    /// Whether the store still has the key of the claim.
    held: bool,
    /// Whether it is to be decided anew, due or not.
    again: bool,
    /// Whether the claim is for that alone.
    only: bool,
}

/// A store beside the machine.
struct Course {
    world: World,
    store: Store,
    dice: Dice,
    mirrors: HashMap<DeliveryId, Mirror>,
    /// The newest version of each record.
    versions: Vec<usize>,
    /// How often each event came to something.
    seen: HashMap<&'static str, usize>,
}

impl Mirror {
    /// Takes the step if there is one.
    fn take(&mut self, event: Event) -> Option<Vec<Effect>> {
        let (to, effects) = step(self.delivery, event)?;
        self.delivery = to;
        Some(effects)
    }

    fn state(&self) -> DeliveryState {
        self.delivery.state
    }

    /// Ids differ from run to run; this does not.
    fn place(&self) -> (usize, usize, u32) {
        (self.record, self.version, self.new.generation)
    }

    fn waits(&self) -> bool {
        matches!(
            self.state(),
            DeliveryState::Pending | DeliveryState::Ambiguous
        )
    }

    fn claimed(&self) -> bool {
        matches!(
            self.state(),
            DeliveryState::Leased | DeliveryState::Authorised
        )
    }
}

/// What an end is to the machine.
fn event_of(end: &Completion) -> Event {
    match end {
        Completion::Confirmed => Event::Answered(Answer::Confirmed, Chances::Left),
        Completion::Refused { .. } => Event::Answered(Answer::Refused, Chances::Left),
        Completion::Retry { .. } => Event::Answered(Answer::NotTaken, Chances::Left),
        Completion::Ambiguous { .. } => Event::Answered(Answer::Unsure, Chances::Left),
        Completion::Dead { answer, .. } => Event::Answered(*answer, Chances::Spent),
        Completion::Unreadable => Event::Unreadable,
        Completion::DecideAgain { .. } => Event::EpochChanged,
        Completion::Withheld { .. } => Event::Decided(Clearance::Withhold),
        Completion::Held { .. } => Event::Decided(Clearance::Hold),
        Completion::Withdrawn { .. } => Event::Decided(Clearance::Narrower),
    }
}

/// The number a state is stored as.
fn stored(state: DeliveryState) -> i64 {
    let codes = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10];
    let at = DeliveryState::ALL.iter().position(|s| *s == state);
    codes[at.expect("a state")]
}

impl Course {
    async fn new(seed: u64) -> Course {
        let world = World::new();
        let store = world.open().await;
        let mut course = Course {
            world,
            store,
            dice: Dice::new(seed),
            mirrors: HashMap::new(),
            versions: vec![0; RECORDS],
            seen: HashMap::new(),
        };
        course.accept((0..RECORDS).collect()).await;
        course
    }

    fn saw(&mut self, what: &'static str, count: usize) {
        *self.seen.entry(what).or_default() += count;
    }

    /// Records come, or come again with other content, and are routed.
    async fn accept(&mut self, which: Vec<usize>) {
        if which.is_empty() {
            return;
        }
        let name = |at: usize, version: usize| format!("{at}-{version}");
        let records = which.iter().enumerate().map(|(index, at)| {
            let index = u32::try_from(index).expect("small");
            record(index, &format!("r{at}"), &name(*at, self.versions[*at]))
        });
        let records: Vec<_> = records.collect();
        let text = which.iter().map(|at| name(*at, self.versions[*at]));
        let body = text.collect::<Vec<_>>().join(" ");
        let done = self.store.accept(submission(None, &body, records)).await;
        let accepted = done.expect("accepted").counts().accepted;
        assert_eq!(accepted, which.len() as u64);
        let mut superseded = 0;
        for mirror in self.mirrors.values_mut() {
            let again = which.contains(&mirror.record);
            superseded += usize::from(again && mirror.take(Event::Supersede).is_some());
        }
        self.saw("superseded", superseded);
        self.compare("accept").await;
        self.route().await;
        self.compare("route").await;
    }

    async fn route(&mut self) {
        let mut routed = Vec::new();
        for work in self.store.claim_routes(500).await.expect("routes") {
            let source = work.record.source_record_id.trim_start_matches('r');
            let at: usize = source.parse().expect("a number");
            let new = delivery(&work.record, LANES[at % LANES.len()], 0);
            routed.push(Routed {
                record_id: work.record.record_id,
                version: work.record.version,
                asked: work.asked,
                deliveries: vec![new.clone()],
                work: Vec::new(),
            });
            self.queued(new, (at, self.versions[at]));
        }
        self.store.routed(routed).await.expect("routed");
    }

    fn queued(&mut self, new: NewDelivery, (record, version): (usize, usize)) {
        let mirror = Mirror {
            delivery: Delivery::queued(),
            record,
            version,
            next_at: START,
            lease_until: START,
            attempts: 0,
            claim: None,
            held: false,
            again: false,
            only: false,
            new,
        };
        let known = self.mirrors.insert(mirror.new.delivery_id, mirror);
        assert!(known.is_none(), "a delivery came twice");
    }

    /// Claims in some lanes; leases that are over end first, everywhere.
    async fn claim(&mut self) {
        let now = self.world.clock.now();
        let mut expired = 0;
        for mirror in self.mirrors.values_mut() {
            if mirror.claimed() && mirror.lease_until <= now {
                mirror.take(Event::LeaseExpired).expect("a lease ends");
                mirror.next_at = now;
                expired += 1;
            }
        }
        self.saw("expired", expired);
        let open = self.dice.below(16);
        let lanes: Vec<&str> = (0..LANES.len())
            .filter(|lane| open >> lane & 1 == 1)
            .map(|lane| LANES[lane])
            .collect();
        let blocked = |mirror: &Mirror| {
            let mut others = self.mirrors.values();
            others.any(|other| {
                let older = other.record == mirror.record && other.version < mirror.version;
                older && (other.waits() || other.claimed())
            })
        };
        let due = self.mirrors.values().filter(|mirror| {
            let lane = lanes.contains(&mirror.new.partner.as_str());
            lane && mirror.waits() && mirror.next_at <= now && !blocked(mirror)
        });
        let mut due: Vec<DeliveryId> = due.map(|mirror| mirror.new.delivery_id).collect();
        let mut judged = Vec::new();
        for (id, mirror) in &mut self.mirrors {
            mirror.again &= mirror.waits() || mirror.claimed();
            if mirror.again && mirror.waits() {
                mirror.again = false;
                mirror.only = !due.contains(id);
                judged.extend((!due.contains(id)).then_some(*id));
            } else if mirror.waits() {
                mirror.only = false;
            }
        }
        self.saw("judged", judged.len());
        due.extend(judged);
        let claims = claim(&self.world, &self.store, &lanes, 10_000).await;
        let mut got: Vec<DeliveryId> = claims.iter().map(|c| c.delivery.delivery_id).collect();
        due.sort_unstable();
        got.sort_unstable();
        assert_eq!(got, due, "what is due is claimed, and nothing else");
        self.saw("claimed", claims.len());
        for claimed in claims {
            let mirror = self.mirrors.get_mut(&claimed.delivery.delivery_id);
            let mirror = mirror.expect("known");
            let effects = mirror.take(Event::Claim).expect("it waited");
            assert_eq!(effects, [Effect::Decide]);
            assert_eq!(claimed.kept.is_some(), mirror.delivery.kept);
            assert_eq!(claimed.ambiguous, mirror.delivery.arrival > Arrival::No);
            mirror.lease_until = now.after(Duration::from_secs(60));
            mirror.held = true;
            mirror.claim = Some(claimed);
        }
        self.compare("claim").await;
    }

    /// Some claims, standing or run out.
    fn some_claims(&mut self, of: usize) -> Vec<Claimed> {
        let claims = self.mirrors.values().filter_map(|m| m.claim.clone());
        let mut claims: Vec<Claimed> = claims.collect();
        claims.sort_by_key(|claimed| self.mirrors[&claimed.delivery.delivery_id].place());
        claims.retain(|_| self.dice.below(of) == 0);
        claims
    }

    async fn authorise(&mut self) {
        let (mut asked, mut expected) = (Vec::new(), Vec::new());
        for claimed in self.some_claims(2) {
            let mut one = authorisation(&claimed);
            let changed = self.dice.below(8) == 0;
            let stale = self.dice.below(12) == 0;
            one.token -= i64::from(stale);
            if changed {
                one.epochs[0].1 -= 1;
            }
            let mirror = self.mirrors.get_mut(&one.delivery_id).expect("known");
            let leased = mirror.state() == DeliveryState::Leased;
            let may = mirror.held && leased && !stale && !mirror.only;
            expected.push(match (may, changed) {
                (true, true) => Authorised::EpochChanged,
                (true, false) => {
                    let effects = mirror.take(Event::AuthorisationCommitted);
                    assert_eq!(effects.expect("a step"), [Effect::Send]);
                    mirror.attempts += 1;
                    Authorised::Go
                }
                (false, _) => Authorised::Stale,
            });
            mirror.held &= may || stale;
            asked.push(one);
        }
        let going = expected.iter().filter(|e| **e == Authorised::Go).count();
        self.saw("authorised", going);
        assert_eq!(self.store.authorise(asked).await.expect("told"), expected);
        self.compare("authorise").await;
    }

    fn end(&mut self, claimed: &Claimed) -> Completion {
        let wait = Duration::from_secs(20 * self.dice.below(3) as u64);
        let (next_at, detail) = (self.world.clock.now().after(wait), String::from("x"));
        let decision = |effect| Box::new(decision(claimed, effect));
        let dead = |answer| Completion::Dead {
            answer,
            detail: String::from("x"),
        };
        let mirror = &self.mirrors[&claimed.delivery.delivery_id];
        let newest = mirror.new.generation;
        match self.dice.below(14) {
            0 => Completion::Confirmed,
            1 => Completion::Refused { detail },
            2 | 3 => Completion::Retry { next_at, detail },
            4 | 5 => Completion::Ambiguous { next_at, detail },
            6 => dead(Answer::NotTaken),
            7 => dead(Answer::Unsure),
            8 => Completion::DecideAgain { next_at },
            9..=11 => Completion::Withheld {
                decision: decision("withhold"),
            },
            12 => Completion::Held {
                cause: HoldCause::HumanReview,
                decision: Some(decision("withhold")),
            },
            _ => Completion::Withdrawn {
                next: Some(delivery(
                    &claimed.record,
                    claimed.delivery.partner.as_str(),
                    newest + 1,
                )),
            },
        }
    }

    async fn complete(&mut self) {
        let (mut ended, mut expected) = (Vec::new(), Vec::new());
        for claimed in self.some_claims(2) {
            let end = self.end(&claimed);
            let id = claimed.delivery.delivery_id;
            let stale = self.dice.below(12) == 0;
            let token = claimed.token - i64::from(stale);
            expected.push(!stale && self.ends(id, &end));
            ended.push((id, token, end));
        }
        let done = expected.iter().filter(|done| **done).count();
        self.saw("ended", done);
        let answers = self.store.complete(ended.clone()).await;
        let answers = answers.expect("told");
        for ((answer, expected), end) in answers.iter().zip(expected).zip(ended) {
            assert_eq!(*answer, expected, "{end:?}");
        }
        self.compare("complete").await;
    }

    /// Whether the machine lets a claim end so; it then has.
    fn ends(&mut self, id: DeliveryId, end: &Completion) -> bool {
        let mirror = self.mirrors.get_mut(&id).expect("known");
        mirror.held = false;
        let Some((to, effects)) = step(mirror.delivery, event_of(end)) else {
            return false;
        };
        let next = match end {
            Completion::Withdrawn { next } => next.clone(),
            _ => None,
        };
        // A decision that lets it go ends nothing, and a next generation has to be named.
        let unsaid = effects.contains(&Effect::QueueNext) && next.is_none();
        if to.state == DeliveryState::Leased || unsaid {
            return false;
        }
        mirror.delivery = to;
        match end {
            Completion::Retry { next_at, .. }
            | Completion::Ambiguous { next_at, .. }
            | Completion::DecideAgain { next_at } => mirror.next_at = *next_at,
            _ => {}
        }
        let of = (mirror.record, mirror.version);
        if let Some(next) = next {
            let id = next.delivery_id;
            self.queued(next, of);
            self.mirrors.get_mut(&id).expect("queued").again = true;
        }
        true
    }

    /// Operators ask for another try of some that rest, and of some that do not.
    async fn replay(&mut self) {
        let mut all: Vec<DeliveryId> = self.mirrors.keys().copied().collect();
        all.sort_unstable_by_key(|id| self.mirrors[id].place());
        all.retain(|id| {
            let rests = !self.mirrors[id].waits() && !self.mirrors[id].claimed();
            self.dice.below(if rests { 6 } else { 40 }) == 0
        });
        for id in all {
            let mirror = self.mirrors.get_mut(&id).expect("known");
            let withheld = mirror.state() == DeliveryState::Withheld;
            let moves = mirror.take(Event::Replay).is_some();
            if moves {
                mirror.next_at = self.world.clock.now();
            }
            let alone = self.store.replay(id, act("again")).await.expect("told");
            assert_eq!(alone, moves && !withheld);
            if withheld {
                let asked = self.store.request_replay(id, act("again")).await;
                assert!(matches!(asked, Ok(ReplayRequested::Recorded { .. })));
                let mut second = act("again");
                second.operator = "second".into();
                let told = self.store.confirm_replay(id, second).await;
                assert_eq!(told.expect("told"), ReplayConfirmed::Queued);
            }
            self.saw("replayed", usize::from(moves));
        }
        self.compare("replay").await;
    }

    /// The agreement with one partner changed.
    async fn reopen(&mut self) {
        let partner = PartnerId::new(LANES[self.dice.below(LANES.len())]);
        let mut reopened = 0;
        for mirror in self.mirrors.values_mut() {
            if mirror.new.partner != partner {
                continue;
            }
            mirror.again |= mirror.waits() || mirror.claimed();
            if mirror.take(Event::Reopen).is_some() {
                mirror.next_at = self.world.clock.now();
                reopened += 1;
            }
        }
        let told = self.store.reevaluate_partner(Some(&partner)).await;
        assert_eq!(told.expect("told"), reopened);
        self.saw("reopened", usize::try_from(reopened).expect("small"));
        self.compare("reopen").await;
    }

    /// All deliveries, in the store and in the machine.
    async fn compare(&self, after: &str) {
        let file = self.world.database();
        let url = format!("sqlite://{}", file.display());
        let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("opened");
        let sql = "SELECT delivery_id, state, exposure, attempts, EXISTS (SELECT 1 \
                   FROM delivery_output o WHERE o.delivery_id = d.delivery_id) FROM delivery d";
        let rows = sqlx::query(sql).fetch_all(&mut conn).await.expect("read");
        assert_eq!(rows.len(), self.mirrors.len(), "after {after}");
        for row in rows {
            let id: Vec<u8> = row.get(0);
            let id = DeliveryId(id.try_into().expect("an id"));
            let mirror = &self.mirrors[&id];
            let it = mirror.delivery;
            let (no, perhaps, yes) = (Arrival::No, Arrival::Perhaps, Arrival::Yes);
            let exposure = [no, perhaps, yes].iter().position(|a| *a == it.arrival);
            let is: (i64, i64, i64, bool) = (row.get(1), row.get(2), row.get(3), row.get(4));
            let exposure = exposure.expect("one of them") as i64;
            let ought = (stored(it.state), exposure, mirror.attempts, it.kept);
            assert_eq!(is, ought, "after {after}: {it:?}");
        }
    }

    async fn round(&mut self) {
        let turn = [0, 5, 20, 61][self.dice.below(4)];
        self.world.clock.advance(Duration::from_secs(turn));
        match self.dice.below(6) {
            0 => {
                let mut which: Vec<usize> = (0..RECORDS).collect();
                which.retain(|_| self.dice.below(8) == 0);
                which.iter().for_each(|at| self.versions[*at] += 1);
                self.accept(which).await;
            }
            1 => self.replay().await,
            2 | 3 => self.reopen().await,
            _ => {}
        }
        self.claim().await;
        // Sometimes ended before anybody was asked.
        if self.dice.below(4) == 0 {
            self.complete().await;
        }
        self.authorise().await;
        self.complete().await;
    }
}

#[tokio::test]
async fn whatever_happens_the_store_does_what_the_outbox_says() {
    let mut seen: HashMap<&'static str, usize> = HashMap::new();
    for seed in 1..=5 {
        let mut course = Course::new(seed).await;
        for _ in 0..ROUNDS {
            course.round().await;
        }
        for (what, count) in course.seen {
            *seen.entry(what).or_default() += count;
        }
    }
    let events = [
        "superseded",
        "expired",
        "claimed",
        "authorised",
        "ended",
        "replayed",
        "reopened",
    ];
    for event in events {
        assert!(
            seen.get(event).is_some_and(|n| *n > 20),
            "{event}: {seen:?}"
        );
    }
}
