//! The closed word lists of how papers are taken and facts are entered, and when two names are of
//! one human.
//!
//! Papers and facts are sealed with these words and read by later versions: a word may be added and
//! none taken away.

use super::spelling::letters;
use super::vocabulary::{UnknownWord, vocabulary};

vocabulary! {
    /// By what means a consent was signed.
    Method, "way to sign" {
        PaperScan = "paper_scan",
        ESign = "e_sign",
        InPersonTablet = "in_person_tablet",
    }
}

vocabulary! {
    /// Who interpreted.
    Interpreter, "interpreter" {
        Qualified = "qualified",
        Staff = "staff",
        Family = "family",
        Nobody = "none",
    }
}

vocabulary! {
    /// How the signer's identity was checked.
    IdentityCheck, "check of identity" {
        PhotoId = "photo_id",
        OtherDocument = "other_document",
        KnownToStaff = "known_to_staff",
        Electronic = "electronic",
        NotChecked = "not_checked",
    }
}

vocabulary! {
    /// On what the signer's capacity rests.
    CapacityBasis, "basis of capacity" {
        Adult = "adult",
        ParentOfRecord = "parent_of_record",
        GuardianLetters = "guardian_letters",
        MinorConsentLaw = "minor_consent_law",
        CourtOrder = "court_order",
        AttorneyOfRecord = "attorney_of_record",
        Representative = "representative_letters",
        TribalAuthority = "tribal_authority",
        Other = "other",
    }
}

vocabulary! {
    /// By what means a revocation was told.
    Means, "means of a revocation" {
        Written = "written",
        Oral = "oral",
        Electronic = "electronic",
        InPerson = "in_person",
        ByRepresentative = "by_representative",
    }
}

vocabulary! {
    /// What an asserted fact rests on.
    FactSource, "source of a fact" {
        CourtOrder = "court_order",
        CourtRecord = "court_record",
        AgencyRecord = "agency_record",
        ProfessionalFinding = "professional_finding",
        Observation = "observation",
        Statement = "statement",
        Document = "document",
    }
}

/// Whether two names of humans are one: by their letters and digits alone, wide forms as the plain
/// ones.
pub fn same_human(one: &str, two: &str) -> bool {
    letters(one) == letters(two)
}

/// Whether a text says anything: one letter or digit at least.
pub fn says_something(text: &str) -> bool {
    !letters(text).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_human_however_written() {
        // Goal: nobody is a second human by another spelling of the same name.
        assert!(same_human(" Ana Ruiz", "ana ruiz "));
        for other in ["Ana\u{200B} Ruiz", "ＡＮＡ Ruiz", "Ana Ruiz.", "Ana  Ruiz"] {
            assert!(same_human("Ana Ruiz", other), "{other}");
        }
        assert!(!same_human("Ana Ruiz", "Ana Ruis"));
        assert!(says_something("李") && !says_something("\u{200B} ."));
    }
}
