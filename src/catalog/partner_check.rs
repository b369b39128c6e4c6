//! What must be right in partner files before they are served: names that exist, channels that can
//! work, credentials that name one partner.
//!
//! It compares files with each other. It takes no decision, and has no clock: what runs out is told
//! by those who have one ([`expired`]).

use super::agreement::{BETWEEN_PARTNERS, KINDS};
use super::partner::{Channel, Direction, Mode, Partner};
use super::reads::Encoding;
use super::{SourceFile, Sources};
use crate::base::clock::Timestamp;
use crate::base::defect::Defect;
use crate::base::id::RecordType;
use crate::base::vocabulary::{DataClass, RecipientRole, SourceRole};
use std::collections::{BTreeMap, BTreeSet};

/// Data classes that name a kind of service.
const SERVICES: &[DataClass] = &[
    DataClass::MentalHealth,
    DataClass::SudPart2,
    DataClass::HivTest,
    DataClass::ReproductiveHealth,
    DataClass::GenderAffirmingCare,
    DataClass::DvInformation,
];

/// All defects of all partner files.
pub fn check(sources: &Sources) -> Vec<Defect> {
    let mut checker = Checker {
        sources,
        defects: Vec::new(),
    };
    for partner in sources.partners.values() {
        checker.partner(partner);
    }
    checker.shared_credentials();
    checker.defects
}

/// Agreements of partners in the test lane that have run out at `now`; a live partner's are
/// defects ([`super::fit`]).
pub fn expired(sources: &Sources, now: Timestamp) -> Vec<(&Partner, &str)> {
    let mut out = Vec::new();
    let test = |partner: &&Partner| partner.mode == Mode::Test;
    for partner in sources.partners.values().filter(test) {
        let over = partner
            .agreement
            .iter()
            .filter(|agreement| !agreement.holds_at(now));
        out.extend(over.map(|agreement| (partner, agreement.id.as_str())));
    }
    out
}

struct Checker<'a> {
    sources: &'a Sources,
    defects: Vec<Defect>,
}

