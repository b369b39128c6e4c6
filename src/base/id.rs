//! Newtypes for every id, so that none is passed for another.
//!
//! Ids minted here are UUID version 7: they sort by time and index well. A delivery id is not
//! minted but derived (DESIGN section 5), so that every attempt of one delivery carries the same.

use super::clock::Timestamp;
use super::digest::{hex, unhex};
use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// A new id of this instant (UUID version 7).
            pub fn mint(now: Timestamp) -> $name {
                let micros = u64::try_from(now.0).unwrap_or(0);
                let secs = micros / 1_000_000;
                let nanos = u32::try_from((micros % 1_000_000) * 1_000).unwrap_or(0);
                let stamp = uuid::Timestamp::from_unix(uuid::NoContext, secs, nanos);
                $name(uuid::Uuid::new_v7(stamp).into_bytes())
            }

            /// Reads the public form; `None` for anything else.
            pub fn parse(text: &str) -> Option<$name> {
                let bytes = unhex(text.strip_prefix($prefix)?)?;
                Some($name(<[u8; 16]>::try_from(bytes).ok()?))
            }

            /// From the 16 stored bytes; `None` for another length.
            pub fn from_bytes(bytes: &[u8]) -> Option<$name> {
                Some($name(<[u8; 16]>::try_from(bytes).ok()?))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<$name, D::Error> {
                let text = String::deserialize(d)?;
                $name::parse(&text)
                    .ok_or_else(|| serde::de::Error::custom(concat!("not a ", $prefix, " id")))
            }
        }
    )*};
}

ids! {
    /// One accepted inbound request of one or more records.
    SubmissionId = "sub_";
    /// One canonical record, over all its versions.
    RecordId = "rec_";
    /// One version of one record on its way to one partner; the same on every attempt.
    DeliveryId = "dlv_";
    /// One disclosure as the accounting lists it.
    DisclosureId = "dis_";
    /// One human being, joined from the identifiers partners use.
    PersonId = "per_";
    /// One thing a person must look at.
    WorkItemId = "wrk_";
    /// One request at the emergency door.
    EmergencyId = "emg_";
    /// One ledger entry.
    EntryId = "ent_";
    /// One extract job.
    ExtractId = "ext_";
    /// One consent, as the registry names it to others than its lodger; over all its revisions.
    RegistryId = "con_";
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub super::Text);

        impl $name {
            /// From text, unchecked: the catalog has checked what it names.
            pub fn new(text: &str) -> $name {
                $name(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A partner, by the id of its file.
    PartnerId;
    /// A channel of a partner: its `name`, unique within the partner.
    ChannelId;
    /// A canonical record type, by the name of its schema: `service-referral`.
    RecordType;
    /// A format and version: `county-niem/1.0`.
    FormatId;
    /// A consent, as the one who lodged it names it.
    ConsentId;
    /// A fact, as the one who asserts it names it.
    FactId;
    /// Digest of all catalog files and the engine version; names the rules a decision was taken by.
    RuleSetId;
    /// The id one exchange carries through logs, ledger, deliveries and answers.
    CorrelationId;
}

/// How a paper names the gateway's operator among its recipients.
pub const OPERATOR_ID: &str = "gateway-operator";

/// The record type of a copy of a child-abuse report: taken only after the call, never sent twice.
pub const CHILD_ABUSE_REPORT: &str = "child-abuse-report";
