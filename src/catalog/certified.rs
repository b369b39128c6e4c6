//! Passes of the go-live list: a live partner shows one for its channels as they stand.
//!
//! The pass is written by `kinbridge partner certify` beside the partner files. It covers what the
//! list tried and whatever decides who gets what (role, channels and their addresses, by what names
//! and in which county the partner is found), so that a new token or agreement needs no new pass.

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

/// Digest of what decides who gets what of a partner: its role, its channels, where it is found.
pub fn tried(partner: &Partner) -> Digest {
    let mut text = format!(
        "role {}\ncounty {:?}\nservices {:?}\nauthority {:?}\n",
        partner.role, partner.county_fips, partner.service_classes, partner.identifier_authority,
    );
    for own in &partner.identifier {
        text.push_str(&format!("identifier {:?} {:?}\n", own.system, own.value));
    }
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
        if let Some(https) = &channel.https {
            let late = channel.late_release_days;
            text.push_str(&format!("to {:?} late {late}\n", https.url));
        }
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

#[cfg(test)]
mod tests {
    //! Goal: a pass covers everything that decides who gets what, and nothing that changes by
    //! itself. Method: one partner file, changed in one place after the other.
    use super::*;

    const FILE: &str = "id = \"p\"\nname = \"P\"\nrole = \"ppp\"\nmode = \"live\"\n\
        county_fips = \"06067\"\nservice_classes = [\"sogi\"]\n\
        identifier_authority = [\"cin\"]\n\
        identifier = [{ system = \"urn:org\", value = \"p\" }]\n\
        agreement = { id = \"MOU-7\", kind = \"baa\" }\n\
        [[channel]]\nname = \"c\"\ndirection = \"out\"\nformat = \"kinbridge-json/1.0\"\n\
        records = [\"person\"]\npurpose = \"treatment\"\nrelated_by = [\"team\"]\n\
        late_release_days = 9\nhttps = { url = \"https://p.example/in\" }\n";

    fn digest(text: &str) -> Digest {
        tried(&toml::from_str(text).expect("a partner file"))
    }

    #[test]
    fn what_decides_who_gets_what_needs_a_new_pass() {
        for (from, to) in [
            ("\"ppp\"", "\"cws\""),
            ("06067", "06001"),
            ("[\"sogi\"]", "[]"),
            ("[\"cin\"]", "[\"cws_client_id\"]"),
            ("value = \"p\"", "value = \"q\""),
            ("urn:org", "urn:other"),
            ("p.example", "q.example"),
            ("= 9", "= 90"),
            ("[\"team\"]", "[\"county\"]"),
        ] {
            assert_ne!(digest(&FILE.replacen(from, to, 1)), digest(FILE), "{to}");
        }
    }

    #[test]
    fn a_new_agreement_needs_none() {
        assert_eq!(digest(&FILE.replace("MOU-7", "MOU-8")), digest(FILE));
    }
}
