//! Every finding code there is: the one table behind `docs/findings.md`.
//!
//! A code is never renamed or reused. Messages and fixes here speak of kinds, never of values.

use super::finding::Severity;

/// One code: what it means and what a sender does about it.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeEntry {
    /// Stable kebab-case code.
    pub code: &'static str,
    /// The severity it has unless a partner file raises it.
    pub severity: Severity,
    /// What is wrong, one sentence without a value.
    pub message: &'static str,
    /// What to do.
    pub fix: &'static str,
}

macro_rules! codes {
    ($($name:ident = $code:literal, $severity:ident, $message:literal, $fix:literal;)*) => {
        $(#[doc = $message] pub static $name: CodeEntry = CodeEntry {
            code: $code, severity: Severity::$severity, message: $message, fix: $fix,
        };)*
        /// All codes, in the order of this file.
        pub static ALL: &[&CodeEntry] = &[$(&$name),*];
    };
}

codes! {
    SYNTAX_INVALID = "syntax-invalid", Error,
        "the document is not well formed here",
        "correct the syntax at this place and send the file again";
    ENCODING_INVALID = "encoding-invalid", Error,
        "the text is not in the encoding of the file here: UTF-8, unless declared otherwise",
        "save the file as UTF-8 and send it again";
    DUPLICATE_KEY = "duplicate-key", Error,
        "the same name stands twice in one object",
        "keep one of the two; the gateway does not choose";
    DOCTYPE_REFUSED = "doctype-refused", Error,
        "the document declares a document type",
        "remove the DOCTYPE; entities and external subsets are never read";
    DEPTH_EXCEEDED = "depth-exceeded", Error,
        "the document is nested too deeply",
        "flatten it; the limit is 64 levels";
    SIZE_EXCEEDED = "size-exceeded", Error,
        "the document or one of its parts is too large",
        "split it into smaller files";
    CONTROL_CHARACTER = "control-character", Error,
        "the text holds a character that may not stand in text",
        "remove control characters; only tab and line breaks may stand in text";
    XML_ROOT_UNEXPECTED = "xml-root-unexpected", Error,
        "the outermost element is not the one this format starts with",
        "send the document element the format's schema names, in its namespace";
    XML_NAMESPACE_UNEXPECTED = "xml-namespace-unexpected", Error,
        "the element is called as one read here, in a namespace this format does not have",
        "write it in the namespace of this format's version";
    ELEMENT_REPEATED = "element-repeated", Error,
        "the element stands more than once where it may stand once",
        "keep one of them; the gateway does not choose";
    XML_CONTENT_MISPLACED = "xml-content-misplaced", Error,
        "text or an element stands where the XML form of this format has no place for it",
        "write a value in the attribute that holds values, and nothing beside a node in its holder";
    MEDIA_TYPE_DIFFERS = "media-type-differs", Error,
        "the body is not what its media type says it is",
        "send the body under its own media type: XML as XML, JSON as JSON";
    SEGMENT_LATE = "segment-late", Warning,
        "the segment stands behind its place in the message and is read all the same",
        "send the segments in the order of the message structure";
    SEGMENT_MISPLACED = "segment-misplaced", Error,
        "the segment stands where the message structure has no place for it",
        "send the segments in the order of the message structure";
    ESCAPE_UNREAD = "escape-unread", Warning,
        "an escape sequence is not read: layout is left out, anything else is kept as it stands",
        "nothing, if it was layout; a backslash of the text itself is written \\E\\";
    INTERCHANGE_NOT_READ = "interchange-not-read", Error,
        "this is an X12 interchange, which is recognised and not read",
        "send records in a format the gateway reads; answers to claims go to whoever claims";
    CHARACTER_NOT_WRITABLE = "character-not-writable", Error,
        "the value holds a character this format cannot say: a sign between its parts, or a letter",
        "correct the value where it is kept, and send the record again";
    UNITS_MISMATCH = "units-mismatch", Warning,
        "the billed units do not follow from the minutes by the table of billed services",
        "correct the units or the minutes; the table is the county's to change";
    CERTIFICATION_NOT_IN_FORCE = "certification-not-in-force", Warning,
        "the service is paid only under a certification in force on its day, and none is shown",
        "add the certificate of whoever rendered it, with its first and last day";
    BILLED_FOR_SEVERAL = "billed-for-several", Warning,
        "a claim is for one patient, and the record is about several persons",
        "send one record for each patient, or leave out what is billed";
    BATCH_COUNT_MISMATCH = "batch-count-mismatch", Error,
        "the batch does not hold what its trailer says, or has no trailer",
        "send what is missing; the messages that are there have been read";
    NUMBER_NOT_EXACT = "number-not-exact", Error,
        "the number cannot be kept exactly",
        "send long identifiers and money as text";
    SCHEMA_REQUIRED_MISSING = "schema-required-missing", Error,
        "a required value is missing",
        "add it, or say in the record why it is missing";
    SCHEMA_UNKNOWN_FIELD = "schema-unknown-field", Error,
        "the field is not part of this record type",
        "check the spelling against the data dictionary, or remove it";
    WIRE_UNKNOWN_FIELD = "wire-unknown-field", Warning,
        "the field is not read by this format and is ignored",
        "nothing, if the county does not need it; otherwise ask for a mapping";
    SCHEMA_TYPE_MISMATCH = "schema-type-mismatch", Error,
        "the value has the wrong type",
        "send the type the data dictionary names";
    SCHEMA_VALUE_OUT_OF_RANGE = "schema-value-out-of-range", Error,
        "the value is outside the allowed range or length",
        "correct it to the range the data dictionary names";
    SCHEMA_PATTERN_MISMATCH = "schema-pattern-mismatch", Error,
        "the value does not have the required form",
        "correct it to the form the data dictionary names";
    SCHEMA_CODE_UNKNOWN = "schema-code-unknown", Error,
        "the code is not in the code set of this field",
        "use a code of the set, or ask for a crosswalk row";
    CROSSWALK_CODE_UNKNOWN = "crosswalk-code-unknown", Error,
        "the code has no row in the crosswalk of this field",
        "use a code of the crosswalk, or ask for a row";
    CROSSWALK_CODE_HELD = "crosswalk-code-held", Warning,
        "the code has no row in the crosswalk of this field, and the record waits for a person",
        "nothing; or use a code of the crosswalk and send the record again";
    WIRE_NODE_UNUSED = "wire-node-unused", Warning,
        "a part of the document belongs to no record and is ignored",
        "nothing, if the county does not need it; otherwise refer to it from a record";
    CONSENT_ELSEWHERE = "consent-elsewhere", Warning,
        "a consent in the document is not lodged by sending it here",
        "lodge it: PUT /v1/consents/{id}, or POST /fhir/Consent; records name it by its id";
    CONSENT_ELEMENT_MISSING = "consent-element-missing", Warning,
        "the form does not show an element its kind asks for, and the consent does not count",
        "have the form completed and signed again, or name the element among those it shows";
    CONSENT_END_MISSING = "consent-end-missing", Warning,
        "the consent says neither a day nor an event it ends with, and does not count",
        "give an end, or an ending event where the kind allows one";
    CONSENT_EVENT_UNFIT = "consent-event-unfit", Warning,
        "a consent of this kind does not end with this event",
        "give an end date, or an event the kind allows";
    CONSENT_COMBINED = "consent-combined", Warning,
        "a consent of this kind stands alone, and this one names something else besides",
        "have it signed on a form of its own";
    CONSENT_COERCED = "consent-coerced", Warning,
        "the consent may have been signed under pressure, and does not count",
        "have it signed again, freely";
    CONSENT_SIGNER_UNFIT = "consent-signer-unfit", Warning,
        "this signer opens nothing with a consent of this kind",
        "have it signed by whoever may sign this kind";
    CONSENT_OPENS_NOTHING = "consent-opens-nothing", Warning,
        "a consent of this kind opens none of the classes it names",
        "name classes its kind opens, or use another kind";
    CONSENT_EXCHANGE_ONLY = "consent-exchange-only", Warning,
        "a permission of this kind counts only in an exchange families opt into",
        "lodge a release of another kind; a refusal of this kind counts everywhere";
    CONSENT_NOT_IN_FORCE = "consent-not-in-force", Warning,
        "by its dates the consent does not count today",
        "nothing, if it is to begin later; otherwise have a new one signed";
    CONSENT_UNCONFIRMED = "consent-unconfirmed", Information,
        "it opens no other partner's data until that partner or the county has confirmed it",
        "ask the source of the data, or the county, to confirm it by its registry id";
    CONSENT_NOT_REPRESENTABLE = "consent-not-representable", Error,
        "this part of a consent cannot be kept exactly as it says, and none is read wider",
        "say it by what the registry keeps, or lodge the consent without this part";
    QUESTION_MEMBER_UNKNOWN = "question-member-unknown", Error,
        "a member of the question has a name nobody knows there",
        "leave it out; what a question may say is in /openapi.json and the shipped cases";
    CONSENT_WIDENED = "consent-widened", Warning,
        "this limit of a refusal cannot be kept, so the refusal closes more than it says",
        "nothing, if that may be; otherwise say the limit by what the registry keeps";
    WIRE_ITEM_UNUSED = "wire-item-unused", Warning,
        "the list holds more items than this format reads, and the rest is ignored",
        "nothing, if the county does not need it; otherwise ask for a mapping";
    DATE_IMPOSSIBLE = "date-impossible", Error,
        "the date or time does not exist",
        "correct it; dates are YYYY, YYYY-MM or YYYY-MM-DD";
    DATE_IN_FUTURE = "date-in-future", Error,
        "the date lies in the future",
        "correct it; a paper counts from the day it was signed";
    BIRTH_DATE_IMPOSSIBLE = "birth-date-impossible", Error,
        "nobody was born on this day: it lies in the future, or more than 200 years back",
        "correct it; of a child not yet born, and where it is not known, leave it out";
    EVENT_FAR_AHEAD = "event-far-ahead", Error,
        "what is told as done lies more than a year ahead",
        "correct the year; what is planned stands in the fields for plans";
    REFERENCE_DANGLING = "reference-dangling", Error,
        "the reference points to nothing in this submission, and a required value depends on it",
        "include what it refers to in the same file";
    REFERENCE_UNRESOLVED = "reference-unresolved", Warning,
        "the reference points to nothing in this submission",
        "include what it refers to if the county needs it";
    REFERENCE_AMBIGUOUS = "reference-ambiguous", Error,
        "the reference could mean more than one part of this submission",
        "name each part in full, with its server, and refer to it by that name";
    ID_REPEATED = "id-repeated", Error,
        "two parts of the document have the same id",
        "give each its own id; a reference to it could mean either";
    RECORD_CONTRADICTED = "record-contradicted", Error,
        "another record of the submission has this id and says something else",
        "put it all into one record (its rows below each other), or give each its own id";
    RECORD_TYPE_UNKNOWN = "record-type-unknown", Error,
        "no record type of this channel was found here",
        "send one of the record types the channel is open for";
    DATA_CLASS_REFUSED = "data-class-refused", Error,
        "the record holds a kind of data this gateway never accepts",
        "do not send it here; nothing of the record was kept";
    OPERATOR_AGREEMENT_MISSING = "operator-agreement-missing", Error,
        "the channel has no operator agreement for a kind of data in the record",
        "leave that data out, or have the agreement added to the partner file";
    DATA_CLASS_STRIPPED = "data-class-stripped", Warning,
        "the record holds a kind of data this gateway takes out",
        "do not send it; it was removed and neither kept nor sent";
    DATA_CLASS_NOT_ON_CHANNEL = "data-class-not-on-channel", Error,
        "the record holds a kind of data this channel is not open for",
        "leave that data out, or have the class added to the channel in the partner file";
    RELEASE_NEEDED = "release-needed", Error,
        "a record of this sender is taken only under a release that names the gateway's operator",
        "lodge a release of a person of the record and name it in the record's consent references";
    SERVICE_SOURCE_UNKNOWN = "service-source-unknown", Warning,
        "the record does not say where the work with the family comes from, and waits for a person",
        "say case, referral or prevention, or have it declared for the channel in the partner file";
    HEADER_INVALID = "header-invalid", Error,
        "the header row is missing, repeated or has a column twice",
        "start the file with the header of the template, each column once";
    ROW_LENGTH_MISMATCH = "row-length-mismatch", Error,
        "the row has more or fewer cells than the header",
        "quote cells that hold the delimiter or a line break";
    MARK_EMPTY = "mark-empty", Error,
        "the column says who may see the row, and the row leaves it empty",
        "write one of the words of the column into every row";
    COLUMN_STRIPPED = "column-stripped", Warning,
        "columns of the table hold what this gateway takes out at the door",
        "leave them out of the extract; nothing of them was kept";
    COLUMN_LIKE_STRIPPED = "column-like-stripped", Warning,
        "a column that is not read looks like one this gateway takes out at the door",
        "leave it out of the extract; nothing of it was kept";
    VALUE_INCOMPLETE = "value-incomplete", Warning,
        "the value stands in two columns and one of them is empty, so it is not read",
        "fill both, or leave both empty";
    WORKBOOK_UNREADABLE = "workbook-unreadable", Error,
        "the file is not a workbook (.xlsx)",
        "save it as .xlsx in the spreadsheet program, or send .csv by the channel of that format";
    WORKBOOK_LOCKED = "workbook-locked", Error,
        "the workbook is protected by a password, or of the old .xls format",
        "save it as .xlsx without a password";
    SHEET_HIDDEN = "sheet-hidden", Warning,
        "the sheet is hidden in the spreadsheet program, and its rows are read like all others",
        "show the sheet and look at its rows; delete it if they are not meant to be sent";
    ROW_BLANK = "row-blank", Error,
        "the row has cells and says nothing in any of them",
        "delete the empty rows and save again, or have `blank_rows` declared in the partner file";
    CELL_ERROR_WORD = "cell-error-word", Error,
        "the cell holds an error of the spreadsheet in place of a value",
        "mend or empty the cell, or have `error_words` declared in the partner file";
    CELL_NOT_COMPUTED = "cell-not-computed", Error,
        "the cell holds a formula that was saved without its value",
        "open the file in the spreadsheet program, let it compute and save it again";
    CELL_DATE_NOTATION = "cell-date-notation", Error,
        "the date is in a spreadsheet's notation, which does not say what is day and what is month",
        "format the column as YYYY-MM-DD, or have `dates` declared in the partner file";
    CELL_TIME_NOTATION = "cell-time-notation", Error,
        "the time is in the 12-hour notation of a spreadsheet",
        "write 24 hours and the offset, or have `times` and `zone` declared in the partner file";
    CELL_TIME_ZONE = "cell-time-zone", Error,
        "the time does not say of which zone it is",
        "write the offset behind it, or have `zone` declared in the partner file";
    CELL_TIME_CLOCK_CHANGE = "cell-time-clock-change", Error,
        "the clocks change at this time: it happens twice in its zone, or never",
        "write the time with its offset";
    CELL_ZEROS_LOST = "cell-zeros-lost", Error,
        "zeros in front of the number are missing, as a spreadsheet drops them",
        "format the column as text and type it again, or have `leading_zeros` declared for you";
    CELL_EXPONENT = "cell-exponent", Error,
        "the number is shortened to a power of ten, as a spreadsheet shows long numbers",
        "format the column as text and paste the whole number again";
    CELL_DIGITS_ROUNDED = "cell-digits-rounded", Warning,
        "the number was shortened to a power of ten, and its last digits are taken for zeros",
        "format the column as text and send the whole number again, if its digits matter";
    ROWS_DISAGREE = "rows-disagree", Error,
        "rows of one record say different things where one thing can hold",
        "say it in the first row or the same in every row; give another record another id";
    ROWS_NEED_REVIEW = "rows-need-review", Warning,
        "rows of one record name different persons it is about, and the record waits for a person",
        "nothing, if it is about all of them; otherwise give each record its own id";
    PERSON_DISAGREES = "person-disagrees", Error,
        "the same person is told twice, and differently",
        "tell each person once, or the same each time";
    IDENTIFIER_MISPLACED = "identifier-misplaced", Error,
        "an identifier that has a member of its own stands among the others",
        "move it to that member (`cin`, `cws_client_id`): there it has the classes it needs";
    PERSON_KEY_REPEATED = "person-key-repeated", Error,
        "two persons of the record have the same key",
        "give each person its own key, and use it in every reference";
    PERIOD_REVERSED = "period-reversed", Error,
        "the end is before the start",
        "correct the two; with different offsets compare them as instants";
    UPDATED_BEFORE_CREATED = "updated-before-created", Warning,
        "the record says it was updated before it was created",
        "check the clock or the export of the sending system";
    EVENT_TIME_MISSING = "event-time-missing", Warning,
        "the record is marked as entered late but does not say when it happened",
        "add the time of the event";
    MISSING_CONTRADICTED = "missing-contradicted", Error,
        "the record says why a value is missing, and has the value",
        "remove the reason or the value";
    LABEL_PATH_UNKNOWN = "label-path-unknown", Error,
        "a security label names a place the record does not have",
        "correct the path; a label that protects nothing is not taken";
    SECURITY_LABEL_UNKNOWN = "security-label-unknown", Error,
        "a security label stands over the record that the gateway cannot read",
        "use a sensitivity code the format lists; what a label protects is not guessed";
    MODIFIER_NOT_READ = "modifier-not-read", Error,
        "the value changes the meaning of what it stands in, and this format does not read it",
        "leave out what must not be read without it, or ask for a mapping";
    ITEM_NOT_READ = "item-not-read", Error,
        "nothing here reads this item, and it may say how the rest is to be taken",
        "write its code as the format's page has it, or leave the item out";
    RECORD_SEALED = "record-sealed", Warning,
        "the record is marked sealed, so nothing of it is released to anyone",
        "nothing, if that is meant; otherwise correct the access level";
    REPORT_BY_PHONE_FIRST = "report-by-phone-first", Error,
        "a child-abuse report is taken only as a copy of one made by phone",
        "call the county's child-abuse hotline, or 911 in danger, now; then send when you called, \
         the agency and the reference number it gave";
    REPORT_CALL_LONG_AGO = "report-call-long-ago", Warning,
        "the call was more than 30 days before this copy came, or before the child was born",
        "check the date of the call; the written report follows within 36 hours";
    SUBSTITUTE_ADDRESS_MISSING = "substitute-address-missing", Warning,
        "a person in the address confidentiality program has no substitute address in the record",
        "add the program's substitute address; without it no address of the household is released";
    DURATION_MISMATCH = "duration-mismatch", Error,
        "the duration does not agree with start and end",
        "correct one of the three; the duration is elapsed minutes";
    DURATION_CLOCK_CHANGE = "duration-clock-change", Warning,
        "the duration agrees with the clock but not with the offsets across a change of clocks",
        "check the offsets of start and end on the day the clocks change";
    ACTIVITY_MINUTES_EXCEEDED = "activity-minutes-exceeded", Warning,
        "the minutes of the activities add up to more than the contact",
        "correct the minutes, or send activities that overlap without minutes";
    INTERPRETER_NOT_QUALIFIED = "interpreter-not-qualified", Warning,
        "interpretation was given without a qualified interpreter",
        "say which kind of interpreter it was; family members and children should not interpret";
    CHECK_REPORTING_DUTY = "check-reporting-duty", Warning,
        "a safety concern was disclosed and no report is recorded",
        "check whether a mandated report is due; only you see this warning";
    GROUP_MODE_MISMATCH = "group-mode-mismatch", Warning,
        "the contact has details of a group but another mode",
        "set the mode to group, or leave the group out";
    STATUS_HISTORY_UNORDERED = "status-history-unordered", Error,
        "the status history is not in the order of its times",
        "list the changes of status from the oldest to the newest";
    STATUS_HISTORY_MISMATCH = "status-history-mismatch", Error,
        "the last entry of the status history is not the status of the referral",
        "add the last change to the history, or correct the status";
    STATUS_AFTER_END = "status-after-end", Warning,
        "the status history goes on after a status that ends the referral",
        "send a new referral, or correct the history";
    LOOP_CLOSED_EARLY = "loop-closed-early", Warning,
        "the loop is said to be closed while the referral has not ended",
        "correct the status, or leave the closing time out until it ends";
    OUTCOME_CONTRADICTED = "outcome-contradicted", Warning,
        "the outcome does not fit the status of the referral",
        "correct the outcome or the status";
    REFERRAL_DRAFT = "referral-draft", Error,
        "the referral is a draft, and a draft goes to nobody",
        "send it once it is requested";
    VOID_UNKNOWN = "void-unknown", Warning,
        "no record of this id was received, so there is nothing to take back and nothing goes out",
        "check the id; it is the one the record was sent with";
    RECORD_REPEATED = "record-repeated", Warning,
        "the id stands far apart in the submission with different content: the later one waits",
        "give each record its own id; rows of one record stand one below the other";
    CORRECTION_UNKNOWN = "correction-unknown", Warning,
        "the record says it changes an earlier one, and none of its id was received",
        "check the id; the record was taken as a new one";
    SUPERSEDED_UNKNOWN = "superseded-unknown", Warning,
        "the record replaces one of an id that was never received",
        "check the id it names; it is the one the other record was sent with";
    REFERRAL_CONSENT_MISSING = "referral-consent-missing", Information,
        "the referral names no consent",
        "name it, or lodge it in the consent registry, so that the loop can be closed";
    REFERENCE_TO_SELF = "reference-to-self", Error,
        "the value refers to what it stands in",
        "refer to another person or record";
    FATHER_STATUS_MISPLACED = "father-status-misplaced", Warning,
        "a father status stands beside a relationship that is not a father's",
        "move it to the father's relationship";
    ALLEGED_FATHER_RIGHTS = "alleged-father-rights", Warning,
        "an alleged father is given a parent's right",
        "check the court order; an alleged father is served and invited, without parent access";
    ICWA_STATUS_UNATTRIBUTED = "icwa-status-unattributed", Error,
        "the status of the inquiry does not say whose word it is",
        "name the agency's or court's role; a partner program leaves the status out";
    ICWA_NOT_DETERMINED = "icwa-not-determined", Error,
        "the status says a court determined it, and no determination of a court is there",
        "give the determination and the court as whose word it is, or what was known before it";
    ICWA_STATUS_CONTRADICTED = "icwa-status-contradicted", Error,
        "the status of the inquiry contradicts a determination or a tribe's answer beside it",
        "correct the status; an inquiry with no reason so far is open again when a tribe answers";
    ICWA_ANSWER_UNFOLLOWED = "icwa-answer-unfollowed", Warning,
        "somebody says there is Indian ancestry and the status does not follow it",
        "look whether further inquiry is due; the duty to ask does not end";
    ICWA_NOTICE_MISSING = "icwa-notice-missing", Warning,
        "there is reason to know of an Indian child, and no notice stands in the record",
        "send notice to the parents, the Indian custodian and the tribes, or record it";
    STEPS_UNORDERED = "steps-unordered", Error,
        "the step is before one that comes first",
        "correct the times: asked for, accepted, first contact, end";
    ASSIGNMENT_END_UNEXPLAINED = "assignment-end-unexplained", Warning,
        "the end of the assignment and the reason for it do not stand together",
        "give both, or neither while it goes on";
    ASSIGNMENT_NOT_DECLINED = "assignment-not-declined", Warning,
        "the assignment is said to be declined and was taken up",
        "leave the reason out, or what shows that it began";
    ASSIGNMENT_WITHOUT_PARTNER = "assignment-without-partner", Warning,
        "the assignment was taken up and names no partner",
        "name the partner among the persons of the record";
    BROKER_COMMUNITY_MISPLACED = "broker-community-misplaced", Warning,
        "a community stands beside a role that speaks for none",
        "correct the role, or leave the community out";
    CHOICE_NOT_ASKED = "choice-not-asked", Warning,
        "the family's wishes are given, and the family is said not to have been asked",
        "correct one of the two";
    FEEDBACK_CONTRADICTED = "feedback-contradicted", Error,
        "feedback is said not to have been given, and what it said is given",
        "correct one of the two";
    MEETING_LATE = "meeting-late", Warning,
        "the meeting is later than what it was due by allows",
        "check the dates and why it was due; say in the record why it was late";
    MEETING_BEFORE_SCHEDULED = "meeting-before-scheduled", Warning,
        "the meeting was held before it was to be held",
        "correct one of the two times";
    MEETING_NOT_HELD = "meeting-not-held", Warning,
        "people are said to have taken part in a meeting that was not held",
        "say when it was held, or leave out who attended";
    MEETING_RELEASE_MISSING = "meeting-release-missing", Information,
        "the meeting was held and names no release under WIC 832",
        "name it, or lodge it in the consent registry; without one little of the meeting goes out";
    NEXT_MEETING_BEFORE_THIS = "next-meeting-before-this", Error,
        "the next meeting is before this one",
        "correct the date of the next meeting";
    NEXT_MEETING_LATE = "next-meeting-late", Warning,
        "the next meeting is later than teams of this kind meet",
        "check the date: six months, or 90 days where services are intensive";
    ATTENDANCE_CONTRADICTED = "attendance-contradicted", Warning,
        "the record says elsewhere otherwise who took part",
        "correct one of the two places";
    ACTION_STEP_INCOMPLETE = "action-step-incomplete", Warning,
        "an action step has nobody who does it or no day by when",
        "add both, or close the step";
    ACTION_STEP_OVERDUE = "action-step-overdue", Warning,
        "an action step is due before the meeting that agreed on it",
        "correct the day it is due";
    ASSESSMENT_ITEM_REPEATED = "assessment-item-repeated", Error,
        "the item stands twice in the assessment",
        "keep one rating of each item, and one of each caregiver item for each caregiver block";
    ASSESSMENT_ITEM_FOREIGN = "assessment-item-foreign", Error,
        "the item is not on the age form of the assessment",
        "correct the age form or the item";
    ASSESSMENT_CAREGIVER_CONTRADICTED = "assessment-caregiver-contradicted", Error,
        "a caregiver is rated and the assessment says there is none",
        "leave the caregiver items out, or say that there is a caregiver";
    ASSESSMENT_CAREGIVER_MIXED = "assessment-caregiver-mixed", Error,
        "one caregiver block names two caregivers",
        "give each caregiver a block of their own";
    ASSESSMENT_INCOMPLETE = "assessment-incomplete", Warning,
        "the assessment is said to be complete, and an item has no rating or a caregiver no name",
        "rate every item of the form, or send it as in progress";
    ASSESSMENT_BEFORE_BIRTH = "assessment-before-birth", Error,
        "the assessment is dated before the birth of whom it is about",
        "correct the date of the assessment or the date of birth";
    ASSESSMENT_DELETED = "assessment-deleted", Error,
        "the assessment is deleted, and what is deleted goes to nobody",
        "take it back with the action void";
    CONFIDENTIAL_UNLABELLED = "confidential-unlabelled", Error,
        "a value is marked confidential, and nothing says of which kind it is",
        "label it, or what it stands in, with its data class as its format does, or leave it out";
    SCREENING_ITEM_UNKNOWN = "screening-item-unknown", Error,
        "the instrument has no question of this number",
        "correct the number or the instrument";
    SCREENING_TOTAL_MISMATCH = "screening-total-mismatch", Error,
        "the total is not the sum of the answers",
        "correct the total or the answers, or leave the total out";
    SCREENING_BLANKS_MISMATCH = "screening-blanks-mismatch", Error,
        "the number of blanks is not that of the questions without an answer",
        "correct it or the answers, or leave it out";
    SCREENING_NOT_VALID = "screening-not-valid", Error,
        "the screening is said to be valid with more blanks than the instrument allows",
        "correct the answers, or say that it is not valid";
    SCREENING_CUT_OFF_CONTRADICTED = "screening-cut-off-contradicted", Error,
        "what is said of the cut-off does not fit the total at this age",
        "correct it or the answers, or leave it out";
    SCREENING_AGE_UNUSUAL = "screening-age-unusual", Warning,
        "the instrument has no cut-off for the age of whom it is about",
        "check the date of the screening and the date of birth";
    TOTAL_UNLABELLED = "total-unlabelled", Error,
        "an answer has a label that the sum of the answers does not have",
        "give the sum the same label, or leave it out";
    SAFETY_PART_MISSING = "safety-part-missing", Error,
        "the item does not hold what its kind says it is",
        "add the tool, the statement, the plan or the member, or correct the kind";
    SAFETY_PART_UNEXPECTED = "safety-part-unexpected", Warning,
        "the item holds a part of another kind",
        "send each item of safety as a record of its own";
    SAFETY_RESULT_UNFIT = "safety-result-unfit", Error,
        "the tool has no such result",
        "correct the result or the tool";
    SAFETY_OVERRIDE_CONTRADICTED = "safety-override-contradicted", Error,
        "score, override and result contradict each other",
        "correct them; the result is what the override sets, and the score what it was before";
    SAFETY_TOOL_WITHDRAWN = "safety-tool-withdrawn", Warning,
        "the tool is no longer in use",
        "send results of the tools in use; what is there of old ones is kept";
    EPISODE_END_INCOMPLETE = "episode-end-incomplete", Error,
        "an episode ends with a date and a reason, and one of the two is missing",
        "give both, or neither while the child is still in care";
    EPISODE_DATE_OUTSIDE = "episode-date-outside", Error,
        "a date of the episode is before the removal or after the exit",
        "correct the date, or the removal or exit; another removal is another episode";
    EPISODE_UNORDERED = "episode-unordered", Error,
        "an entry of the episode is older than the one before it",
        "put the entries in the order of their dates, oldest first";
    JURISDICTIONS_OVERLAP = "jurisdictions-overlap", Error,
        "another county has jurisdiction before that of the county before it ended",
        "end the first county's jurisdiction no later than the next one's begins";
    REMOVED_BEFORE_BIRTH = "removed-before-birth", Error,
        "the child was removed before it was born",
        "correct the date of birth or of the removal";
    WORKFORCE_JOINED_TO_FAMILY = "workforce-joined-to-family", Error,
        "a record of a partner's work names a family's case or a focus child",
        "leave both out; a worker's record is never joined to a family";
    MEASURE_REPEATED = "measure-repeated", Error,
        "the measure stands twice for the same group",
        "keep one count of each measure and group";
    MEASURE_OVER_WHOLE = "measure-over-whole", Error,
        "more are counted than there are to count",
        "correct the count or what it is out of";
    MEASURE_GROUP_INCOMPLETE = "measure-group-incomplete", Error,
        "a group stands without what it is a group of, or the other way round",
        "give both, or neither for the whole";
    CELLS_SMALL = "cells-small", Warning,
        "a count under 11 stands in the record, or can be computed from what stands in it, and it \
         goes to nobody",
        "leave the count out, and whatever it can be computed from: of its total and the other \
         groups, or of what it is out of";
    FINDINGS_TRUNCATED = "findings-truncated", Information,
        "there are more findings than are listed",
        "mend these first and send the file again";
}
