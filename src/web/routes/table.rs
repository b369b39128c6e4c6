//! The rows of the route table.

use super::{Access, Answer, BodyRule, Doc, Handler, IdKind, Parameter, Route, Scope, Verb};
use crate::base::limits::BATCH_BYTES_MAX;
use crate::config::Role;

const PROBLEM: &str = "Problem";

const fn answer(status: u16, text: &'static str, schema: &'static str) -> Answer {
    Answer {
        status,
        text,
        schema,
    }
}

const PARTNERS: Access = Access::Known {
    partners: true,
    roles: &[],
};

const OFFICERS: Access = Access::Known {
    partners: false,
    roles: &[Role::Integrator, Role::PrivacyOfficer],
};

const JSON: BodyRule = BodyRule::Whole {
    bytes_max: 256 << 10,
};

const SUBMIT: &[Parameter] = &[
    Parameter {
        name: "Kinbridge-Format",
        header: true,
        required: true,
        text: "Format and version, as your partner file names it",
    },
    Parameter {
        name: "Kinbridge-Channel",
        header: true,
        required: false,
        text: "Which in-channel, where several take the format",
    },
    Parameter {
        name: "Idempotency-Key",
        header: true,
        required: false,
        text: "Up to 255 visible characters; the same key and body give the same receipt",
    },
    Parameter {
        name: "traceparent",
        header: true,
        required: false,
        text: "W3C trace context; its trace id becomes the correlation id",
    },
    Parameter {
        name: "dry_run",
        header: false,
        required: false,
        text: "`true`: nothing is stored; adds what each recipient would be given, and why",
    },
];

const ACCOUNTED: &[Parameter] = &[
    Parameter {
        name: "person",
        header: false,
        required: true,
        text: "`per_...`, or an identifier as `system|value`",
    },
    CURSOR,
    LIMIT,
];

const CURSOR: Parameter = Parameter {
    name: "cursor",
    header: false,
    required: false,
    text: "`next_cursor` of the page before",
};

const LIMIT: Parameter = Parameter {
    name: "limit",
    header: false,
    required: false,
    text: "Rows on the page, 1 to 500; 100 when left out",
};

const PAGED: &[Parameter] = &[CURSOR, LIMIT];

