//! The rows of the route table.

use super::row::{
    ACCOUNTANTS, ACCOUNTED, CONSENTS, EVERYBODY, FHIR_FOUND, FHIR_LODGED, FHIR_SEARCH, FHIR_TYPE,
    HOLDERS, INTEGRATORS, JSON_TYPE, LOOKING, OFFICERS, OPERATORS, PAGED, PARTNERS, REASONED,
    SAID_WHY, SCANNED, SUBMIT, WAITING, answer, get, header, post, problem, put, query,
};
use super::{Access, BodyRule, Handler, IdKind, Route, Scope};
use crate::base::limits::{BATCH_BYTES_MAX, SCAN_BYTES_MAX};

/// All routes.
pub(super) const ROUTES: &[Route] = &[
    get("healthz", "/healthz", Handler::Healthz)
        .open_to(Access::Public, Scope::Gateway)
        .says("Whether the process answers")
        .answers(&[answer(200, "It does", "Health")]),
    get("readyz", "/readyz", Handler::Readyz)
        .open_to(Access::Public, Scope::Gateway)
        .says("Whether submissions can be taken now")
        .answers(&[
            answer(200, "They can", "Readiness"),
            problem(503, "Stopping, or the store cannot take more"),
        ]),
    get("openapi", "/openapi.json", Handler::Openapi)
        .open_to(Access::Public, Scope::Gateway)
        .says("This document")
        .answers(&[answer(200, "OpenAPI 3.1", "Document")]),
    post("submit", "/v1/submissions", Handler::Submit)
        .open_to(PARTNERS, Scope::Own(IdKind::None))
        .with(SUBMIT)
        .takes(
            BodyRule::Submission {
                bytes_max: BATCH_BYTES_MAX,
            },
            &[
                ("application/json", "KinbridgeJson"),
                ("application/fhir+json", "FhirJson"),
                ("application/x-ndjson", "Ndjson"),
                ("application/xml", "Xml"),
                ("text/csv", "Csv"),
            ],
        )
        .says("Hand in records: one, many, or a streamed batch of one format")
        .answers(&[
            answer(200, "With dry_run: what would become of it", "DryRun"),
            answer(202, "Committed; every record's verdict", "Receipt"),
            problem(
                400,
                "The idempotency key is malformed, or a header stands twice",
            ),
            problem(409, "The key was used with another body"),
            problem(415, "No in-channel of yours takes this format"),
            problem(422, "No record was accepted; all findings"),
        ]),
    get(
        "submission_records",
        "/v1/submissions/{id}/records",
        Handler::SubmissionRecords,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::Submission))
    .with(PAGED)
    .says("All verdicts of a submission, page by page")
    .answers(&[
        answer(200, "One page", "RecordPage"),
        problem(400, "The cursor is not one of ours"),
    ]),
    get("submission", "/v1/submissions/{id}", Handler::SubmissionGet)
        .open_to(PARTNERS, Scope::Own(IdKind::Submission))
        .says("What became of a submission: its first records and where each went")
        .answers(&[answer(200, "The timeline", "Submission")]),
    get("fhir_metadata", "/fhir/metadata", Handler::FhirMetadata)
        .open_to(Access::Public, Scope::Gateway)
        .says("What FHIR this server takes")
        .answers(&[answer(200, "A CapabilityStatement", "FhirResource")]),
    put(
        "fhir_consent_put",
        "/fhir/Consent/{id}",
        Handler::FhirConsentPut,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::Consent))
    .json(&[(FHIR_TYPE, "FhirConsent")])
    .says("Lodge a FHIR R4 Consent, its provisions together, or end it")
    .answers(FHIR_LODGED),
    get(
        "fhir_consent",
        "/fhir/Consent/{id}",
        Handler::FhirConsentGet,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::Consent))
    .says("A consent you lodged, as a FHIR R4 Consent without its person")
    .answers(&[answer(200, "The Consent", "FhirResource")]),
    post(
        "fhir_consent_post",
        "/fhir/Consent",
        Handler::FhirConsentPost,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::None))
    .json(&[(FHIR_TYPE, "FhirConsent")])
    .says("Lodge a FHIR R4 Consent under an id of the gateway's")
    .answers(FHIR_LODGED),
    get(
        "fhir_consent_search",
        "/fhir/Consent",
        Handler::FhirConsentSearch,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::None))
    .with(FHIR_SEARCH)
    .says(
        "The Consents of one person you may read; `POST /fhir/Consent/_search` keeps the \
           identifier out of addresses",
    )
    .answers(FHIR_FOUND),
    post(
        "fhir_consent_search_form",
        "/fhir/Consent/_search",
        Handler::FhirConsentSearchForm,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::None))
    .json(&[("application/x-www-form-urlencoded", "FhirSearch")])
    .says("The same, with the parameters in a form")
    .answers(FHIR_FOUND),
    post(
        "consent_import",
        "/v1/consents/imports",
        Handler::ConsentImport,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::None))
    .with(&[query("form", true, "`ascmi` or `r11`: whose form it is")])
    .json(&[(JSON_TYPE, "ConsentImport")])
    .says("Lodge the papers one form of others makes, replace them, or end them")
    .answers(&[
        answer(
            200,
            "Lodged together; what does not count, and why",
            "ConsentImported",
        ),
        problem(400, "No such form"),
        problem(
            409,
            "Another person's, or revoked: lodge it under an id of its own",
        ),
        problem(
            422,
            "An answer without a meaning here, or a missing one; nothing was lodged",
        ),
    ]),
    put("consent_put", "/v1/consents/{id}", Handler::ConsentPut)
        .open_to(PARTNERS, Scope::Own(IdKind::Consent))
        .json(&[(JSON_TYPE, "ConsentLodging")])
        .says("Lodge a consent or a new revision of it")
        .answers(&[
            answer(
                200,
                "Lodged; whether it counts, and if not why",
                "ConsentLodged",
            ),
            problem(409, "The id belongs to another person's consent"),
        ]),
    get("consents", "/v1/consents", Handler::ConsentList)
        .open_to(HOLDERS, Scope::Own(IdKind::None))
        .with(CONSENTS)
        .says(
            "Consents you lodged; with `state=lodged` also those that wait for your word, where \
             the paper names you as discloser or the person's records are of your county",
        )
        .answers(&[
            answer(
                200,
                "One page, by registry id: full, or the last, unless 10,000 were looked at for it",
                "ConsentPage",
            ),
            problem(
                400,
                "A cursor that is not one of ours, a filter that is no such word, or an officer \
                 asks for `stops_within_days` without saying why",
            ),
        ]),
    get("consent", "/v1/consents/{id}", Handler::ConsentGet)
        .open_to(HOLDERS, Scope::Own(IdKind::Consent))
        .with(SAID_WHY)
        .says("The newest revision of a consent you lodged or may confirm, and its state")
        .answers(&[answer(200, "The consent", "Consent")]),
    get(
        "consent_history",
        "/v1/consents/{id}/history",
        Handler::ConsentHistory,
    )
    .open_to(HOLDERS, Scope::Own(IdKind::Consent))
    .with(SAID_WHY)
    .says("Every revision of a consent you lodged; none was ever overwritten")
    .answers(&[answer(200, "All revisions, oldest first", "ConsentHistory")]),
    post(
        "consent_revoke",
        "/v1/consents/{id}/revoke",
        Handler::ConsentRevoke,
    )
    .open_to(HOLDERS, Scope::Own(IdKind::Consent))
    .with(SAID_WHY)
    .json(&[(JSON_TYPE, "ConsentRevocation")])
    .says(
        "Revoke a consent, told by whatever means: nothing more is released on it. By its lodger, \
         the county of the person's records or a privacy officer; the body may be left out",
    )
    .answers(&[answer(200, "Revoked, now or before", "ConsentChange")]),
    post(
        "consent_ended",
        "/v1/consents/{id}/ended",
        Handler::ConsentEnded,
    )
    .open_to(HOLDERS, Scope::Own(IdKind::Consent))
    .with(SAID_WHY)
    .json(&[(JSON_TYPE, "ConsentEnding")])
    .says("Report that what a consent ends with has happened")
    .answers(&[
        answer(200, "It no longer counts from that day on", "ConsentChange"),
        problem(409, "The consent does not end with this"),
    ]),
    post(
        "consent_confirm",
        "/v1/consents/{id}/confirm",
        Handler::ConsentConfirm,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::Consent))
    .json(&[(JSON_TYPE, "ConsentConfirmation")])
    .says(
        "Stand behind a consent another partner lodged, by its registry id: as the source of data \
         about the person or as the county of the person's records. It never opens data to you",
    )
    .answers(&[
        answer(200, "Confirmed, now or before", "ConsentConfirmed"),
        problem(409, "It was revoked, has ended or was lodged anew"),
    ]),
    post(
        "consent_unconfirm",
        "/v1/consents/{id}/unconfirm",
        Handler::ConsentUnconfirm,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::Consent))
    .json(&[(JSON_TYPE, "ConsentConfirmation")])
    .says(
        "No longer stand behind a consent you confirmed, by its registry id: your data go on it no \
         more, and recipients are told by recall. A consent the person revoked is revoked",
    )
    .answers(&[
        answer(200, "You no longer stand behind it", "ConsentConfirmed"),
        problem(
            409,
            "You had not confirmed it, or it was revoked, has ended or was lodged anew",
        ),
    ]),
    put(
        "consent_scan_put",
        "/v1/consents/{id}/scan",
        Handler::ConsentScanPut,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::Consent))
    .takes(
        BodyRule::Submission {
            bytes_max: SCAN_BYTES_MAX,
        },
        &[
            ("application/pdf", "Scan"),
            ("image/png", "Scan"),
            ("image/jpeg", "Scan"),
            ("image/tiff", "Scan"),
        ],
    )
    .says("Keep the scan of the signed paper, one of each revision you lodged")
    .answers(&[
        answer(200, "Kept, now or before", "ConsentScanned"),
        problem(
            409,
            "The revision has another scan, or was changed meanwhile",
        ),
        problem(
            422,
            "The bytes are of another type, or not those the capture block's digest is of",
        ),
    ]),
    get(
        "consent_scan",
        "/v1/consents/{id}/scan",
        Handler::ConsentScanGet,
    )
    .open_to(HOLDERS, Scope::Own(IdKind::Consent))
    .with(SCANNED)
    .says("The scan of a consent you lodged, as it was handed in")
    .answers(&[
        answer(200, "The bytes, of the media type they came as", "File"),
        problem(
            400,
            "An officer gives no reason, or the revision is no number",
        ),
    ]),
    get(
        "consent_form",
        "/v1/forms/consents/{kind}",
        Handler::ConsentForm,
    )
    .open_to(EVERYBODY, Scope::Gateway)
    .with(&[query("lang", false, "`en` (also when left out) or `es`")])
    .says("A printable form of that kind, empty: one HTML page")
    .answers(&[
        answer(200, "The page", "Page"),
        problem(400, "Another language"),
        problem(404, "There is no such kind of consent"),
    ]),
    put("fact_put", "/v1/facts/{id}", Handler::FactPut)
        .open_to(PARTNERS, Scope::Own(IdKind::Fact))
        .json(&[(JSON_TYPE, "FactAssertion")])
        .says("Assert a fact of a person or a new revision of it")
        .answers(&[
            answer(200, "Kept, or kept already", "FactChange"),
            problem(
                409,
                "It is another person's, of another kind, was ended, or was changed meanwhile",
            ),
        ]),
    get("fact", "/v1/facts/{id}", Handler::FactGet)
        .open_to(PARTNERS, Scope::Own(IdKind::Fact))
        .says("The newest revision of a fact you assert")
        .answers(&[answer(200, "The fact", "Fact")]),
    post(
        "fact_confirm",
        "/v1/facts/{id}/confirm",
        Handler::FactConfirm,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::Fact))
    .json(&[(JSON_TYPE, "FactConfirmation")])
    .says("Have a second human confirm a fact, or confirm again that it is still so")
    .answers(&[
        answer(200, "Confirmed", "FactChange"),
        problem(409, "It was ended, or was changed meanwhile"),
    ]),
    post("fact_end", "/v1/facts/{id}/end", Handler::FactEnd)
        .open_to(PARTNERS, Scope::Own(IdKind::Fact))
        .json(&[(JSON_TYPE, "FactEnd")])
        .says("End a fact: nothing more rests on it")
        .answers(&[
            answer(200, "Ended, now or before", "FactChange"),
            problem(409, "It was changed meanwhile"),
        ]),
    post("decide", "/v1/decisions", Handler::Decide)
        .open_to(EVERYBODY, Scope::Gateway)
        .with(&[query(
            "explain",
            false,
            "`true`: also why each paper counts or not, and what would permit",
        )])
        .json(&[(JSON_TYPE, "DecisionRequest")])
        .says("What may go to a recipient for a purpose, and why")
        .answers(&[
            answer(200, "The decision; nothing is released", "Decision"),
            problem(
                400,
                "An operator asks about a stored record and gives no reason",
            ),
        ]),
    get("disclosures", "/v1/disclosures", Handler::Disclosures)
        .open_to(ACCOUNTANTS, Scope::All)
        .with(ACCOUNTED)
        .says("Accounting of disclosures about a person")
        .answers(&[
            answer(200, "One page, oldest first", "DisclosurePage"),
            problem(
                400,
                "No person or no reason named, or the cursor is not one of ours",
            ),
            problem(404, "Nobody is known by this"),
        ]),
    get("work_items", "/v1/work-items", Handler::WorkItems)
        .open_to(EVERYBODY, Scope::Own(IdKind::None))
        .with(WAITING)
        .says(
            "What waits for a person: a partner's own; operators all, with what is at stake and \
             how it may be resolved",
        )
        .answers(&[
            answer(200, "One page, oldest first", "WorkItemPage"),
            problem(400, "The cursor is not one of ours"),
        ]),
    post(
        "work_item_resolve",
        "/v1/work-items/{id}/resolve",
        Handler::WorkItemResolve,
    )
    .open_to(OPERATORS, Scope::All)
    .json(&[(JSON_TYPE, "WorkItemResolution")])
    .says("Resolve a work item, with a reason for the ledger")
    .answers(&[
        answer(200, "Resolved", "Done"),
        problem(409, "The item does not take it, or it takes two officers"),
    ]),
    get(
        "delivery_decision",
        "/v1/deliveries/{id}/decision",
        Handler::DeliveryDecision,
    )
    .open_to(ACCOUNTANTS, Scope::All)
    .with(&[LOOKING])
    .says("Why something went or stayed: the last decision of a delivery (or `dis_...`), in full")
    .answers(&[
        answer(200, "The decision as it was recorded", "PastDecision"),
        problem(400, "No reason named"),
    ]),
    post(
        "delivery_replay",
        "/v1/deliveries/{id}/replay",
        Handler::DeliveryReplay,
    )
    .open_to(OPERATORS, Scope::All)
    .json(&[(JSON_TYPE, "OperatorReason")])
    .says("Try a delivery again, with a reason for the ledger; a withheld one needs two")
    .answers(&[
        answer(200, "Queued; it is decided anew before it is sent", "Done"),
        answer(
            202,
            "Withheld: a second privacy officer has to confirm",
            "ReplayRequest",
        ),
        problem(
            409,
            "Asked for already, or it rests in no state to try again",
        ),
    ]),
    post(
        "delivery_replay_confirm",
        "/v1/deliveries/{id}/replay/confirm",
        Handler::DeliveryReplayConfirm,
    )
    .open_to(OFFICERS, Scope::All)
    .json(&[(JSON_TYPE, "OperatorReason")])
    .says("Confirm, as another officer, that a withheld delivery is decided again")
    .answers(&[
        answer(200, "Queued; it may be withheld again", "Done"),
        problem(409, "Not asked for, run out, or the same officer"),
    ]),
    get("person", "/v1/persons/{id}", Handler::PersonGet)
        .open_to(OFFICERS, Scope::All)
        .with(REASONED)
        .says("Who is joined into a person, on whose word, and how much counts to it")
        .answers(&[
            answer(200, "Ids and counts, no value of a record", "Person"),
            problem(400, "No reason named"),
        ]),
    post("person_join", "/v1/persons/{id}/join", Handler::PersonJoin)
        .open_to(OFFICERS, Scope::All)
        .json(&[(JSON_TYPE, "PersonJoining")])
        .says("Join another known person with this one, with a reason for the ledger")
        .answers(&[
            answer(200, "All of the other counts to this one", "Done"),
            problem(409, "They are one already, or never of the same traffic"),
        ]),
    post("person_part", "/v1/persons/{id}/part", Handler::PersonPart)
        .open_to(OFFICERS, Scope::All)
        .json(&[(JSON_TYPE, "OperatorReason")])
        .says("Take back that this person was joined with another, with a reason for the ledger")
        .answers(&[
            answer(200, "Each has its own again", "Done"),
            problem(409, "It was joined with nobody"),
        ]),
    post(
        "work_item_acknowledge",
        "/v1/work-items/{id}/acknowledge",
        Handler::WorkItemAcknowledge,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::WorkItem))
    .says("Put away a notice about a record you handed in: you have read it")
    .answers(&[
        answer(200, "Put away", "Done"),
        problem(422, "A body that says something"),
    ]),
    post(
        "emergency_access",
        "/v1/emergency-access",
        Handler::EmergencyAccess,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::None))
    .json(&[(JSON_TYPE, "EmergencyRequest")])
    .says(
        "Ask at once, as a named human, for what may go about one person in an emergency; officers \
         and sources are told, and it is reviewed",
    )
    .answers(&[
        answer(
            200,
            "What may go; the same for who is not known and who nothing may be told about",
            "EmergencyAnswer",
        ),
        problem(422, "Something is missing from the declaration"),
    ]),
    post("extract_begin", "/v1/extracts", Handler::ExtractBegin)
        .open_to(PARTNERS, Scope::Own(IdKind::None))
        .json(&[(JSON_TYPE, "ExtractRequest")])
        .says("Begin a batch of released records over your pull channel")
        .answers(&[answer(202, "Begun; watch it at Location", "Extract")]),
    get("extract", "/v1/extracts/{id}", Handler::ExtractGet)
        .open_to(PARTNERS, Scope::Own(IdKind::Extract))
        .says("Where an extract stands; its manifest when it is ready")
        .answers(&[answer(200, "The extract", "Extract")]),
    get(
        "extract_file",
        "/v1/extracts/{id}/files/{name}",
        Handler::ExtractFile,
    )
    .open_to(PARTNERS, Scope::Own(IdKind::Extract))
    .with(&[header("Range", false, "`bytes=N-`: from that byte on")])
    .says("A file of a ready extract")
    .answers(&[
        answer(200, "The whole file", "File"),
        answer(206, "From the byte asked for", "File"),
        problem(400, "Another kind of range"),
        problem(
            409,
            "A consent or the rules changed since: begin a new extract",
        ),
        problem(410, "Too old: begin a new extract"),
        problem(416, "The file does not reach so far"),
    ]),
    post("rules_reload", "/v1/rules/reload", Handler::RulesReload)
        .open_to(INTEGRATORS, Scope::All)
        .json(&[(JSON_TYPE, "OperatorReason")])
        .says("Read the catalog and the TLS files again; each is taken over only without defects")
        .answers(&[
            answer(200, "The new rules are in force", "RulesInForce"),
            problem(
                422,
                "Defects, or a body that cannot be read; what has a defect stays as it was",
            ),
        ]),
];
