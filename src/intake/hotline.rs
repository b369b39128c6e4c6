//! Whom to call before a child-abuse report may be handed in, in English and Spanish.
//!
//! The number is the one a partner file of the sender's county states; it is never guessed. Nothing
//! of a report is said here.

use crate::base::finding::Finding;
use crate::base::finding_codes::REPORT_BY_PHONE_FIRST;
use crate::base::id::PartnerId;
use crate::rules::Rules;

/// What whoever sent a report nobody phoned in has to do first.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hotline {
    /// The number, as people dial it; absent where no partner file of the county states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// In English.
    pub en: String,
    /// In Spanish.
    pub es: String,
}

impl Hotline {
    /// The hotline of a sender's county.
    pub fn of(rules: &Rules, sender: &PartnerId) -> Hotline {
        let county = rules
            .partners
            .get(sender)
            .and_then(|own| own.county_fips.as_deref());
        let mut of_county = rules
            .partners
            .values()
            .filter(|partner| county.is_some() && partner.county_fips.as_deref() == county);
        let number = of_county.find_map(|partner| partner.hotline.clone());
        let (en, es) = match &number {
            Some(number) => (
                format!("Call the county's child-abuse hotline now: {number}. In danger call 911."),
                format!(
                    "Llame ahora a la línea de abuso infantil del condado: {number}. En peligro \
                     llame al 911."
                ),
            ),
            None => (
                "Call your county's child-abuse number now; in danger call 911.".to_owned(),
                "Llame ahora al número de abuso infantil de su condado; en peligro llame al 911."
                    .to_owned(),
            ),
        };
        Hotline {
            number,
            en: format!(
                "This gateway is not a hotline. {en} Then send the copy with the time of the call \
                 and the agency's reference number."
            ),
            es: format!(
                "Este sistema no es una línea de emergencia. {es} Después envíe la copia con la \
                 hora de la llamada y el número de referencia de la agencia."
            ),
        }
    }

    /// Both languages in one text.
    pub fn text(&self) -> String {
        format!("{} / {}", self.en, self.es)
    }
}

/// Whether one of them says that a call has to come first.
pub fn is_due<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> bool {
    findings.into_iter().any(is_meant)
}

fn is_meant(finding: &Finding) -> bool {
    finding.code == REPORT_BY_PHONE_FIRST.code
}

/// Has every finding that says so tell whom to call.
pub(super) fn tell(rules: &Rules, sender: &PartnerId, findings: &mut [Finding]) {
    if !is_due(findings.iter()) {
        return;
    }
    let text = Hotline::of(rules, sender).text();
    for finding in findings.iter_mut().filter(|finding| is_meant(finding)) {
        finding.fix.clone_from(&text);
    }
}
