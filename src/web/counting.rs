//! Whether a lodged paper counts, and what to do where it does not yet.
//!
//! The judgement is the law pack's; here it only gets the places and words of the lodging. It must
//! never say anything of the person, or of what waits for the paper.

use crate::base::finding::Finding;
use crate::base::finding_codes::{
    CONSENT_COERCED, CONSENT_COMBINED, CONSENT_ELEMENT_MISSING, CONSENT_END_MISSING,
    CONSENT_EVENT_UNFIT, CONSENT_EXCHANGE_ONLY, CONSENT_NOT_IN_FORCE, CONSENT_OPENS_NOTHING,
    CONSENT_SIGNER_UNFIT, CONSENT_WIDENED,
};
use crate::base::vocabulary::OtherGrantor;
use crate::disclosure::lodged::Shortcoming;
use crate::disclosure::moment::Now;
use crate::disclosure::request::Consent;
use crate::release::refuses_nobody_known;
use crate::rules::Rules;

/// What keeps a paper from counting, place by place; empty when nothing does.
pub fn findings(
    rules: &Rules,
    paper: &Consent,
    (other, now): (Option<OtherGrantor>, Now),
) -> Vec<Finding> {
    let told = |what: Shortcoming| match (what, other) {
        (Shortcoming::SignerUnfit, Some(signer)) => without_rule(rules, signer),
        _ => finding(what),
    };
    let all = rules.policy.shortcomings(paper, now);
    all.into_iter().map(told).collect()
}

/// A limit of a refusal to somebody nobody knows: it closes more than it says.
pub fn widened(rules: &Rules, paper: &Consent) -> Option<Finding> {
    refuses_nobody_known(rules, paper).then(|| {
        let why = "it names somebody who is no partner here, and holds for all it may mean";
        let finding = Finding::new(&CONSENT_WIDENED).at("/consent/recipient_ids");
        finding.saying(why.to_owned())
    })
}

fn finding(what: Shortcoming) -> Finding {
    let (code, place) = match what {
        Shortcoming::Lacks(element) => {
            let finding = Finding::new(&CONSENT_ELEMENT_MISSING).at("/consent/elements");
            return finding.fixed_by(format!(
                "have the form show {element}, and name it among its elements"
            ));
        }
        Shortcoming::SaidMissing => (&CONSENT_ELEMENT_MISSING, "/consent/elements_missing"),
        Shortcoming::NoEnd => (&CONSENT_END_MISSING, "/consent/end"),
        Shortcoming::EventUnfit => (&CONSENT_EVENT_UNFIT, "/consent/ends_on_event"),
        Shortcoming::Combined => (&CONSENT_COMBINED, "/consent/classes"),
        Shortcoming::Coerced => (&CONSENT_COERCED, "/consent/coercion_flag"),
        Shortcoming::SignerUnfit => (&CONSENT_SIGNER_UNFIT, "/consent/grantor"),
        Shortcoming::OpensNothing => (&CONSENT_OPENS_NOTHING, "/consent/classes"),
        Shortcoming::ExchangeOnly => (&CONSENT_EXCHANGE_ONLY, "/consent/kind"),
        Shortcoming::NotInForce => (&CONSENT_NOT_IN_FORCE, "/consent/start"),
    };
    Finding::new(code).at(place)
}

/// A signer the rules give no say: what is known of that reading, and how sure it is.
fn without_rule(rules: &Rules, signer: OtherGrantor) -> Finding {
    let finding = finding(Shortcoming::SignerUnfit);
    match rules.policy.pack().tables.other(signer) {
        Some(row) => finding.saying(format!("{} ({})", row.en, row.mark)),
        None => finding,
    }
}