impl Checker<'_> {
    /// A defect at the first place of a text in the partner's file.
    fn wrong(&mut self, partner: &Partner, near: &str, code: &'static str, message: String) {
        let path = format!("mappings/partners/{}.toml", partner.id);
        let span = |file: &SourceFile| {
            let at = file.text.find(near).filter(|_| !near.is_empty())?;
            Some(at..at + near.len())
        };
        self.defects.push(match self.sources.files.get(&path) {
            Some(file) => file.defect(span(file), code, message),
            None => super::files::whole(&path, code, message),
        });
    }

    /// It asserts only what there is and its role may.
    fn asserted(&mut self, partner: &Partner) {
        for id in &partner.asserts {
            let (code, message) = match (self.sources.facts.kind(id), partner.source_role()) {
                (None, _) => (
                    "partner-fact-unknown",
                    format!("`{id}` is no kind of fact of `policies/facts.toml`"),
                ),
                (Some(kind), role) if !role.is_some_and(|role| kind.may_be_asserted_by(role)) => (
                    "partner-fact-not-its-own",
                    format!("a partner of role `{}` may not assert `{id}`", partner.role),
                ),
                _ => continue,
            };
            self.wrong(partner, &format!("\"{id}\""), code, message);
        }
    }

    fn partner(&mut self, partner: &Partner) {
        let source = partner.role.parse::<SourceRole>().is_ok();
        let recipient = partner.role.parse::<RecipientRole>().is_ok();
        if !source && !recipient {
            let message = format!(
                "`{}` is no role; those who send are: {}; those who receive are: {}",
                partner.role,
                words(SourceRole::ALL, SourceRole::as_str),
                words(RecipientRole::ALL, RecipientRole::as_str),
            );
            self.wrong(partner, &partner.role, "partner-role-unknown", message);
        }
        if let Some(fips) = partner
            .county_fips
            .as_deref()
            .filter(|fips| !is_county(fips))
        {
            let message = "a county is 06001 to 06115, odd".to_owned();
            self.wrong(partner, fips, "partner-county-invalid", message);
        }
        self.agreements(partner);
        for name in &partner.identifier_authority {
            let assigned = name.contains(':') && !name.contains('|');
            if !assigned && !self.sources.statewide.contains(name) {
                let message = format!("`{name}` is no identifier that holds statewide and no URI");
                self.wrong(partner, name, "partner-identifier-unknown", message);
            }
        }
        self.asserted(partner);
        for class in &partner.service_classes {
            if !SERVICES.contains(class) {
                let message = format!("`{class}` names no kind of service");
                let code = "partner-service-class-invalid";
                self.wrong(partner, class.as_str(), code, message);
            }
        }
        self.credentials(partner);
        let mut names = BTreeSet::new();
        for channel in &partner.channel {
            let name = channel
                .name
                .as_ref()
                .map(|name| name.as_str())
                .unwrap_or_default();
            if !names.insert(name) {
                let message = format!("two channels are called `{name}`");
                self.wrong(partner, name, "partner-channel-twice", message);
            }
            self.channel(partner, channel, name);
            let sends = channel.direction == Direction::In;
            if (source || recipient) && ((sends && !source) || (!sends && !recipient)) {
                let verb = if sends { "disclose" } else { "receive" };
                let message = format!("a `{}` does not {verb}", partner.role);
                self.wrong(partner, &partner.role, "partner-role-direction", message);
            }
        }
    }

    /// Each is of a kind there is, and with whom such a one can be.
    fn agreements(&mut self, partner: &Partner) {
        for agreement in &partner.agreement {
            let kind = agreement.kind.as_str();
            let (near, code, message) = match &agreement.with {
                _ if !KINDS.contains(&kind) => (
                    kind,
                    "partner-agreement-unknown",
                    format!("`{kind}` is no kind of agreement"),
                ),
                None if BETWEEN_PARTNERS.contains(&kind) => (
                    agreement.id.as_str(),
                    "partner-agreement-with-nobody",
                    format!("a `{kind}` is with another partner: name it, with = \"its id\""),
                ),
                Some(_) if kind != "qsoa" && !BETWEEN_PARTNERS.contains(&kind) => (
                    agreement.id.as_str(),
                    "partner-agreement-with-operator",
                    format!("a `{kind}` is with the gateway's operator: leave `with` out"),
                ),
                Some(with) if !self.sources.partners.contains_key(with) => (
                    with.as_str(),
                    "partner-agreement-with-unknown",
                    format!("`{with}` is no partner's id"),
                ),
                _ => continue,
            };
            self.wrong(partner, near, code, message);
        }
    }

    fn credentials(&mut self, partner: &Partner) {
        for credential in &partner.credential {
            if credential.mtls.is_none() && credential.token_sha256.is_none() {
                let message = "a credential is `mtls` or `token_sha256`".to_owned();
                self.wrong(
                    partner,
                    "[[credential]]",
                    "partner-credential-empty",
                    message,
                );
            }
            let digests = [
                credential.token_sha256.as_deref(),
                credential
                    .mtls
                    .as_ref()
                    .map(|mtls| mtls.issuer_sha256.as_str()),
            ];
            for digest in digests.into_iter().flatten() {
                if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
                    let message = "a SHA-256 is 64 hexadecimal digits".to_owned();
                    self.wrong(partner, digest, "partner-credential-invalid", message);
                }
            }
        }
    }

    fn channel(&mut self, partner: &Partner, channel: &Channel, name: &str) {
        let format = &channel.format;
        if !self.sources.formats.contains_key(format) {
            let message = format!("there is no format `{format}`");
            self.wrong(partner, format.as_str(), "partner-format-unknown", message);
        } else {
            for record in &channel.records {
                let identity = self
                    .sources
                    .formats
                    .get(format)
                    .is_some_and(|f| f.body.identity);
                let mut all = self.sources.mappings.iter();
                let mapped_as = self.sources.mapped_as(format);
                let mapped = all.any(|m| m.format == *mapped_as && m.record == *record);
                let known = mapped || (identity && self.is_record(record.as_str()));
                if !known {
                    let message = format!("`{format}` has no mapping of `{record}`");
                    self.wrong(partner, record.as_str(), "partner-record-unknown", message);
                }
            }
        }
        let known = self.sources.formats.get(format);
        let (open, only) = match channel.direction {
            Direction::In => (known.is_none_or(|it| it.is_read()), "written, never read"),
            _ => (
                known.is_none_or(|it| it.is_written()),
                "read, never written",
            ),
        };
        if !open {
            let message = format!("channel `{name}`: `{format}` is only {only}");
            self.wrong(partner, name, "partner-channel-invalid", message);
        }
        if channel.records.is_empty() {
            let message = format!("channel `{name}` carries no record type");
            self.wrong(partner, name, "partner-channel-empty", message);
        }
        self.needs(partner, channel, name);
        for message in super::fill::wrong(self.sources, channel) {
            let message = format!("channel `{name}`: {message}");
            self.wrong(partner, name, "partner-channel-invalid", message);
        }
        self.joined(partner, channel, name);
        self.way(partner, channel, name);
        self.written(partner, channel, name);
        self.reads(partner, channel, name);
    }

    /// What is pulled stands beside others in one file.
    fn joined(&mut self, partner: &Partner, channel: &Channel, name: &str) {
        let format = self.sources.formats.get(&channel.format);
        let joined = format.is_none_or(|format| format.body.syntax.is_joined());
        if channel.direction == Direction::Pull && !joined {
            let message = format!(
                "channel `{name}`: the files of a pull are lines of JSON or rows, and a document \
                 of `{}` is neither: send it (direction = \"out\"), or pull another format",
                channel.format,
            );
            self.wrong(partner, name, "partner-channel-invalid", message);
        }
    }

    /// What it needs of a record is a place that all its record types have.
    fn needs(&mut self, partner: &Partner, channel: &Channel, name: &str) {
        let Some(path) = &channel.needs else {
            return;
        };
        let schemas = &self.sources.schemas;
        let lacks = |record: &&RecordType| {
            let shape = schemas.get(&format!("canonical/{record}.schema.json"));
            shape.is_none_or(|shape| path.contains('[') || shape.at(path).is_none())
        };
        if channel.direction == Direction::In || channel.records.iter().any(|it| lacks(&it)) {
            let message =
                format!("channel `{name}`: `needs` is no place of every record it takes out");
            self.wrong(partner, name, "partner-channel-invalid", message);
        }
    }

    /// What it is to be sent in is a form the format is written in.
    fn written(&mut self, partner: &Partner, channel: &Channel, name: &str) {
        let Some(media) = &channel.media_type else {
            return;
        };
        let format = self.sources.formats.get(&channel.format);
        let forms = format.into_iter().flat_map(|format| {
            let more = format.body.xml_form.iter();
            let more = more.flat_map(|form| &form.as_ref().media_types);
            format.body.media_types.first().into_iter().chain(more)
        });
        let forms: Vec<&str> = forms.map(String::as_str).collect();
        let message = match channel.direction {
            Direction::Out if forms.iter().any(|known| known == media) => return,
            Direction::Out => format!("it is sent as one of: {}", forms.join(", ")),
            Direction::In => "an in-channel takes every media type of its format".to_owned(),
            Direction::Pull => "the files of a pull are lines or rows, in no other form".to_owned(),
        };
        let message = format!("channel `{name}`: `media_type`: {message}");
        self.wrong(partner, media, "partner-channel-invalid", message);
    }

    /// What it declares of the sender's spreadsheet can be followed.
    fn reads(&mut self, partner: &Partner, channel: &Channel, name: &str) {
        let Some(reads) = &channel.reads else {
            return;
        };
        let mut wrong = reads.wrong();
        if channel.direction != Direction::In {
            wrong.push("`reads` is for in-channels".to_owned());
        }
        wrong.extend(super::clash::wrong(self.sources, channel, reads));
        let format = self.sources.formats.get(&channel.format);
        if format.is_some_and(|format| !format.body.syntax.is_tabular()) {
            wrong.push("`reads` is for formats of rows and cells".to_owned());
        }
        let book = format.is_some_and(|format| !format.is_written());
        if book && (reads.delimiter.is_some() || reads.encoding != Encoding::Utf8) {
            wrong.push("`encoding` and `delimiter` mean nothing in a workbook".to_owned());
        }
        for message in wrong {
            let message = format!("channel `{name}`: {message}");
            self.wrong(partner, name, "partner-channel-invalid", message);
        }
    }

    fn is_record(&self, record: &str) -> bool {
        self.sources
            .schemas
            .contains_key(&format!("canonical/{record}.schema.json"))
    }

    /// What a channel of one direction needs and what means nothing to it.
    fn way(&mut self, partner: &Partner, channel: &Channel, name: &str) {
        let mut wrong = |is: bool, message: &str| {
            if is {
                let message = format!("channel `{name}`: {message}");
                self.wrong(partner, name, "partner-channel-invalid", message);
            }
        };
        let out = channel.direction == Direction::Out;
        let closed = channel.classes.as_ref().is_some_and(|open| {
            let mut declared = partner.service_classes.iter();
            declared.any(|class| !open.contains(class))
        });
        wrong(
            closed,
            "`classes` leaves out one of the partner's `service_classes`",
        );
        match channel.direction {
            Direction::In => wrong(channel.purpose.is_some(), "an in-channel has no purpose"),
            Direction::Out | Direction::Pull => {
                wrong(channel.purpose.is_none(), "give the purpose of use");
                wrong(channel.classes.is_some(), "`classes` is for in-channels");
                wrong(
                    channel.service_source.is_some(),
                    "`service_source` is for in-channels",
                );
            }
        }
        wrong(
            out && channel.https.is_none(),
            "an out-channel needs `https`",
        );
        wrong(
            out && channel.related_by.is_empty(),
            "give `related_by`: nothing would be sent",
        );
        wrong(
            !out && channel.https.is_some(),
            "`https` is for out-channels",
        );
        wrong(!out && channel.recall, "`recall` is for out-channels");
        let private = partner.recipient_role().filter(|role| role.is_private());
        wrong(
            channel.recall && private.is_some(),
            "`recall` is not for a parent, guardian, caregiver or intimate partner: a notice is \
             never sent to them, a person tells them (work item `recall-by-hand`)",
        );
        if let Some(https) = &channel.https {
            let secure = https.url.starts_with("https://");
            wrong(!secure, "the address begins with https://");
            wrong(https.in_flight_max == 0, "`in_flight_max` is at least 1");
            wrong(
                https.retry_secs.is_empty(),
                "`retry_secs` holds at least one wait",
            );
        }
    }

    /// A credential of two partners names neither.
    fn shared_credentials(&mut self) {
        let mut seen: BTreeMap<String, &Partner> = BTreeMap::new();
        let mut twice = Vec::new();
        for partner in self.sources.partners.values() {
            for credential in &partner.credential {
                let token = credential.token_sha256.clone();
                let mtls = credential.mtls.as_ref();
                let mtls = mtls.map(|it| format!("{} {}", it.issuer_sha256, it.san));
                for key in [token, mtls].into_iter().flatten() {
                    if seen
                        .insert(key, partner)
                        .is_some_and(|other| other.id != partner.id)
                    {
                        twice.push(partner);
                    }
                }
            }
        }
        for partner in twice {
            let message = "another partner has the same credential".to_owned();
            self.wrong(
                partner,
                "[[credential]]",
                "partner-credential-shared",
                message,
            );
        }
    }
}

