//! What the rows of the route table are made of: builders, who may call, what repeats.
//!
//! Nobody may call a route until its row says who.

use super::{Access, Answer, BodyRule, Doc, Handler, Parameter, Route, Scope, Verb};
use crate::config::Role;

pub(super) const fn row(
    verb: Verb,
    name: &'static str,
    path: &'static str,
    handler: Handler,
) -> Route {
    Route {
        name,
        verb,
        path,
        handler,
        // Nobody, until the row says who.
        access: Access::Known {
            partners: false,
            roles: &[],
        },
        scope: Scope::Gateway,
        body: BodyRule::None,
        doc: Doc {
            summary: "",
            parameters: &[],
            takes: &[],
            answers: &[],
        },
    }
}

pub(super) const fn get(name: &'static str, path: &'static str, handler: Handler) -> Route {
    row(Verb::Get, name, path, handler)
}

pub(super) const fn post(name: &'static str, path: &'static str, handler: Handler) -> Route {
    row(Verb::Post, name, path, handler)
}

pub(super) const fn put(name: &'static str, path: &'static str, handler: Handler) -> Route {
    row(Verb::Put, name, path, handler)
}

impl Route {
    /// Who may call it, and whose things it shows or changes.
    pub(super) const fn open_to(self, access: Access, scope: Scope) -> Route {
        Route {
            access,
            scope,
            ..self
        }
    }

    /// Its query and header parameters.
    pub(super) const fn with(mut self, parameters: &'static [Parameter]) -> Route {
        self.doc.parameters = parameters;
        self
    }

    /// What it reads of a body, and the media types with their examples.
    pub(super) const fn takes(
        mut self,
        body: BodyRule,
        media: &'static [(&'static str, &'static str)],
    ) -> Route {
        self.body = body;
        self.doc.takes = media;
        self
    }

    /// A JSON body with the example of that name.
    pub(super) const fn json(self, media: &'static [(&'static str, &'static str)]) -> Route {
        self.takes(JSON, media)
    }

    /// One line for readers.
    pub(super) const fn says(mut self, summary: &'static str) -> Route {
        self.doc.summary = summary;
        self
    }

    /// Its own answers.
    pub(super) const fn answers(mut self, answers: &'static [Answer]) -> Route {
        self.doc.answers = answers;
        self
    }
}

pub(super) const fn answer(status: u16, text: &'static str, schema: &'static str) -> Answer {
    Answer {
        status,
        text,
        schema,
    }
}

pub(super) const fn header(name: &'static str, required: bool, text: &'static str) -> Parameter {
    Parameter {
        name,
        header: true,
        required,
        text,
    }
}

pub(super) const fn query(name: &'static str, required: bool, text: &'static str) -> Parameter {
    Parameter {
        name,
        header: false,
        required,
        text,
    }
}

pub(super) const fn problem(status: u16, text: &'static str) -> Answer {
    answer(status, text, "Problem")
}

const fn known(partners: bool, roles: &'static [Role]) -> Access {
    Access::Known { partners, roles }
}

pub(super) const PARTNERS: Access = known(true, &[]);
pub(super) const OPERATORS: Access = known(false, &[Role::Integrator, Role::PrivacyOfficer]);
pub(super) const OFFICERS: Access = known(false, &[Role::PrivacyOfficer]);
/// Partners, and privacy officers, who say why.
pub(super) const HOLDERS: Access = known(true, &[Role::PrivacyOfficer]);
pub(super) const INTEGRATORS: Access = known(false, &[Role::Integrator]);
pub(super) const ACCOUNTANTS: Access = known(false, &[Role::PrivacyOfficer, Role::Auditor]);
pub(super) const EVERYBODY: Access = known(
    true,
    &[Role::Integrator, Role::PrivacyOfficer, Role::Auditor],
);

pub(super) const JSON_TYPE: &str = "application/json";

pub(super) const FHIR_TYPE: &str = "application/fhir+json";

