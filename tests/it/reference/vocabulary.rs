//! The word lists of the disclosure rules, section 0.

use std::sync::LazyLock;

fn list(words: &'static str) -> Vec<&'static str> {
    words.split_whitespace().collect()
}

pub static CLASSES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    list(
        "general_health mental_health psychotherapy_notes sud_part2 sud_counseling_notes \
        hiv_test reproductive_health gender_affirming_care dv_information dv_counselor_comm \
        sa_counselor_comm education_record juvenile_case_file delinquency sealed_record \
        abuse_report reporter_identity immigration_status sogi contact_address \
        safe_at_home_address demographics engagement_contact case_plan cft_plan cans sdm \
        referral icwa_inquiry tribal_confidential adoption_record attorney_client \
        workforce_record partner_lived_experience aggregate_deidentified",
    )
});

pub static SOURCES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    list("cws probation mhp sud_program health_provider lea tribe cdss ppp dv_program court")
});

pub static RECIPIENTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    list(
        "cws cws_other_county probation mhp sud_program health_provider health_plan hie \
        service_org lea tribe bia cdss dhcs cft_member mdt_member ppp parent guardian \
        caregiver youth self youth_attorney parent_attorney casa court law_enforcement \
        federal_immigration intimate_partner researcher auditor public",
    )
});

pub static PURPOSES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    list(
        "treatment care_coordination payment operations research medical_emergency \
        break_glass marketing case_planning placement child_abuse_report investigation \
        state_reporting audit legal_proceeding immigration_enforcement icwa_notice \
        icwa_inquiry education parent_access self_access workforce_oversight public_request",
    )
});
