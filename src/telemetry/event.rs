//! The events themselves.

use crate::base::id::{
    ChannelId, CorrelationId, DeliveryId, EmergencyId, PartnerId, RecordId, WorkItemId,
};
use std::time::Duration;

/// Something worth a log line or a number. Never a value of a record.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The gateway serves.
    Started {
        /// Where the API listens.
        address: std::net::SocketAddr,
        /// The rules in force.
        rule_set: &'a str,
    },
    /// It takes no new connections and finishes what is in flight.
    Stopping,
    /// Everything has ended.
    Stopped,
    /// A request got its answer.
    Answered {
        /// Name of the route in the route table; `unrouted` for none.
        route: &'static str,
        /// HTTP status.
        status: u16,
        /// From head to answer.
        took: Duration,
        /// The exchange.
        correlation: &'a CorrelationId,
        /// Problem code, when the answer is one.
        problem: Option<&'static str>,
    },
    /// A submission was committed.
    Accepted {
        /// Sender.
        partner: &'a PartnerId,
        /// Records newly stored.
        accepted: u64,
        /// Records already known.
        duplicate: u64,
        /// Records refused.
        rejected: u64,
        /// Records waiting for a person.
        held: u64,
        /// The exchange.
        correlation: &'a CorrelationId,
    },
    /// A submission was refused whole.
    Refused {
        /// Sender.
        partner: &'a PartnerId,
        /// Problem code.
        code: &'static str,
        /// The exchange.
        correlation: &'a CorrelationId,
    },
    /// The store's writer committed one group.
    GroupCommitted {
        /// Requests in it.
        members: usize,
        /// Begin to commit.
        took: Duration,
    },
    /// A group could not be committed whole: its members are taken one by one.
    GroupTakenApart {
        /// Requests in it.
        members: usize,
        /// Kind of failure; never a value.
        cause: &'a str,
    },
    /// Batches nobody had sealed were erased at the start.
    BatchesErased {
        /// How many.
        erased: usize,
    },
    /// What is kept of a record cannot be opened.
    RecordUnreadable {
        /// Which.
        record: &'a RecordId,
        /// Kind of failure; never a value.
        cause: &'a str,
    },
    /// Records were routed.
    Routed {
        /// Records.
        records: usize,
        /// Deliveries made for them.
        deliveries: usize,
    },
    /// Decisions answered from memory and computed anew since the last telling.
    DecisionCache {
        /// From memory.
        hits: u64,
        /// Computed.
        misses: u64,
    },
    /// A delivery reached a state.
    Delivery {
        /// Recipient.
        partner: &'a PartnerId,
        /// Its channel.
        channel: &'a ChannelId,
        /// Which.
        delivery: &'a DeliveryId,
        /// The state's word.
        state: &'static str,
        /// Attempts so far.
        attempts: u32,
    },
    /// A connection to a recipient could not be secured.
    RecipientUntrusted {
        /// Recipient.
        partner: &'a PartnerId,
        /// Its channel.
        channel: &'a ChannelId,
        /// Which way, one word.
        detail: &'a str,
    },
    /// What waits in a lane.
    Lane {
        /// Recipient.
        partner: &'a PartnerId,
        /// Its channel.
        channel: &'a ChannelId,
        /// Undelivered.
        pending: u64,
        /// Age of the oldest.
        oldest: Duration,
    },
    /// Somebody asked at the emergency door and was answered.
    EmergencyAccess {
        /// Who asked.
        partner: &'a PartnerId,
        /// Which request.
        access: &'a EmergencyId,
        /// Records given.
        given: usize,
        /// Whether it is test traffic.
        test: bool,
    },
    /// A review was not done in time.
    ReviewOverdue {
        /// Which work item.
        item: &'a WorkItemId,
    },
    /// How many reviews nobody has done in time.
    ReviewsOverdue {
        /// Open ones.
        open: u64,
    },
    /// The sequencer signed a tree head.
    CheckpointSigned {
        /// Entries covered.
        size: u64,
    },
    /// Rules were compiled and are in force.
    RulesLoaded {
        /// Their digest.
        rule_set: &'a str,
    },
    /// New rules were refused; the old ones stay.
    RulesRefused {
        /// Defects found.
        defects: usize,
    },
    /// A connection beside HTTP was ended from here.
    ListenerClosed {
        /// Why.
        cause: &'static str,
    },
    /// New connections begin with the TLS files as they are now.
    TlsLoaded,
    /// The TLS files could not be used; those loaded before stay.
    TlsRefused {
        /// Which file and why.
        cause: &'a str,
    },
    /// The master key lies in the database's folder.
    KeyBesideDatabase,
    /// The storage stopped taking writes; told once until it changes.
    StorageTrouble {
        /// One word.
        trouble: &'static str,
        /// What it is and what to do.
        cause: &'static str,
    },
    /// The storage takes writes again.
    StorageTakesWrites,
    /// An operation failed; told once, where it is handled.
    Failed {
        /// Named operation.
        operation: &'static str,
        /// Kind of failure; never a value.
        cause: &'a str,
    },
}
