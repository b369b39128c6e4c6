//! A partner: one organisation we exchange with, one file.
//!
//! What differs between partners stands here or in mappings, never in a Rust struct of its own.

use super::reads::Reads;
use crate::base::id::{ChannelId, FormatId, PartnerId, RecordType};
use crate::base::vocabulary::{
    ClassSet, DataClass, Purpose, RecipientRole, ServiceSource, SourceRole,
};
use crate::format::Node;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One partner file, checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// Also the file's name.
    pub id: PartnerId,
    /// For people.
    pub name: String,
    /// A word of the source or recipient roles (one that is in both may do both).
    pub role: String,
    /// Five digits; California is 06001 to 06115, odd.
    #[serde(default)]
    pub county_fips: Option<String>,
    /// Whether anything is released beyond this partner.
    pub mode: Mode,
    /// One of the gateway's own simulated recipients: it sees test traffic and nothing else.
    #[serde(default)]
    pub simulated: bool,
    /// Agreements with this partner, toward the operator or the county.
    #[serde(default, deserialize_with = "one_or_many")]
    pub agreement: Vec<Agreement>,
    /// How records name this organisation, to find it as addressee.
    #[serde(default)]
    pub identifier: Vec<Identifier>,
    /// Naming systems of persons that it is the authority for (statewide ones by their name in the
    /// schema, others by their URI): two of them in one of its records are one person's for
    /// everybody, without a review, unless they lead to two persons that stand already.
    #[serde(default)]
    pub identifier_authority: Vec<String>,
    /// Kinds of facts it asserts of persons (`policies/facts.toml`); its role must allow each.
    #[serde(default)]
    pub asserts: Vec<String>,
    /// How it shows who it is.
    #[serde(default)]
    pub credential: Vec<Credential>,
    /// Kinds of service whose mere mention says something: data classes that a referral to this
    /// partner, or a record from it, carries whatever stands in it (an HIV clinic: `hiv_test`).
    #[serde(default)]
    pub service_classes: Vec<DataClass>,
    /// A county: the number of its child-abuse hotline, as people dial it.
    #[serde(default)]
    pub hotline: Option<String>,
    /// What goes in and out, how.
    #[serde(default)]
    pub channel: Vec<Channel>,
}

/// Live, or seen only by itself and the simulated recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Everything happens, nothing is released beyond the partner, counted or accounted.
    Test,
    /// For real.
    Live,
}

/// A signed agreement.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// As the papers name it.
    pub id: String,
    /// `baa`, `qsoa`, `contract_10850` with the gateway's operator; `county_contract`,
    /// `part2_audit`, `part2_research`, `qsoa`, `dua` with another partner.
    pub kind: String,
    /// The partner it is with; absent: the gateway's operator.
    pub with: Option<PartnerId>,
    /// The last day it holds.
    pub expires: Option<toml::value::Datetime>,
}

/// An identifier of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// Naming system, a URI.
    pub system: String,
    /// The value in it.
    pub value: String,
}

/// One way of authenticating; several may hold at once.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// A client certificate.
    #[serde(default)]
    pub mtls: Option<ClientCertificate>,
    /// SHA-256 of a bearer token, hexadecimal. The token itself is never stored.
    #[serde(default)]
    pub token_sha256: Option<String>,
    /// The last day it is accepted.
    #[serde(default)]
    pub expires: Option<toml::value::Datetime>,
}

/// A client certificate by issuer and name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// SHA-256 of the issuing certificate's DER.
    pub issuer_sha256: String,
    /// A DNS or URI subject alternative name.
    pub san: String,
}

