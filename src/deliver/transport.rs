//! What a lane hands to a way out, and what comes back.
//!
//! A parcel is made only from what release made. A reply never carries the recipient's body.

use crate::base::clock::Timestamp;
use crate::base::id::{CorrelationId, DeliveryId};
use crate::base::sensitive::Sensitive;
use crate::catalog::partner::Https;
use crate::outbox::Answer;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// One attempt of one delivery.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The same on every attempt; the recipient may rely on it.
    pub delivery_id: DeliveryId,
    /// Runs through everything.
    pub correlation_id: CorrelationId,
    /// Media type of the bytes.
    pub media_type: String,
    /// Codes of the obligations that bind the recipient, comma separated; no values.
    pub obligations: String,
    /// What was released.
    pub bytes: Sensitive<Vec<u8>>,
    /// Where to.
    pub destination: Https,
    /// When the worker took it up.
    pub now: Timestamp,
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
