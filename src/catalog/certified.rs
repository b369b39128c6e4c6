//! Passes of the go-live list: a live partner shows one for its channels as they stand.
//!
//! The pass is written by `kinbridge partner certify` beside the partner files. It covers what the
//! list tried (role and channels), so that a new token or agreement needs no new pass.

use super::{Partner, Sources};
use crate::base::defect::Defect;
use crate::base::digest::Digest;
use crate::base::id::{PartnerId, RuleSetId};
use crate::catalog::partner::Mode;
use serde::{Deserialize, Serialize};

/// One pass, `mappings/certified/<partner>.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// Who passed; also the file's name.
    pub partner: PartnerId,
    /// What was tried: see [`tried`].
    pub channels_sha256: Digest,
    /// The rules it was tried with.
    pub rule_set: RuleSetId,
    /// When, RFC 3339.
    pub at: String,
    /// The list, in the words printed.
    pub checks: Vec<String>,
}

/// Digest of what the list tries of a partner: its role and channels.
pub fn tried(partner: &Partner) -> Digest {
    let mut text = format!("role {}\n", partner.role);
    for channel in &partner.channel {
        let name = channel
            .name
            .as_ref()
            .map(|name| name.as_str())
            .unwrap_or_default();
        text.push_str(&format!(
            "channel {name} {:?} {} {:?} {:?} {:?} {:?}\n",
            channel.direction,
            channel.format,
            channel.records,
            channel.classes,
            channel.purpose,
            channel.related_by,
        ));
        if let Some(source) = channel.service_source {
            text.push_str(&format!("service source {source}\n"));
        }
    }
    Digest::of(text.as_bytes())
}

/// Live partners without a pass for their channels as they stand. A gateway with any does not
/// start and does not take the rules over.
pub fn missing(sources: &Sources) -> Vec<Defect> {
    let live = sources
        .partners
        .values()
        .filter(|partner| partner.mode == Mode::Live);
    live.filter(|partner| {
        let pass = sources.certified.get(&partner.id);
        pass.is_none_or(|pass| pass.channels_sha256 != tried(partner))
    })
    .map(|partner| {
        let message = "a live partner needs a pass of the go-live list for these channels";
        let told = ("partner-not-certified", message.to_owned());
        let mut defect = sources.partner_defect(&partner.id, |file| file.key("mode"), told);
        defect.help = format!(
            "set mode = \"test\", run: kinbridge partner certify --partner {} --catalog <folder>",
            partner.id
        );
        defect
    })
    .collect()
}