/// 06001 to 06115, odd: the counties of California.
fn is_county(fips: &str) -> bool {
    let number = fips.strip_prefix("06").filter(|rest| rest.len() == 3);
    let number = number.and_then(|rest| rest.parse::<u32>().ok());
    number.is_some_and(|number| number <= 115 && number % 2 == 1)
}

/// The words of a list, as a message tells them.
fn words<T: Copy>(list: &[T], word: fn(T) -> &'static str) -> String {
    let words: Vec<&str> = list.iter().map(|one| word(*one)).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    //! Goal: what cannot work is told before it is served. Method: one broken file per check.
    use super::*;
    use crate::catalog::files;
    use std::collections::BTreeMap;

    fn defects(text: &str) -> Vec<Defect> {
        let (mut all, mut defects) = files::read(&[]);
        let path = "mappings/partners/p.toml".to_owned();
        let file = SourceFile {
            path: path.clone(),
            text: text.to_owned(),
            overlay: true,
            shipped: None,
        };
        all.retain(|path, _| !path.starts_with("mappings/partners/"));
        all.insert(path, file);
        let before: BTreeMap<_, _> = all.clone();
        let sources = crate::catalog::from_files(before, &mut defects);
        assert!(sources.files.contains_key("mappings/partners/p.toml"));
        defects.retain(|defect| defect.file.ends_with("/p.toml"));
        defects
    }

    fn codes(text: &str) -> Vec<&'static str> {
        let mut out: Vec<&str> = defects(text).iter().map(|defect| defect.code).collect();
        out.dedup();
        out
    }

    const GOOD: &str = "id = \"p\"\nname = \"P\"\nrole = \"ppp\"\nmode = \"test\"\n\
        [[channel]]\nname = \"c\"\ndirection = \"out\"\nformat = \"kinbridge-json/1.0\"\n\
        records = [\"person\"]\npurpose = \"treatment\"\nrelated_by = [\"team\"]\n\
        https = { url = \"https://p.example/in\" }\n";

    #[test]
    fn a_good_file_has_no_defect() {
        assert!(codes(GOOD).is_empty(), "{:?}", codes(GOOD));
    }

    #[test]
    fn what_cannot_stand_beside_others_in_a_file_is_not_pulled() {
        for (format, good) in [
            ("kinbridge-json/1.0", true),
            ("fhir-r4/4.0", true),
            ("provider-csv/1.0", true),
            ("county-niem/1.0", false),
            ("hl7v2/2.5.1", false),
        ] {
            let text = GOOD.replacen("\"out\"", "\"pull\"", 1);
            let text = text.replacen("kinbridge-json/1.0", format, 1);
            let text = text.split("https").next().unwrap_or_default();
            let told = defects(text);
            let told = told.iter().any(|it| it.message.contains("files of a pull"));
            assert_eq!(told, !good, "{format}");
        }
    }

    #[test]
    fn an_unknown_word_is_told_with_those_there_are() {
        for (from, to, words) in [
            (
                "\"ppp\"",
                "\"friend\"",
                ["health_provider", "caregiver", "dv_program"],
            ),
            (
                "\"treatment\"",
                "\"subject_access\"",
                [
                    "`subject_access` is not a purpose of use",
                    "parent_access",
                    "treatment",
                ],
            ),
        ] {
            let found = defects(&GOOD.replacen(from, to, 1));
            let told: String = found.iter().map(|defect| defect.message.as_str()).collect();
            for word in words {
                assert!(told.contains(word), "{word}: {told}");
            }
        }
    }

    #[test]
    fn what_cannot_work_is_told() {
        for (from, to, code) in [
            (
                "role = \"ppp\"",
                "role = \"friend\"",
                "partner-role-unknown",
            ),
            (
                "kinbridge-json/1.0",
                "smoke-signals/1.0",
                "partner-format-unknown",
            ),
            ("\"person\"", "\"letter\"", "partner-record-unknown"),
            (
                "name = \"P\"",
                "name = \"P\"\nservice_classes = [\"demographics\"]",
                "partner-service-class-invalid",
            ),
            ("purpose = \"treatment\"\n", "", "partner-channel-invalid"),
            ("https://p", "http://p", "partner-channel-invalid"),
            (
                "purpose =",
                "service_source = \"case\"\npurpose =",
                "partner-channel-invalid",
            ),
            ("\"out\"", "\"in\"", "partner-channel-invalid"),
            (
                "name = \"P\"",
                "name = \"P\"\ncounty_fips = \"06002\"",
                "partner-county-invalid",
            ),
            ("id = \"p\"", "id = \"q\"", "partner-id-mismatch"),
            (
                "role = \"ppp\"\nmode = \"test\"\n[[channel]]",
                "role = \"caregiver\"\nmode = \"test\"\n[[channel]]\nrecall = true",
                "partner-channel-invalid",
            ),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert!(codes(&text).contains(&code), "{code}: {:?}", codes(&text));
        }
    }
}