/// All routes.
pub(super) const ROUTES: &[Route] = &[
    Route {
        name: "healthz",
        verb: Verb::Get,
        path: "/healthz",
        handler: Handler::Healthz,
        access: Access::Public,
        scope: Scope::Gateway,
        body: BodyRule::None,
        doc: Doc {
            summary: "Whether the process answers",
            parameters: &[],
            takes: &[],
            answers: &[answer(200, "It does", "Health")],
        },
    },
    Route {
        name: "readyz",
        verb: Verb::Get,
        path: "/readyz",
        handler: Handler::Readyz,
        access: Access::Public,
        scope: Scope::Gateway,
        body: BodyRule::None,
        doc: Doc {
            summary: "Whether submissions can be taken now",
            parameters: &[],
            takes: &[],
            answers: &[
                answer(200, "They can", "Readiness"),
                answer(503, "Stopping, or the store cannot take more", PROBLEM),
            ],
        },
    },
    Route {
        name: "openapi",
        verb: Verb::Get,
        path: "/openapi.json",
        handler: Handler::Openapi,
        access: Access::Public,
        scope: Scope::Gateway,
        body: BodyRule::None,
        doc: Doc {
            summary: "This document",
            parameters: &[],
            takes: &[],
            answers: &[answer(200, "OpenAPI 3.1", "Document")],
        },
    },
    Route {
        name: "submit",
        verb: Verb::Post,
        path: "/v1/submissions",
        handler: Handler::Submit,
        access: PARTNERS,
        scope: Scope::Own(IdKind::None),
        body: BodyRule::Submission {
            bytes_max: BATCH_BYTES_MAX,
        },
        doc: Doc {
            summary: "Hand in records: one, many, or a streamed batch of one format",
            parameters: SUBMIT,
            takes: &[
                ("application/json", "KinbridgeJson"),
                ("application/fhir+json", "FhirJson"),
                ("application/x-ndjson", "Ndjson"),
                ("application/xml", "Xml"),
                ("text/csv", "Csv"),
            ],
            answers: &[
                answer(200, "With dry_run: what would become of it", "DryRun"),
                answer(202, "Committed; every record's verdict", "Receipt"),
                answer(400, "The idempotency key is malformed", PROBLEM),
                answer(409, "The key was used with another body", PROBLEM),
                answer(415, "No in-channel of yours takes this format", PROBLEM),
                answer(422, "No record was accepted; all findings", PROBLEM),
            ],
        },
    },
    Route {
        name: "submission_records",
        verb: Verb::Get,
        path: "/v1/submissions/{id}/records",
        handler: Handler::SubmissionRecords,
        access: PARTNERS,
        scope: Scope::Own(IdKind::Submission),
        body: BodyRule::None,
        doc: Doc {
            summary: "All verdicts of a submission, page by page",
            parameters: PAGED,
            takes: &[],
            answers: &[
                answer(200, "One page", "RecordPage"),
                answer(400, "The cursor is not one of ours", PROBLEM),
            ],
        },
    },
    Route {
        name: "submission",
        verb: Verb::Get,
        path: "/v1/submissions/{id}",
        handler: Handler::SubmissionGet,
        access: PARTNERS,
        scope: Scope::Own(IdKind::Submission),
        body: BodyRule::None,
        doc: Doc {
            summary: "What became of a submission: its first records and where each went",
            parameters: &[],
            takes: &[],
            answers: &[answer(200, "The timeline", "Submission")],
        },
    },
    Route {
        name: "consent_put",
        verb: Verb::Put,
        path: "/v1/consents/{id}",
        handler: Handler::ConsentPut,
        access: PARTNERS,
        scope: Scope::Own(IdKind::Consent),
        body: JSON,
        doc: Doc {
            summary: "Lodge a consent or a new revision of it",
            parameters: &[],
            takes: &[("application/json", "ConsentLodging")],
            answers: &[
                answer(200, "Lodged and in force", "ConsentChange"),
                answer(409, "The id belongs to another person's consent", PROBLEM),
                answer(415, "Not JSON", PROBLEM),
            ],
        },
    },
    Route {
        name: "consent",
        verb: Verb::Get,
        path: "/v1/consents/{id}",
        handler: Handler::ConsentGet,
        access: PARTNERS,
        scope: Scope::Own(IdKind::Consent),
        body: BodyRule::None,
        doc: Doc {
            summary: "The newest revision of a consent you lodged",
            parameters: &[],
            takes: &[],
            answers: &[answer(200, "The consent", "Consent")],
        },
    },
    Route {
        name: "consent_revoke",
        verb: Verb::Post,
        path: "/v1/consents/{id}/revoke",
        handler: Handler::ConsentRevoke,
        access: PARTNERS,
        scope: Scope::Own(IdKind::Consent),
        body: BodyRule::None,
        doc: Doc {
            summary: "Revoke a consent: nothing more is released on it",
            parameters: &[],
            takes: &[],
            answers: &[answer(200, "Revoked", "ConsentChange")],
        },
    },
    Route {
        name: "decide",
        verb: Verb::Post,
        path: "/v1/decisions",
        handler: Handler::Decide,
        access: Access::Known {
            partners: true,
            roles: &[Role::Integrator, Role::PrivacyOfficer, Role::Auditor],
        },
        scope: Scope::Gateway,
        body: JSON,
        doc: Doc {
            summary: "What may go to a recipient for a purpose, and why",
            parameters: &[Parameter {
                name: "explain",
                header: false,
                required: false,
                text: "`true`: also why each paper counts or not, and what would permit",
            }],
            takes: &[("application/json", "DecisionRequest")],
            answers: &[
                answer(200, "The decision; nothing is released", "Decision"),
                answer(415, "Not JSON", PROBLEM),
            ],
        },
    },
    Route {
        name: "disclosures",
        verb: Verb::Get,
        path: "/v1/disclosures",
        handler: Handler::Disclosures,
        access: Access::Known {
            partners: false,
            roles: &[Role::PrivacyOfficer, Role::Auditor],
        },
        scope: Scope::All,
        body: BodyRule::None,
        doc: Doc {
            summary: "Accounting of disclosures about a person",
            parameters: ACCOUNTED,
            takes: &[],
            answers: &[
                answer(200, "One page, oldest first", "DisclosurePage"),
                answer(
                    400,
                    "No person named, or the cursor is not one of ours",
                    PROBLEM,
                ),
                answer(404, "Nobody is known by this", PROBLEM),
            ],
        },
    },
    Route {
        name: "work_items",
        verb: Verb::Get,
        path: "/v1/work-items",
        handler: Handler::WorkItems,
        access: Access::Known {
            partners: true,
            roles: &[Role::Integrator, Role::PrivacyOfficer],
        },
        scope: Scope::Own(IdKind::None),
        body: BodyRule::None,
        doc: Doc {
            summary: "What waits for a person: a partner's own, an operator's all",
            parameters: PAGED,
            takes: &[],
            answers: &[
                answer(200, "One page, oldest first", "WorkItemPage"),
                answer(400, "The cursor is not one of ours", PROBLEM),
            ],
        },
    },
    Route {
        name: "work_item_resolve",
        verb: Verb::Post,
        path: "/v1/work-items/{id}/resolve",
        handler: Handler::WorkItemResolve,
        access: OFFICERS,
        scope: Scope::All,
        body: JSON,
        doc: Doc {
            summary: "Resolve a work item, with a reason for the ledger",
            parameters: &[],
            takes: &[("application/json", "WorkItemResolution")],
            answers: &[
                answer(200, "Resolved", "Done"),
                answer(415, "Not JSON", PROBLEM),
            ],
        },
    },
    Route {
        name: "delivery_replay",
        verb: Verb::Post,
        path: "/v1/deliveries/{id}/replay",
        handler: Handler::DeliveryReplay,
        access: OFFICERS,
        scope: Scope::All,
        body: JSON,
        doc: Doc {
            summary: "Try a dead or held delivery again, with a reason for the ledger",
            parameters: &[],
            takes: &[("application/json", "OperatorReason")],
            answers: &[
                answer(200, "Queued; it is decided anew before it is sent", "Done"),
                answer(
                    409,
                    "Withheld: only a consent, link or agreement moves it",
                    PROBLEM,
                ),
                answer(415, "Not JSON", PROBLEM),
            ],
        },
    },
    Route {
        name: "extract_begin",
        verb: Verb::Post,
        path: "/v1/extracts",
        handler: Handler::ExtractBegin,
        access: PARTNERS,
        scope: Scope::Own(IdKind::None),
        body: JSON,
        doc: Doc {
            summary: "Begin a batch of released records over your pull channel",
            parameters: &[],
            takes: &[("application/json", "ExtractRequest")],
            answers: &[
                answer(202, "Begun; watch it at Location", "Extract"),
                answer(415, "Not JSON", PROBLEM),
            ],
        },
    },
    Route {
        name: "extract",
        verb: Verb::Get,
        path: "/v1/extracts/{id}",
        handler: Handler::ExtractGet,
        access: PARTNERS,
        scope: Scope::Own(IdKind::Extract),
        body: BodyRule::None,
        doc: Doc {
            summary: "Where an extract stands; its manifest when it is ready",
            parameters: &[],
            takes: &[],
            answers: &[answer(200, "The extract", "Extract")],
        },
    },
    Route {
        name: "extract_file",
        verb: Verb::Get,
        path: "/v1/extracts/{id}/files/{name}",
        handler: Handler::ExtractFile,
        access: PARTNERS,
        scope: Scope::Own(IdKind::Extract),
        body: BodyRule::None,
        doc: Doc {
            summary: "A file of a ready extract",
            parameters: &[Parameter {
                name: "Range",
                header: true,
                required: false,
                text: "`bytes=N-`: from that byte on",
            }],
            takes: &[],
            answers: &[
                answer(200, "The whole file", "File"),
                answer(206, "From the byte asked for", "File"),
                answer(400, "Another kind of range", PROBLEM),
                answer(
                    409,
                    "A consent or the rules changed since: begin a new extract",
                    PROBLEM,
                ),
                answer(410, "Too old: begin a new extract", PROBLEM),
                answer(416, "The file does not reach so far", PROBLEM),
            ],
        },
    },
    Route {
        name: "rules_reload",
        verb: Verb::Post,
        path: "/v1/rules/reload",
        handler: Handler::RulesReload,
        access: Access::Known {
            partners: false,
            roles: &[Role::Integrator],
        },
        scope: Scope::All,
        body: JSON,
        doc: Doc {
            summary: "Read the catalog again; swapped only without defects",
            parameters: &[],
            takes: &[("application/json", "OperatorReason")],
            answers: &[
                answer(200, "The new rules are in force", "RulesInForce"),
                answer(415, "Not JSON", PROBLEM),
                answer(
                    422,
                    "Defects, or a body that cannot be read; the old rules stay",
                    PROBLEM,
                ),
            ],
        },
    },
];