/// One direction, one format, one transport.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Unique within the partner; left out, the catalog names it `<direction>-<format>`.
    #[serde(default)]
    pub name: Option<ChannelId>,
    /// In, out (pushed) or pull.
    pub direction: Direction,
    /// Format and version.
    pub format: FormatId,
    /// Record types it carries.
    pub records: Vec<RecordType>,
    /// In: data classes it may carry; left out, all its record types can hold.
    #[serde(default)]
    pub classes: Option<Vec<DataClass>>,
    /// In: where the work behind all its records comes from, for records that do not say. Left
    /// out, such a record waits for a person: nobody guesses which side of the wall it stands on.
    #[serde(default)]
    pub service_source: Option<ServiceSource>,
    /// In: habits of the sender's spreadsheet that are accepted. Left out, each is a finding.
    #[serde(default)]
    pub reads: Option<Reads>,
    /// Out and pull: why.
    #[serde(default)]
    pub purpose: Option<Purpose>,
    /// Out: what ties the partner to a record.
    #[serde(default)]
    pub related_by: Vec<Relation>,
    /// Out: where to.
    #[serde(default)]
    pub https: Option<Https>,
    /// Out and pull: the place in the record without which none is for this channel, such as
    /// `body.billable`.
    #[serde(default)]
    pub needs: Option<String>,
    /// Out and pull, formats of segments: what is written where no record says anything, by its
    /// place in the document.
    #[serde(default)]
    pub fill: BTreeMap<String, String>,
    /// Out: the media type of the format it is sent in, where that has several; left out, the
    /// first.
    #[serde(default)]
    pub media_type: Option<String>,
    /// Out: how long a withheld delivery may still go out when consent comes.
    #[serde(default = "late_release_days")]
    pub late_release_days: u32,
    /// Out: it takes notices that something sent before may not be used any further, at the same
    /// address. Left out, a person has to tell this partner.
    #[serde(default)]
    pub recall: bool,
}

fn late_release_days() -> u32 {
    30
}

/// Which way a channel runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The partner submits.
    In,
    /// The gateway sends.
    Out,
    /// The partner fetches batches.
    Pull,
}

/// A tie that makes a partner a candidate for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The record names it as recipient.
    Addressee,
    /// The record names it as requester.
    Requester,
    /// The record names it as the target of a service.
    Target,
    /// One of its workers is assigned to the family.
    Assignment,
    /// It is on the family's team.
    Team,
    /// It is the county of jurisdiction.
    County,
}

/// An HTTPS destination.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Https {
    /// Where to POST.
    pub url: String,
    /// Requests under way at once.
    #[serde(default = "in_flight_max")]
    pub in_flight_max: u32,
    /// Seconds between attempts; the last repeats until `give_up_days`.
    #[serde(default = "retry_secs")]
    pub retry_secs: Vec<u64>,
    /// After this the delivery is dead: kept, alarmed, replayable.
    #[serde(default = "give_up_days")]
    pub give_up_days: u32,
    /// PEM file of the authority that signs the server's certificate; left out, the system's.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// Loopback and private addresses are refused unless this says so.
    #[serde(default)]
    pub private_network: bool,
}

fn in_flight_max() -> u32 {
    4
}

fn retry_secs() -> Vec<u64> {
    vec![30, 120, 600, 1_800, 3_600]
}

fn give_up_days() -> u32 {
    10
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<Agreement>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        Many(Vec<Agreement>),
        One(Agreement),
    }
    Ok(match OneOrMany::deserialize(d)? {
        OneOrMany::Many(all) => all,
        OneOrMany::One(one) => vec![one],
    })
}

impl Partner {
    /// Gives every channel without a name the one of its direction and format.
    pub fn name_channels(&mut self) {
        for channel in &mut self.channel {
            let direction = match channel.direction {
                Direction::In => "in",
                Direction::Out => "out",
                Direction::Pull => "pull",
            };
            channel
                .name
                .get_or_insert_with(|| ChannelId::new(&format!("{direction}-{}", channel.format)));
        }
    }

    /// What it is when it discloses; `None` when its role can only receive.
    pub fn source_role(&self) -> Option<SourceRole> {
        self.role.parse().ok()
    }

    /// What it is when it receives; `None` when its role can only disclose.
    pub fn recipient_role(&self) -> Option<RecipientRole> {
        self.role.parse().ok()
    }

    /// The kinds of service its file declares.
    pub fn declared_services(&self) -> ClassSet {
        self.service_classes.iter().copied().collect()
    }

    /// What a referral to it gives away: what its file declares and what its role says.
    pub fn services(&self) -> ClassSet {
        let mut all = self.declared_services();
        match self.source_role() {
            Some(SourceRole::SudProgram) => all.insert(DataClass::SudPart2),
            Some(SourceRole::DvProgram) => all.insert(DataClass::DvInformation),
            Some(SourceRole::Mhp) => all.insert(DataClass::MentalHealth),
            _ => {}
        }
        all
    }

    /// The channel of that name.
    pub fn channel(&self, name: &ChannelId) -> Option<&Channel> {
        self.channel
            .iter()
            .find(|channel| channel.name.as_ref() == Some(name))
    }
}

impl Channel {
    /// Whether a record has what this channel needs of it.
    pub fn takes(&self, record: &Node) -> bool {
        let there = |path: &String| {
            let pointer = format!("/{}", path.replace('.', "/"));
            record.pointer(&pointer).is_some()
        };
        self.needs.as_ref().is_none_or(there)
    }
}
