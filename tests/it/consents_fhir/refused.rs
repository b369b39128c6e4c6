//! What cannot be kept exactly: refused in a permit, widened in a refusal, told in both.

use super::*;

/// A limit, put into a provision: its member, its value, and where it is told.
fn limits() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "purpose",
            json!([coded("urn:example:use", "FooBar")]),
            "purpose[0]",
        ),
        (
            "securityLabel",
            json!([coded(ACT, "NOSUCH")]),
            "securityLabel[0]",
        ),
        (
            "securityLabel",
            json!([coded(ACT, "OPIOIDUD")]),
            "securityLabel[0]",
        ),
        (
            "securityLabel",
            json!([coded(CONFIDENTIALITY, "R"), coded(ACT, "HIV")]),
            "securityLabel",
        ),
        (
            "class",
            json!([coded("http://hl7.org/fhir/resource-types", "Observation")]),
            "class[0]",
        ),
        (
            "code",
            json!([{"coding": [coded("http://loinc.org", "8302-2")]}]),
            "code",
        ),
        (
            "action",
            json!([{"coding": [coded(
                "http://terminology.hl7.org/CodeSystem/consentaction", "correct")]}]),
            "action",
        ),
        (
            "actor",
            json!([receiver("urn:example:npi", "1")]),
            "actor[0].reference",
        ),
        (
            "actor",
            json!([partner("nobody-known")]),
            "actor[0].reference",
        ),
        (
            "actor",
            json!([{"role": {"coding": [coded(
                "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "AUT")]},
                "reference": {"identifier": {"system": "urn:kinbridge:fhir:partner",
                                             "value": "clinic"}}}]),
            "actor[0].role",
        ),
        (
            "actor",
            json!([
                partner("clinic"),
                receiver("urn:kinbridge:fhir:recipient-role", "cws")
            ]),
            "actor",
        ),
    ]
}

#[test]
fn what_cannot_be_kept_refuses_a_permit_and_widens_a_refusal() {
    // Goal: a limit that cannot be kept never opens more and never closes less. Method: each such
    // limit in a permit (refused at its place) and in a refusal (told there; wider than without).
    for (member, value, place) in limits() {
        let of = |direction: &str| document(json!({"type": direction, member: value.clone()}));
        let place = format!("Consent.provision.{place}");
        let (_, findings) = reading(&of("permit"));
        let refused = findings.iter().any(|f| f.is_error() && f.path == place);
        assert!(refused, "{place}: {findings:?}");
        let refusal = of("deny");
        let widened = told(&refusal);
        let expected = (String::from("consent-widened"), place.clone());
        assert!(widened.contains(&expected), "{place}: {widened:?}");
        let paper = &papers(&refusal)[0].paper;
        let length = |name: &str| paper[name].as_array().expect("a list").len();
        let whole = match member {
            "purpose" => length("purposes") == Purpose::ALL.len(),
            "actor" => !paper.contains_key("recipient_ids"),
            _ => length("classes") > 1,
        };
        assert!(whole, "{place}: {paper:?}");
    }
}

type Change = (&'static str, Value, &'static str, &'static str);

/// A change of the whole document that refuses it in either direction, and the finding.
fn changes() -> Vec<Change> {
    let missing = "schema-required-missing";
    let plain = json!({"reference": "Patient/7"});
    vec![
        ("/patient", plain, "reference-dangling", "Consent.patient"),
        ("/patient", Value::Null, missing, "Consent.patient"),
        ("/status", Value::Null, missing, "Consent.status"),
        (
            "/status",
            json!("MARK"),
            "schema-code-unknown",
            "Consent.status",
        ),
        (
            "/scope/coding/0/code",
            json!("adr"),
            "crosswalk-code-unknown",
            "Consent.scope",
        ),
        (
            "/dateTime",
            json!("2026-06"),
            "schema-pattern-mismatch",
            "Consent.dateTime",
        ),
        ("/dateTime", Value::Null, missing, "Consent.dateTime"),
        ("/performer", json!([]), missing, "Consent.performer"),
        (
            "/performer",
            json!([{"reference": "Practitioner/1"}]),
            "crosswalk-code-unknown",
            "Consent.performer[0]",
        ),
    ]
}

/// The same of its provision and of members nobody reads.
fn more_changes() -> Vec<Change> {
    let missing = "schema-required-missing";
    let deep = json!({"type": "permit", "provision": [
        {"type": "deny", "provision": [{"type": "permit"}]}]});
    vec![
        ("/provision", Value::Null, missing, "Consent.provision"),
        ("/provision", json!({}), missing, "Consent.provision.type"),
        (
            "/provision/type",
            json!("MARK"),
            "schema-code-unknown",
            "Consent.provision.type",
        ),
        (
            "/provision",
            deep,
            "consent-not-representable",
            "Consent.provision.provision[0].provision",
        ),
        (
            "/provision/modifierExtension",
            json!([{"url": "urn:example:not", "valueBoolean": true}]),
            "modifier-not-read",
            "Consent.provision.modifierExtension",
        ),
        (
            "/implicitRules",
            json!("urn:x"),
            "modifier-not-read",
            "Consent.implicitRules",
        ),
        (
            "/extension",
            json!([{"url": "urn:example:other"},
                {"url": "urn:kinbridge:fhir:consent-coercion", "valueBoolean": true}]),
            "consent-not-representable",
            "Consent.extension[1]",
        ),
        ("/MARK", json!(1), "schema-unknown-field", "Consent"),
        (
            "/provision/MARK",
            json!(1),
            "schema-unknown-field",
            "Consent.provision",
        ),
        (
            "/provision/period",
            json!({"end": "2027"}),
            "schema-pattern-mismatch",
            "Consent.provision.period.end",
        ),
    ]
}

/// The document with one member put, or taken away by null.
fn changed(at: &str, put: Value) -> Value {
    let mut document = document(json!({"type": "permit"}));
    let (above, member) = at.rsplit_once('/').expect("a pointer");
    let above = document.pointer_mut(above).expect("an object");
    let members = match above {
        Value::Object(members) => members,
        other => panic!("{other}"),
    };
    let member = member.replace("MARK", "Zilpha Quintrell");
    match put {
        Value::Null => {
            members.remove(&member);
        }
        put => {
            members.insert(member, put);
        }
    }
    document
}

#[test]
fn what_is_missing_or_not_read_is_told_at_its_place_and_without_its_value() {
    // Goal: every error names its place in FHIR's notation and repeats nothing of the document.
    // Method: one good document, one thing wrong at a time; MARK stands for an invented person.
    for (at, put, code, path) in [changes(), more_changes()].concat() {
        let put: Value = serde_json::from_str(&put.to_string().replace("MARK", "Zilpha Quintrell"))
            .expect("JSON");
        let document = changed(at, put);
        let (reading, findings) = reading(&document);
        let hit = findings.iter().find(|f| f.code == code && f.path == path);
        assert!(hit.is_some_and(Finding::is_error), "{at}: {findings:?}");
        assert!(
            !format!("{findings:?}").contains("Quintrell"),
            "{at}: {findings:?}"
        );
        drop(reading);
    }
}

#[test]
fn who_signed_is_read_from_the_relationship_or_our_own_code() {
    // Goal: the signer is who the document says, together only as the rules know it. Method:
    // performers in their forms.
    let patient = json!({"identifier": {"system": "urn:example:family-id", "value": "F-7"}});
    let related = |code: &str| {
        json!([{"resourceType": "RelatedPerson", "id": "r", "relationship": [{"coding": [coded(
            "http://terminology.hl7.org/CodeSystem/v3-RoleCode", code)]}]}])
    };
    let grantor = "urn:kinbridge:fhir:grantor";
    let own = |word: &str| json!({"extension": [{"url": grantor, "valueCode": word}]});
    let r = json!({"reference": "#r"});
    for (performers, contained, expected) in [
        (json!([patient]), json!([]), Some("self")),
        (json!([r]), related("MTH"), Some("parent")),
        (json!([r]), related("GUARD"), Some("guardian")),
        (json!([r]), related("NBOR"), None),
        (
            json!([patient, r]),
            related("FTH"),
            Some("youth_and_parent"),
        ),
        (
            json!([own("personal_representative")]),
            json!([]),
            Some("personal_representative"),
        ),
        (
            json!([own("educational_rights_holder")]),
            json!([]),
            Some("educational_rights_holder"),
        ),
        (json!([own("shoe")]), json!([]), None),
        (json!([own("tribe"), own("reporter")]), json!([]), None),
    ] {
        let mut document = document(json!({"type": "permit"}));
        document["performer"] = performers.clone();
        document["contained"] = contained;
        let (reading, findings) = reading(&document);
        let papers = reading.map(|one| one.papers).unwrap_or_default();
        let read = papers.first().map(|one| one.paper["grantor"].clone());
        let expected = expected.map(|word| json!(word));
        assert_eq!(read, expected, "{performers}: {findings:?}");
    }
}

/// A change of a document, and the finding in a permit.
type Spoiling<'a> = (&'a dyn Fn(&mut Value), &'a str);

#[test]
fn a_permit_needs_its_kind_and_its_holder_a_refusal_counts_without() {
    // Goal: no kind and no holder is guessed for a permit; a refusal closes all the same. Method:
    // both without a kind, with two, and with a holder nobody knows.
    let of = |direction: &str, change: &dyn Fn(&mut Value)| {
        let mut document = document(json!({"type": direction}));
        change(&mut document);
        document
    };
    let two = json!({"coding": [
        coded("urn:kinbridge:fhir:consent-kind", "hipaa_auth"),
        coded(ACT, "42CFRPart2CD"),
    ]});
    let stranger = json!([{"reference": "Organization/1"}]);
    let none = |document: &mut Value| {
        document
            .as_object_mut()
            .expect("object")
            .remove("policyRule");
    };
    let both = |document: &mut Value| document["policyRule"] = two.clone();
    let holder = |document: &mut Value| document["organization"] = stranger.clone();
    let changes: [Spoiling<'_>; 3] = [
        (&none, "schema-required-missing"),
        (&both, "consent-not-representable"),
        (&holder, "consent-not-representable"),
    ];
    for (change, code) in changes {
        let (_, findings) = reading(&of("permit", change));
        assert!(
            findings.iter().any(|f| f.code == code),
            "{code}: {findings:?}"
        );
        let papers = papers(&of("deny", change));
        assert_eq!(papers[0].paper["kind"], json!("privacy_directive"));
        assert!(!papers[0].paper.contains_key("discloser_ids"));
    }
}

#[test]
fn what_the_document_shows_of_a_form_is_what_stands_in_it() {
    // Goal: nobody's word makes an element: it is shown by the document, by the printed form it
    // names, or by our extension alone. Method: a bare permit, a full one, one with the extension.
    let elements = |document: &Value| {
        let paper = &papers(document)[0].paper;
        let list = paper["elements"].as_array().expect("a list").clone();
        let words = list
            .iter()
            .map(|one| one.as_str().expect("text").to_owned());
        words.collect::<Vec<String>>().join(" ")
    };
    let mut bare = document(json!({"type": "permit"}));
    bare.as_object_mut()
        .expect("object")
        .remove("sourceAttachment");
    assert_eq!(elements(&bare), "patient_name date");
    let mut full = document(json!({
        "type": "permit", "period": {"end": "2027-01-01"}, "actor": [partner("clinic")],
        "purpose": purposes(&["TREAT"]), "class": [coded(CLASS, "mental_health")],
    }));
    full["organization"] = json!([{"identifier": {
        "system": "urn:kinbridge:fhir:partner", "value": "program"}}]);
    full["policy"] = json!([{"uri": "urn:kinbridge:form:privacy_directive:1"}]);
    assert_eq!(
        elements(&full),
        "patient_name discloser description recipient purpose right_to_revoke expiration \
         signature date redisclosure_statement refusal_consequences"
    );
    full["provision"]["extension"] =
        json!([{"url": "urn:kinbridge:fhir:consent-element", "valueCode": "purpose"}]);
    assert_eq!(elements(&full), "purpose");
}

#[test]
fn a_permit_inside_a_refusal_is_kept_exactly_or_not_at_all() {
    // Goal: what widened a refusal widens no exception in it. Method: every limit that cannot be
    // kept around a permit that is silent of it (an error, at its place) and around one that says
    // its own (as before).
    for (member, value, place) in limits() {
        let mut around = json!({"type": "deny", "provision": [{"type": "permit"}]});
        around[member] = value.clone();
        let place = format!("Consent.provision.{place}");
        let refused = |around: &Value| {
            let (_, findings) = reading(&document(around.clone()));
            findings.iter().any(|f| f.is_error() && f.path == place)
        };
        assert!(refused(&around), "{place}");
        let own = match member {
            "purpose" => json!(purposes(&["HPAYMT"])),
            "actor" => json!([partner("clinic")]),
            "action" => continue,
            _ => json!([coded(CLASS, "mental_health")]),
        };
        let name = match member {
            "securityLabel" | "code" => "class",
            other => other,
        };
        around["provision"][0][name] = own;
        assert!(!refused(&around), "{place}: the exception says its own");
    }
}

#[test]
fn what_a_permit_takes_over_from_a_refusal_is_read_as_a_permit() {
    // Goal: a code that a refusal reads wider than a permit does not widen the permit inside, and
    // neither does a holder nobody knows. Method: such codes around, silent inside.
    let narrow = document(json!({
        "type": "deny", "purpose": purposes(&["TREAT"]),
        "securityLabel": [coded(ACT, "HIV")],
        "provision": [{"type": "permit", "actor": [partner("clinic")]}],
    }));
    let both = papers(&narrow);
    assert!(
        both[0].paper["purposes"]
            .as_array()
            .expect("purposes")
            .len()
            > 1
    );
    assert_eq!(both[1].paper["purposes"], json!(["treatment"]));
    assert_eq!(both[1].paper["classes"], json!(["hiv_test"]));
    assert_eq!(both[1].paper["recipient_ids"], json!(["clinic"]));
    assert!(both[1].except);
    let wide = |code: &str| {
        let label = coded(CONFIDENTIALITY, code);
        let mut inner = json!({"type": "permit", "actor": [partner("clinic")]});
        inner["purpose"] = json!(purposes(&["TREAT"]));
        papers(&document(json!({
            "type": "deny", "securityLabel": [label], "provision": [inner]})))
    };
    let [deny, permit] = &wide("R")[..] else {
        panic!("two papers");
    };
    let length = |one: &Inward| one.paper["classes"].as_array().expect("classes").len();
    assert!(length(deny) > length(permit), "{deny:?} {permit:?}");
    let mut unknown = document(json!({
        "type": "deny", "provision": [{"type": "permit", "actor": [partner("clinic")]}]}));
    unknown["organization"] = json!([
        {"identifier": {"system": "urn:kinbridge:fhir:partner", "value": "program"}},
        {"identifier": {"system": "urn:example:npi", "value": "1"}},
    ]);
    let (_, findings) = reading(&unknown);
    let at = |f: &&Finding| f.is_error() && f.path == "Consent.organization[1]";
    assert_eq!(findings.iter().filter(at).count(), 1, "{findings:?}");
}
