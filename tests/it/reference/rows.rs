//! Section 2.7 of the disclosure rules, row by row, and the hard stops.

use super::vocabulary::{PURPOSES, RECIPIENTS, SOURCES};
use super::{papers, text, words};
use serde_json::Value;

pub struct Basis {
    pub row: &'static str,
    pub rank: char,
}

/// All rows, in the order of the table.
#[rustfmt::skip]
pub const ALL: [&str; 52] = [
    "CANRA", "ICWA-N", "ICWA-I", "STATE", "DHCS", "ORD",
    "ORD-DEP", "ORD-E", "ORD-1037", "ORD-827A2", "ORD-827P", "EMER",
    "EMEREDU", "THREAT", "SELF", "827-SELF", "827-COUNSEL", "827-CASA",
    "827-COURT", "827-PARENT", "PARENT-H", "ELECT", "TPO", "PAY",
    "HIV", "ONWARD-P2", "COORD", "COORD-ON", "827-TREAT", "827-SCHOOL",
    "827-POLICE", "827-STATE", "828", "241.1", "786", "TRIBE",
    "XFER", "CONTRACT-OUT", "CONTRACT-IN", "CONTRACT-WF", "CFT", "MDT",
    "CROSS", "HEP", "USA", "USA-ON", "P2-AUDIT", "QSO",
    "RES-P2", "RES-H", "RES-CW", "AGG",
];

/// Rows under an agreement that binds the recipient.
pub const BINDING: [&str; 6] = [
    "CONTRACT-OUT",
    "P2-AUDIT",
    "QSO",
    "RES-P2",
    "RES-H",
    "RES-CW",
];

const TREATERS: [&str; 3] = ["mhp", "health_provider", "sud_program"];
const PROVIDERS: [&str; 2] = ["mhp", "health_provider"];
const COUNTY: [&str; 2] = ["cws", "probation"];

pub fn roles_are_known(q: &Value) -> bool {
    SOURCES.contains(&text(q, "source_role"))
        && RECIPIENTS.contains(&text(q, "recipient_role"))
        && PURPOSES.contains(&text(q, "purpose"))
}

/// What nothing opens.
pub fn hard_stop(q: &Value, class: &str) -> bool {
    let c = &q["context"];
    let recipient = text(q, "recipient_role");
    let always = [
        "immigration_status",
        "adoption_record",
        "attorney_client",
        "safe_at_home_address",
        "partner_lived_experience",
    ];
    let safety = ["dv_information", "contact_address"];
    let report = ["abuse_report", "reporter_identity"];
    recipient == "federal_immigration"
        || text(q, "purpose") == "immigration_enforcement"
        || always.contains(&class)
        || (safety.contains(&class) && papers::closes(c, "restraining_order"))
        || (report.contains(&class) && papers::closes(c, "recipient_is_reporter_employer"))
        || (recipient == "ppp" && papers::closes(c, "subject_is_worker"))
}

/// One question about one class, for the rows to read.
struct Look<'a> {
    q: &'a Value,
    class: &'a str,
    found: Vec<Basis>,
}

impl Look<'_> {
    fn fact(&self, name: &str) -> bool {
        self.q["context"][name] == true
    }

    fn source(&self, list: &[&str]) -> bool {
        list.contains(&text(self.q, "source_role"))
    }

    fn to(&self, list: &[&str]) -> bool {
        list.contains(&text(self.q, "recipient_role"))
    }

    fn purpose(&self, list: &[&str]) -> bool {
        list.contains(&text(self.q, "purpose"))
    }

    fn class(&self, list: &[&str]) -> bool {
        list.contains(&self.class)
    }

    fn order(&self, kind: &str) -> bool {
        let order = &self.q["context"]["court_order"];
        order["type"] == kind && words(&order["classes"]).contains(&self.class)
    }

    fn agreement(&self, kind: &str) -> bool {
        let agreement = &self.q["context"]["agreement"];
        agreement["type"] == kind && agreement["signed"] == true
    }

    fn when(&mut self, holds: bool, row: &'static str, rank: char) {
        if holds {
            self.found.push(Basis { row, rank });
        }
    }

    fn minor_consented(&self) -> bool {
        papers::minor_consented(self.q, self.class)
    }

    /// The child's own tribe, or nothing is known to compare with.
    fn tribe_may_be_the_childs(&self) -> bool {
        let known = &self.q["subject"]["tribe_id"];
        known.is_null() || *known == self.q["context"]["recipient_tribe_id"]
    }
}

