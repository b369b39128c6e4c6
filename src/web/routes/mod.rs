//! The one table of routes. It drives registration, authentication, limits, OpenAPI, the documents
//! and the tests that foreign and unknown ids answer alike. A route that is not here is not served.

mod row;
mod table;

use crate::config::Role;
use actix_web::http::Method;

/// One route.
#[derive(Debug)]
pub struct Route {
    /// Stable name: `operationId`, metric label.
    pub name: &'static str,
    /// GET, POST or PUT.
    pub verb: Verb,
    /// As actix and OpenAPI write it, `{id}` for a parameter.
    pub path: &'static str,
    /// What serves it.
    pub handler: Handler,
    /// Who may call it.
    pub access: Access,
    /// Whose things it shows or changes.
    pub scope: Scope,
    /// What it reads of a body.
    pub body: BodyRule,
    /// For readers.
    pub doc: Doc,
}

impl Route {
    /// Whether it speaks FHIR: its errors are OperationOutcomes.
    pub fn is_fhir(&self) -> bool {
        self.path.starts_with("/fhir/")
    }
}

/// HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Verb {
    Get,
    Post,
    Put,
}

impl Verb {
    /// As actix names it.
    pub fn method(self) -> Method {
        match self {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
        }
    }
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone, before authentication.
    Public,
    /// Recognised principals: partners or not, and operators with any of these roles.
    Known {
        /// Whether partners may.
        partners: bool,
        /// Roles of operators that may.
        roles: &'static [Role],
    },
}

/// Whose things a route shows or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nobody's in particular.
    Gateway,
    /// The calling partner's only. An id in the path that is another's answers as an unknown one.
    /// Operators the row lets in see all partners'.
    Own(IdKind),
    /// All partners': operators only.
    All,
}

/// What stands in the path's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IdKind {
    None,
    Submission,
    Consent,
    Fact,
    WorkItem,
    Delivery,
    Extract,
}

/// What a route reads of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyRule {
    /// Nothing.
    None,
    /// At most so many bytes, whole.
    Whole {
        /// The limit.
        bytes_max: u64,
    },
    /// A submission, or another body as large: counted among those in flight; refused while too
    /// many are.
    Submission {
        /// The limit.
        bytes_max: u64,
    },
}

impl BodyRule {
    /// The limit; 0 for none.
    pub const fn bytes_max(self) -> u64 {
        match self {
            BodyRule::None => 0,
            BodyRule::Whole { bytes_max } | BodyRule::Submission { bytes_max } => bytes_max,
        }
    }
}

/// What serves a route; registration matches it exhaustively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Handler {
    Healthz,
    Readyz,
    Openapi,
    Submit,
    Disclosures,
    SubmissionGet,
    SubmissionRecords,
    ConsentPut,
    ConsentGet,
    ConsentRevoke,
    ConsentConfirm,
    ConsentUnconfirm,
    ConsentEnded,
    ConsentHistory,
    ConsentScanPut,
    ConsentScanGet,
    ConsentList,
    ConsentForm,
    ConsentImport,
    FactPut,
    FactGet,
    FactConfirm,
    FactEnd,
    FhirMetadata,
    FhirConsentPut,
    FhirConsentGet,
    FhirConsentPost,
    FhirConsentSearch,
    FhirConsentSearchForm,
    Decide,
    WorkItems,
    WorkItemResolve,
    DeliveryReplay,
    DeliveryReplayConfirm,
    DeliveryDecision,
    PersonGet,
    PersonJoin,
    PersonPart,
    WorkItemAcknowledge,
    EmergencyAccess,
    ExtractBegin,
    ExtractGet,
    ExtractFile,
    RulesReload,
}

/// What the documents say.
#[derive(Debug)]
pub struct Doc {
    /// One line.
    pub summary: &'static str,
    /// Query and header parameters.
    pub parameters: &'static [Parameter],
    /// Media types and example bodies taken; the example names a file of `web/examples`.
    pub takes: &'static [(&'static str, &'static str)],
    /// Answers of its own; what access, body and id bring is added by rule.
    pub answers: &'static [Answer],
}

/// A query or header parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Name as sent.
    pub name: &'static str,
    /// Header, else query.
    pub header: bool,
    /// Whether it must be there.
    pub required: bool,
    /// For readers.
    pub text: &'static str,
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// For readers.
    pub text: &'static str,
    /// Name of the schema in `web/openapi.rs`; `Problem` for problems.
    pub schema: &'static str,
}

/// All routes.
pub static ROUTES: &[Route] = table::ROUTES;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_public_list_is_the_one_reviewed() {
        // Goal: nobody opens a route by accident. Method: the list, written out again.
        let public: Vec<&str> = ROUTES
            .iter()
            .filter(|route| route.access == Access::Public)
            .map(|route| route.path)
            .collect();
        assert_eq!(
            public,
            ["/healthz", "/readyz", "/openapi.json", "/fhir/metadata"]
        );
    }

    #[test]
    fn names_and_addresses_are_unique_and_scopes_make_sense() {
        // Goal: the table cannot contradict itself. Method: compare its columns row by row.
        let names: BTreeSet<&str> = ROUTES.iter().map(|route| route.name).collect();
        assert_eq!(names.len(), ROUTES.len());
        for route in ROUTES {
            // A kind of form is a word of the catalog, nobody's thing.
            let has_id = route.path.contains('{') && !route.path.contains("{kind}");
            match route.scope {
                Scope::Own(IdKind::None) | Scope::Gateway => {
                    assert!(!has_id || route.scope != Scope::Gateway, "{}", route.name);
                }
                Scope::Own(_) => assert!(has_id, "{}", route.name),
                Scope::All => {
                    let partners = matches!(route.access, Access::Known { partners: true, .. });
                    assert!(!partners, "{}", route.name);
                }
            }
            if let Access::Known { partners, roles } = route.access {
                assert!(partners || !roles.is_empty(), "{}: nobody may", route.name);
            }
            let takes_body = route.body != BodyRule::None;
            assert_eq!(takes_body, !route.doc.takes.is_empty(), "{}", route.name);
        }
    }
}
