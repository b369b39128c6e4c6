//! What a lane hands to a way out, and what comes back.
//!
//! A parcel holds what release made and has no other road to bytes. A reply never carries the
//! recipient's body.

use crate::base::id::{CorrelationId, DeliveryId};
use crate::catalog::partner::Https;
use crate::outbox::Answer;
use crate::release::Outgoing;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// One attempt of one delivery.
#[derive(Debug)]
pub struct Parcel {
    delivery_id: DeliveryId,
    correlation_id: CorrelationId,
    outgoing: Outgoing,
    destination: Https,
}

impl Parcel {
    /// What was released, for this delivery, to there.
    pub fn new(
        delivery_id: DeliveryId,
        correlation_id: CorrelationId,
        outgoing: Outgoing,
        destination: Https,
    ) -> Parcel {
        Parcel {
            delivery_id,
            correlation_id,
            outgoing,
            destination,
        }
    }

    /// The same on every attempt; the recipient may rely on it.
    pub fn delivery_id(&self) -> DeliveryId {
        self.delivery_id
    }

    /// Runs through everything.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.correlation_id
    }

    /// What was released.
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// What was released, to be put on the wire.
    pub fn into_outgoing(self) -> Outgoing {
        self.outgoing
    }

    /// Where to.
    pub fn destination(&self) -> &Https {
        &self.destination
    }
}

/// How the way out answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What became of the record, as far as can be known.
    pub answer: Answer,
    /// What the recipient asked us to wait.
    pub retry_after: Option<Duration>,
    /// HTTP status or a transport word, never a body.
    pub detail: String,
    /// Whether the recipient itself works; an unhealthy one opens the breaker.
    pub healthy: bool,
}

/// A future of a reply.
pub type Replying = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// A way out. It makes one attempt and never a second one by itself.
pub trait Transport: Send + Sync {
    /// Sends one parcel.
    fn send(&self, parcel: Parcel) -> Replying;
}

impl Reply {
    /// The reply to an HTTP status.
    pub fn of_status(status: u16, retry_after: Option<Duration>) -> Reply {
        let (answer, healthy) = match status {
            200..=299 => (Answer::Confirmed, true),
            // The recipient says that it did nothing, or that it does not know us just now.
            401 | 403 | 404 | 407 | 408 | 421 | 425 | 429 | 503 => (Answer::NotTaken, false),
            // It may have done something before it failed.
            500 | 502 | 504 | 505..=599 => (Answer::Unsure, false),
            _ => (Answer::Refused, true),
        };
        Reply {
            answer,
            retry_after,
            detail: format!("status {status}"),
            healthy,
        }
    }

    /// Whether the connection could not be secured: a certificate, or the file that should vouch
    /// for it.
    pub fn is_of_tls(&self) -> bool {
        ["tls-", "authority-file-"]
            .iter()
            .any(|begin| self.detail.starts_with(begin))
    }

    /// The reply when no status came.
    pub fn broken(answer: Answer, word: &'static str) -> Reply {
        Reply {
            answer,
            retry_after: None,
            detail: word.to_owned(),
            healthy: false,
        }
    }
}