/// Every row that opens the class.
pub fn statutory(q: &Value, class: &str) -> Vec<Basis> {
    let mut look = Look {
        q,
        class,
        found: Vec::new(),
    };
    if q["context"]
        .get("via_county")
        .is_some_and(|via| *via != true)
    {
        return look.found;
    }
    duties(&mut look);
    aggregate_and_orders(&mut look);
    if text(q, "source_role") != "dv_program" {
        emergencies_and_rights(&mut look);
        health(&mut look);
        part2(&mut look);
        child_welfare(&mut look);
        contracts_and_research(&mut look);
        teams(&mut look);
        schools(&mut look);
    }
    look.found
}

fn duties(l: &mut Look<'_>) {
    let canra = l.to(&["cws", "probation", "law_enforcement"])
        && l.purpose(&["child_abuse_report"])
        && l.class(&["abuse_report", "reporter_identity"])
        && l.fact("mandated_report");
    l.when(canra, "CANRA", 'D');
    let notice = l.source(&COUNTY)
        && l.to(&["tribe", "bia", "parent", "guardian", "court"])
        && l.purpose(&["icwa_notice"])
        && l.class(&["demographics", "icwa_inquiry"])
        && l.fact("reason_to_know")
        && (!l.to(&["tribe"]) || l.tribe_may_be_the_childs());
    l.when(notice, "ICWA-N", 'D');
    let inquiry = l.source(&COUNTY)
        && l.to(&["tribe", "bia", "cdss"])
        && l.purpose(&["icwa_inquiry"])
        && l.class(&["demographics", "icwa_inquiry"])
        && (l.fact("reason_to_believe") || l.fact("reason_to_know"));
    l.when(inquiry, "ICWA-I", 'D');
    let elements = &l.q["context"]["required_elements"];
    let required = elements.is_null() || words(elements).contains(&l.class);
    let state = l.source(&["cws"])
        && l.to(&["cdss"])
        && l.purpose(&["state_reporting"])
        && l.class(&[
            "demographics",
            "case_plan",
            "juvenile_case_file",
            "cans",
            "sdm",
            "referral",
            "icwa_inquiry",
            "engagement_contact",
            "abuse_report",
        ])
        && required;
    l.when(state, "STATE", 'D');
    let oversight = l.source(&PROVIDERS)
        && l.to(&["dhcs"])
        && l.purpose(&["state_reporting", "audit"])
        && l.class(&["general_health", "mental_health", "cans", "demographics"]);
    l.when(oversight, "DHCS", 'D');
}

fn aggregate_and_orders(l: &mut Look<'_>) {
    let cells = l.q["context"]["min_cell"].as_f64().unwrap_or(0.0) >= 11.0;
    let aggregate = l.class(&["aggregate_deidentified"]) && cells;
    l.when(aggregate, "AGG", 'S');
    let chambers = l.to(&["court"])
        && l.purpose(&["legal_proceeding"])
        && l.class(&["dv_counselor_comm", "sa_counselor_comm"])
        && l.order("evid1037_2_in_camera");
    l.when(chambers, "ORD-1037", 'D');
    if l.source(&["dv_program"]) {
        return;
    }
    let reaches = l.to(&["court", "law_enforcement"])
        || (l.to(&["parent_attorney", "youth_attorney"]) && l.fact("counsel_of_record"));
    let order = reaches
        && l.purpose(&["legal_proceeding", "investigation"])
        && l.class(&[
            "general_health",
            "mental_health",
            "juvenile_case_file",
            "case_plan",
            "abuse_report",
            "reporter_identity",
            "delinquency",
            "contact_address",
            "demographics",
            "engagement_contact",
            "sdm",
        ])
        && l.order("court_order");
    l.when(order, "ORD", 'D');
    let dependency = l.source(&["lea"])
        && l.to(&["court"])
        && l.purpose(&["legal_proceeding"])
        && l.class(&["education_record"])
        && l.order("dependency_order");
    l.when(dependency, "ORD-DEP", 'D');
    let subpart_e = l.to(&["court", "law_enforcement"])
        && l.purpose(&["legal_proceeding", "investigation"])
        && l.class(&["sud_part2"])
        && l.order("part2_subpart_e")
        && l.q["context"]["court_order"]["with_subpoena"] == true;
    l.when(subpart_e, "ORD-E", 'D');
    let child_died = l.source(&["cws"])
        && l.to(&["public"])
        && l.purpose(&["public_request"])
        && l.class(&["juvenile_case_file"])
        && l.order("wic827a2")
        && papers::deceased(l.q);
    l.when(child_died, "ORD-827A2", 'D');
    let petition = l.source(&["cws"])
        && l.class(&["juvenile_case_file", "case_plan"])
        && l.order("wic827_petition_granted");
    l.when(petition, "ORD-827P", 'D');
}

