//! The invented partners of the tests of release.

/// Partners of these tests.
pub const PARTNERS: &[&str] = &[
    r#"
id = "program"
name = "A parent partner program"
role = "ppp"
mode = "live"
agreement = [
  { id = "1", kind = "contract_10850" }, { id = "2", kind = "baa" }, { id = "3", kind = "qsoa" },
  { id = "4", kind = "county_contract", with = "county" } ]
identifier = [{ system = "urn:org", value = "program" }]
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]
"#,
    r#"
id = "county"
name = "A county"
role = "cws"
county_fips = "06067"
mode = "live"
agreement = [
  { id = "1", kind = "contract_10850" }, { id = "2", kind = "baa" }, { id = "3", kind = "qsoa" } ]
identifier = [{ system = "urn:org", value = "county" }]
asserts = ["standing", "restraining_order"]
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]
[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]
purpose = "care_coordination"
related_by = ["county"]
https = { url = "https://county.example/inbox", retry_secs = [30, 120] }
"#,
    r#"
id = "clinic"
name = "A substance-use program"
role = "sud_program"
mode = "live"
identifier = [{ system = "urn:org", value = "clinic" }]
[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["service-referral"]
purpose = "treatment"
related_by = ["addressee"]
https = { url = "https://clinic.example/inbox" }
"#,
    r#"
id = "food-bank"
name = "A food bank"
role = "service_org"
mode = "live"
identifier = [{ system = "urn:org", value = "food-bank" }]
[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["service-referral"]
purpose = "care_coordination"
related_by = ["addressee"]
https = { url = "https://food-bank.example/inbox" }
"#,
];
