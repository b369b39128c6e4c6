//! The table of billed services, `mappings/billing.toml`: how units follow from minutes, and what
//! is paid only to somebody certified.
//!
//! How a begun unit counts is a payer's policy: a county lays its own file over the shipped one.
//! Only read and checked here.

use super::SourceFile;
use crate::base::defect::Defect;
use serde::Deserialize;
use toml::Spanned;

/// The file, below `mappings/`.
pub const FILE: &str = "billing.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BillingFile {
    #[serde(default)]
    service: Vec<Spanned<Service>>,
}

/// One service, by the code it is billed under.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// HCPCS code.
    pub hcpcs: String,
    /// Minutes of one unit.
    pub minutes: u32,
    /// So many minutes of a begun unit make it count; as many as a unit has: only whole ones do.
    pub counts_from: u32,
    /// Whether it is paid only under a certification in force on the day of the service.
    pub certified: bool,
    /// Where this is from.
    pub source: String,
    /// `V` for what was seen in the source, `K-high`, `K-med` or `K-low` for what is unverified.
    pub mark: String,
}

impl Service {
    /// Units that follow from minutes.
    pub fn units(&self, minutes: u32) -> u32 {
        let whole = minutes.checked_div(self.minutes).unwrap_or(0);
        let begun = minutes.checked_rem(self.minutes).unwrap_or(0);
        whole.saturating_add(u32::from(begun > 0 && begun >= self.counts_from))
    }
}

/// Reads the table; a row that means nothing is a defect.
pub(super) fn read(file: &SourceFile, defects: &mut Vec<Defect>) -> Vec<Service> {
    let Some(body) = super::read_toml::<BillingFile>(file, defects) else {
        return Vec::new();
    };
    let mut services: Vec<Service> = Vec::new();
    for row in body.service {
        let span = row.span();
        let service = row.into_inner();
        let marked = ["V", "K-high", "K-med", "K-low"].contains(&service.mark.as_str());
        let wrong = if service.minutes == 0 {
            Some("a unit has minutes")
        } else if service.counts_from == 0 || service.counts_from > service.minutes {
            Some("a begun unit counts from one minute up to all it has")
        } else if !marked || service.source.trim().is_empty() {
            Some("a row says where it is from, and by V or K-high, K-med, K-low how sure that is")
        } else if services.iter().any(|known| known.hcpcs == service.hcpcs) {
            Some("a service stands once in the table")
        } else {
            None
        };
        match wrong {
            Some(wrong) => defects.push(file.defect(Some(span), "billing-row-invalid", wrong)),
            None => services.push(service),
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(counts_from: u32) -> Service {
        Service {
            hcpcs: "X0001".to_owned(),
            minutes: 15,
            counts_from,
            certified: false,
            source: "a test".to_owned(),
            mark: "V".to_owned(),
        }
    }

    // Goal: units follow by the rule of the row and no other. Method: the minutes around each
    // boundary, under three rules.
    #[test]
    fn units_follow_from_minutes_by_the_row() {
        let table = [
            (7, [0, 0, 1]),
            (8, [0, 1, 1]),
            (15, [1, 1, 1]),
            (22, [1, 1, 2]),
            (23, [1, 2, 2]),
            (60, [4, 4, 4]),
            (0, [0, 0, 0]),
        ];
        for (minutes, wanted) in table {
            let got = [15, 8, 1].map(|from| service(from).units(minutes));
            assert_eq!(got, wanted, "{minutes}");
        }
    }

    // Goal: a row that means nothing is told, not used. Method: one change each.
    #[test]
    fn a_row_that_means_nothing_is_a_defect() {
        let right = "[[service]]\nhcpcs = \"X0001\"\nminutes = 15\ncounts_from = 8\n\
            certified = true\nsource = \"a test\"\nmark = \"K-med\"\n";
        let told = |text: &str| {
            let file = SourceFile {
                path: format!("mappings/{FILE}"),
                text: text.to_owned(),
                overlay: false,
                shipped: None,
            };
            let mut defects = Vec::new();
            let rows = read(&file, &mut defects);
            (rows.len(), defects.len())
        };
        assert_eq!(told(right), (1, 0));
        let wrong = [
            right.replace("minutes = 15", "minutes = 0"),
            right.replace("counts_from = 8", "counts_from = 16"),
            right.replace("counts_from = 8", "counts_from = 0"),
            right.replace("K-med", "sure"),
            right.replace("a test", " "),
        ];
        for text in wrong {
            assert_eq!(told(&text), (0, 1), "{text}");
        }
        assert_eq!(told(&format!("{right}{right}")), (1, 1));
    }
}