fn emergencies_and_rights(l: &mut Look<'_>) {
    let emergency = &l.q["context"]["emergency"];
    let real = emergency["bona_fide"] == true && emergency["consent_obtainable"] == false;
    let urgent = l.purpose(&["medical_emergency"]) && real;
    let treating = l.source(&TREATERS)
        && l.to(&TREATERS)
        && l.class(&["general_health", "mental_health", "hiv_test", "sud_part2"]);
    l.when(urgent && treating, "EMER", 'E');
    let school = l.source(&["lea"]) && l.to(&PROVIDERS) && l.class(&["education_record"]);
    l.when(urgent && school, "EMEREDU", 'E');
    let threat = l.source(&PROVIDERS)
        && l.to(&["law_enforcement"])
        && l.purpose(&["investigation", "medical_emergency"])
        && l.class(&["general_health", "mental_health"])
        && l.fact("imminent_threat");
    l.when(threat, "THREAT", 'E');
    let own = l.to(&["self", "youth"])
        && l.purpose(&["self_access"])
        && l.q["context"]["requester"] == "subject";
    let own_health = own
        && l.source(&TREATERS)
        && l.class(&[
            "general_health",
            "mental_health",
            "hiv_test",
            "reproductive_health",
            "gender_affirming_care",
            "sud_part2",
        ]);
    l.when(own_health, "SELF", 'R');
    let file = l.class(&["juvenile_case_file", "case_plan"]);
    l.when(own && l.source(&COUNTY) && file, "827-SELF", 'R');
    let hearing = l.source(&COUNTY) && l.purpose(&["legal_proceeding"]);
    let counsel = hearing && l.fact("counsel_of_record");
    let youth = l.to(&["youth_attorney"]);
    let sees = file || (youth && l.class(&["abuse_report"]));
    let counsel = counsel && (youth || l.to(&["parent_attorney"])) && sees;
    l.when(counsel, "827-COUNSEL", 'R');
    let casa = hearing && l.to(&["casa"]) && l.fact("appointed") && file;
    l.when(casa, "827-CASA", 'R');
    let court = hearing && l.to(&["court"]) && l.fact("court_with_jurisdiction");
    let court = court && (file || l.class(&["cft_plan", "sdm"]));
    l.when(court, "827-COURT", 'R');
}

fn health(l: &mut Look<'_>) {
    let statutory = l.q["context"]
        .get("implicit_policy")
        .is_none_or(Value::is_null);
    let free = !papers::closes(&l.q["context"], "restriction_agreed");
    let standing = papers::standing(l.q);
    let asks = l.to(&["parent", "guardian"]) && l.purpose(&["parent_access"]) && standing;
    let file = l.source(&COUNTY) && l.class(&["juvenile_case_file", "case_plan"]);
    l.when(asks && file, "827-PARENT", 'S');
    let removed = papers::closes(&l.q["subject"], "removed");
    let found = papers::closes(&l.q["context"], "provider_detriment_finding");
    let parent = asks
        && l.source(&PROVIDERS)
        && l.class(&["general_health", "mental_health", "reproductive_health"])
        && !found
        && !l.minor_consented()
        && !(l.class(&["mental_health"]) && removed)
        && free;
    l.when(parent, "PARENT-H", 'S');
    let elect = asks
        && l.source(&PROVIDERS)
        && l.class(&["general_health"])
        && l.q["subject"]["self_sufficient"] == true
        && l.fact("provider_elects_to_inform")
        && !found;
    l.when(elect, "ELECT", 'S');
    let exchange = statutory && free && l.source(&PROVIDERS);
    let tpo = exchange
        && l.to(&TREATERS)
        && l.purpose(&["treatment", "care_coordination", "operations"])
        && l.class(&[
            "general_health",
            "mental_health",
            "demographics",
            "referral",
            "cans",
        ]);
    l.when(tpo, "TPO", 'S');
    let pay = exchange
        && l.to(&["health_plan"])
        && l.purpose(&["payment", "operations"])
        && l.class(&["general_health", "mental_health", "demographics"]);
    l.when(pay, "PAY", 'S');
    let hiv = exchange && l.to(&PROVIDERS) && l.purpose(&["treatment"]) && l.class(&["hiv_test"]);
    l.when(hiv, "HIV", 'S');
    let care = l.purpose(&["care_coordination", "treatment"])
        && l.class(&["general_health", "mental_health"])
        && papers::is_minor(l.q)
        && free;
    let coord = care && l.source(&PROVIDERS) && l.to(&COUNTY) && l.fact("legally_responsible");
    l.when(coord, "COORD", 'S');
    let under = text(&l.q["context"], "received_under");
    let onward = care
        && l.source(&COUNTY)
        && l.to(&["mhp", "health_provider", "cws", "probation", "caregiver"])
        && ["WIC5328.04", "CIV56.103"].contains(&under)
        && !(l.to(&["caregiver"]) && l.minor_consented());
    l.when(onward, "COORD-ON", 'S');
}