pub(super) const JSON: BodyRule = BodyRule::Whole {
    bytes_max: 256 << 10,
};

pub(super) const SUBMIT: &[Parameter] = &[
    header(
        "Kinbridge-Format",
        false,
        "Format and version, as your partner file names it; left out, told by how the body begins",
    ),
    header(
        "Kinbridge-Channel",
        false,
        "Which in-channel, where several take the format",
    ),
    header(
        "Idempotency-Key",
        false,
        "Up to 255 visible characters; the same key and body give the same receipt",
    ),
    header(
        "traceparent",
        false,
        "W3C trace context; its trace id becomes the correlation id",
    ),
    query(
        "dry_run",
        false,
        "`true`: nothing is stored; adds what each recipient you named would be given, and why. \
         What others lodged or protect is not told: less may go than it says, or more",
    ),
];

pub(super) const LOOKING: Parameter = header(
    "Kinbridge-Reason",
    true,
    "Why it is read, in words for the ledger; no personal data",
);

pub(super) const ACCOUNTED: &[Parameter] = &[
    query(
        "person",
        true,
        "`per_...`, or an identifier as `system|value`",
    ),
    LOOKING,
    CURSOR,
    LIMIT,
];

pub(super) const WAITING: &[Parameter] = &[
    header(
        "Kinbridge-Reason",
        false,
        "Operators: why it is read, for the ledger; with it an item of the emergency door says \
         whom and what it was declared about",
    ),
    CURSOR,
    LIMIT,
];

pub(super) const REASONED: &[Parameter] = &[LOOKING];

pub(super) const FHIR_LODGED: &[Answer] = &[
    answer(
        200,
        "Lodged anew, or ended; what was widened and what does not count",
        "OperationOutcome",
    ),
    answer(
        201,
        "Lodged; what was widened and what does not count",
        "OperationOutcome",
    ),
    answer(
        400,
        "The ids in the address and in the resource differ",
        "OperationOutcome",
    ),
    answer(
        409,
        "Another person's, or revoked: lodge it under an id of its own",
        "OperationOutcome",
    ),
];

pub(super) const FHIR_FOUND: &[Answer] = &[
    answer(200, "A searchset, page by page", "FhirResource"),
    answer(
        400,
        "No person named, or a parameter that is not taken",
        "OperationOutcome",
    ),
];

pub(super) const FHIR_SEARCH: &[Parameter] = &[
    query(
        "patient.identifier",
        false,
        "`system|value`; also written `patient:identifier`",
    ),
    query(
        "_count",
        false,
        "Entries of a page, 1 to 100; 50 when left out",
    ),
    query("_format", false, "`json`"),
    query("_cursor", false, "As the link to the next page says"),
];

pub(super) const CURSOR: Parameter = query("cursor", false, "`next_cursor` of the page before");

pub(super) const LIMIT: Parameter = query(
    "limit",
    false,
    "Rows on the page, 1 to 500; 100 when left out",
);

pub(super) const PAGED: &[Parameter] = &[CURSOR, LIMIT];

const WHY: Parameter = header(
    "Kinbridge-Reason",
    false,
    "Officers: why, in words for the ledger; no personal data",
);

pub(super) const SAID_WHY: &[Parameter] = &[WHY];

pub(super) const SCANNED: &[Parameter] = &[
    query(
        "revision",
        false,
        "Of which revision; the newest that has a scan when left out",
    ),
    WHY,
];

pub(super) const CONSENTS: &[Parameter] = &[
    query(
        "state",
        false,
        "Only these: lodged, effective, revoked, ended or superseded",
    ),
    query(
        "stops_within_days",
        false,
        "Only those that stop within so many days: by their date, or where they are your own, or \
         an officer says why, because a child comes of age",
    ),
    query(
        "review",
        false,
        "`true`: only those whose ending event nobody has reported for a year",
    ),
    WHY,
    CURSOR,
    LIMIT,
];