fn part2(l: &mut Look<'_>) {
    if !l.class(&["sud_part2"]) || !l.q["context"]["proceeding"].is_null() {
        return;
    }
    let onward = l.source(&TREATERS)
        && l.to(&["mhp", "health_provider", "health_plan", "sud_program"])
        && l.purpose(&["treatment", "payment", "operations"])
        && l.fact("source_is_covered_entity")
        && papers::received_under_tpo_in_force(l.q);
    l.when(onward, "ONWARD-P2", 'S');
    if !l.source(&["sud_program"]) {
        return;
    }
    let audit = l.to(&["dhcs", "cdss", "auditor", "health_plan"])
        && l.purpose(&["audit", "state_reporting"])
        && l.agreement("part2_audit");
    l.when(audit, "P2-AUDIT", 'S');
    let qso =
        l.to(&["service_org"]) && l.purpose(&["operations", "payment"]) && l.agreement("qsoa");
    l.when(qso, "QSO", 'S');
    let study = l.to(&["researcher"])
        && l.purpose(&["research"])
        && l.fact("irb_waiver")
        && l.agreement("part2_research");
    l.when(study, "RES-P2", 'S');
}

fn child_welfare(l: &mut Look<'_>) {
    let file = l.class(&["juvenile_case_file", "case_plan"]);
    let county = l.source(&COUNTY);
    let treat = county
        && l.to(&TREATERS)
        && l.purpose(&["treatment", "care_coordination"])
        && file
        && l.fact("treating_subject");
    l.when(treat, "827-TREAT", 'S');
    let school = county
        && l.to(&["lea"])
        && l.purpose(&["education"])
        && l.class(&["demographics"])
        && l.fact("school_of_enrollment");
    l.when(school, "827-SCHOOL", 'S');
    let police = l.to(&["law_enforcement"]) && l.purpose(&["investigation"]);
    let active = county
        && police
        && l.class(&["juvenile_case_file", "contact_address"])
        && l.fact("actively_participating");
    l.when(active, "827-POLICE", 'S');
    let state = county
        && l.to(&["cdss"])
        && l.purpose(&["audit"])
        && (file || l.class(&["demographics", "cans", "sdm"]));
    l.when(state, "827-STATE", 'S');
    let delinquency = l.class(&["delinquency"]);
    let custody =
        l.source(&["probation"]) && police && delinquency && l.fact("official_disposition");
    l.when(custody, "828", 'S');
    let pair = (l.source(&["cws"]) && l.to(&["probation"]))
        || (l.source(&["probation"]) && l.to(&["cws"]));
    let dual = pair && l.purpose(&["case_planning"]) && delinquency && l.fact("dual_status");
    l.when(dual, "241.1", 'S');
    let sealed = l.source(&["probation"])
        && l.to(&["cws"])
        && l.purpose(&["placement"])
        && l.class(&["sealed_record"])
        && l.fact("legally_responsible");
    l.when(sealed, "786", 'S');
    let known = !l.q["subject"]["tribe_id"].is_null();
    let tribe = l.source(&["cws"])
        && l.to(&["tribe"])
        && l.purpose(&["case_planning", "placement", "legal_proceeding"])
        && file
        && l.fact("tribe_party")
        && known
        && l.tribe_may_be_the_childs();
    l.when(tribe, "TRIBE", 'S');
    let moves = l.source(&["cws"])
        && l.to(&["cws_other_county"])
        && l.purpose(&["case_planning", "placement"])
        && (file
            || l.class(&[
                "demographics",
                "cans",
                "sdm",
                "referral",
                "icwa_inquiry",
                "engagement_contact",
            ]))
        && l.fact("inter_county_transfer");
    l.when(moves, "XFER", 'S');
}

fn contracts_and_research(l: &mut Look<'_>) {
    let contract = l.agreement("county_contract");
    let planning = l.purpose(&["case_planning", "care_coordination"]);
    let out = contract
        && planning
        && l.source(&["cws"])
        && l.to(&["ppp", "service_org"])
        && l.class(&["demographics", "referral"]);
    l.when(out, "CONTRACT-OUT", 'S');
    let back = contract && l.source(&["ppp"]) && l.to(&["cws"]);
    let contacts = l.class(&[
        "engagement_contact",
        "referral",
        "demographics",
        "contact_address",
        "icwa_inquiry",
    ]);
    l.when(back && planning && contacts, "CONTRACT-IN", 'S');
    let staff = l.purpose(&["workforce_oversight"]) && l.class(&["workforce_record"]);
    l.when(back && staff, "CONTRACT-WF", 'S');
    let study = l.to(&["researcher"])
        && l.purpose(&["research"])
        && l.fact("irb_waiver")
        && l.agreement("dua");
    let health = l.class(&["general_health", "mental_health", "demographics"]);
    l.when(study && l.source(&PROVIDERS) && health, "RES-H", 'S');
    let welfare = l.class(&["demographics", "case_plan", "cans", "sdm"]);
    l.when(study && l.source(&["cws"]) && welfare, "RES-CW", 'S');
}

fn teams(l: &mut Look<'_>) {
    let cft = &l.q["context"]["cft"];
    let member = cft["member"] == true && cft["active"] == true;
    let team = member
        && l.purpose(&["case_planning", "placement", "care_coordination"])
        && l.class(&["cft_plan"]);
    l.when(team, "CFT", 'S');
    let mdt = &l.q["context"]["mdt"];
    let days = mdt["days_since_report"]
        .as_f64()
        .filter(|days| *days >= 0.0);
    let timely = days.is_some_and(|days| days <= 30.0 || mdt["good_cause_documented"] == true);
    let meets = mdt["member"] == true && mdt["identity_verified"] == true && timely;
    let mdt = meets
        && l.source(&["cws", "probation", "mhp", "health_provider", "lea", "ppp"])
        && l.to(&["mdt_member"])
        && l.purpose(&["investigation"])
        && l.class(&[
            "abuse_report",
            "juvenile_case_file",
            "case_plan",
            "general_health",
            "mental_health",
            "engagement_contact",
        ]);
    l.when(mdt, "MDT", 'S');
    let cross = l.source(&COUNTY)
        && l.to(&["law_enforcement", "cws", "probation"])
        && l.purpose(&["investigation"])
        && l.class(&["abuse_report", "reporter_identity"])
        && l.fact("cross_report");
    l.when(cross, "CROSS", 'S');
    let summary = l.source(&COUNTY)
        && l.to(&["caregiver"])
        && l.purpose(&["care_coordination", "placement"])
        && l.class(&["general_health", "mental_health", "education_record"])
        && papers::is_child(l.q)
        && !papers::may_be_adult(l.q)
        && l.fact("caregiver_current")
        && !l.minor_consented();
    l.when(summary, "HEP", 'S');
}

fn schools(l: &mut Look<'_>) {
    if !l.class(&["education_record"]) {
        return;
    }
    let access = l.fact("has_case_plan_access") || l.fact("county_placing_agency");
    let usa = l.source(&["lea"])
        && l.to(&["cws", "probation", "tribe"])
        && l.purpose(&[
            "education",
            "case_planning",
            "placement",
            "care_coordination",
        ])
        && l.fact("legally_responsible")
        && access
        && (!l.to(&["tribe"]) || l.tribe_may_be_the_childs());
    l.when(usa, "USA", 'S');
    let onward = l.source(&["cws", "probation", "tribe"])
        && l.to(&[
            "ppp",
            "service_org",
            "mhp",
            "health_provider",
            "caregiver",
            "lea",
        ])
        && l.purpose(&["education"])
        && text(&l.q["context"], "received_under") == "20USC1232g(b)(1)(L)"
        && l.fact("addresses_education_needs")
        && l.fact("authorized_by_agency");
    l.when(onward, "USA-ON", 'S');
}
