//! The letter of connection: what a provider's own people can act on.

use super::answers::Answers;

/// What the letter needs beside the answers.
pub struct Terms<'a> {
    /// Where submissions are posted.
    pub url: &'a str,
    /// Names of the sample files written beside it.
    pub samples: &'a [String],
    /// Agreement kinds the channel needs, by the data classes its record types can hold.
    pub agreements: &'a [String],
    /// First media type of the format.
    pub media_type: &'a str,
}

/// The letter, Markdown.
pub fn letter(answers: &Answers, terms: &Terms<'_>) -> String {
    [
        steps(answers, terms),
        sending(answers, terms),
        receiving(answers, terms.url),
        consents(terms.url),
        String::from(ACCOUNTING),
    ]
    .concat()
}

/// Names as a list for a reader, or a word for none.
fn listed(names: &[String], none: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.is_empty() {
        true => none.to_owned(),
        false => quoted.join(", "),
    }
}

/// What happens until the connection is live, and who does it.
fn steps(answers: &Answers, terms: &Terms<'_>) -> String {
    format!(
        "# Connecting {name} to the county's gateway\n\n\
         You send **{records}** as **{format}**. Everything below works in *test* first: you see \
         findings, receipts and decisions as in real life, and nothing of it is released to anyone \
         else, counted or reported.\n\n\
         | step | what | who |\n|---|---|---|\n\
         | 1 | Sign the agreements this data needs: {agreements} | both |\n\
         | 2 | Keep the token you were given safe; nobody can read it out again | you |\n\
         | 3 | Send a sample: {samples} | you |\n\
         | 4 | Send a bad file, a correction, a withdrawal; read the findings | you |\n\
         | 5 | `kinbridge partner certify --partner {id}` passes | county |\n\
         | 6 | `mode = \"live\"` | county |\n\n",
        name = answers.name,
        id = answers.id,
        records = answers.records.join(", "),
        format = answers.format,
        agreements = listed(terms.agreements, "none"),
        samples = listed(terms.samples, "(none for this format)"),
    )
}

/// How to send, and what each answer means.
fn sending(answers: &Answers, terms: &Terms<'_>) -> String {
    format!(
        "```\n\
         curl {url}/v1/submissions \\\n  \
         -H 'Authorization: Bearer <your token>' \\\n  \
         -H 'Content-Type: {media}' -H 'Kinbridge-Format: {format}' \\\n  \
         -H 'Idempotency-Key: <a new word for each file>' \\\n  \
         --data-binary @<file>\n\
         ```\n\n\
         - **202** and a receipt: it is stored and survives any crash. Keep the receipt.\n\
         - **422** and findings: each names the place in *your* file and what to do. Nothing was \
         kept.\n\
         - **503** or **429**: wait as long as `Retry-After` says and send the same file with the \
         same key.\n\
         - Sending the same file again does no harm. A changed record with the same id is a \
         correction.\n\
         - **held**: a person of the county looks first. A record that does not say whether the \
         work comes from a case, a referral or prevention is held{source}.\n\n",
        url = terms.url,
        media = terms.media_type,
        format = answers.format,
        source = match answers.service_source.as_str() {
            "" => String::new(),
            word => format!("; yours count as **{word}** then"),
        },
    )
}

/// How consents are lodged and taken back.
fn consents(url: &str) -> String {
    format!(
        "## Consents\n\n\
         A consent you hold counts once it is lodged, from the day it was signed until you take \
         it back; a record that goes under it names it in its consent references:\n\n\
         ```\n\
         curl -X PUT {url}/v1/consents/<your id of it> \\\n  \
         -H 'Authorization: Bearer <your token>' -H 'Content-Type: application/json' \\\n  \
         --data-binary @consent.json\n\
         curl -X POST {url}/v1/consents/<your id of it>/revoke \\\n  \
         -H 'Authorization: Bearer <your token>'\n\
         ```\n\n\
         `{url}/openapi.json` tells every field of it.\n\n"
    )
}

const ACCOUNTING: &str = "## The accounting\n\n\
    Every disclosure of a live record is entered in a ledger: when, to whom, for what and by \
    which law. When somebody of a family asks who was told what, send them, or their request, to \
    the county's privacy officer, who can list it.\n\n\
    Do not send psychotherapy notes, counselor or attorney communications: they are refused and \
    nothing of such a record is kept; nor immigration status, which is taken out. A suspicion of \
    child abuse is reported **by telephone** first; this gateway is not a hotline.\n";

/// How records come out, in a paragraph per way.
fn receiving(answers: &Answers, url: &str) -> String {
    let mut text = String::from("## What comes to you\n\n");
    let heading = text.len();
    if let Some(out) = &answers.out {
        text.push_str(&format!(
            "Records of type **{}** are posted to `{}` one by one, as **{}**. Answer 2xx once you \
             have stored one, 503 if you cannot now: it comes again under the same \
             `Idempotency-Key`, and the same key twice is the same record. 400 or 422 says \
             that you refuse it, and a person of the county looks. Notices and copies of \
             consents may come along with it.\n\n",
            out.records.join(", "),
            out.url,
            answers.format,
        ));
    }
    if !answers.pull_records.is_empty() {
        text.push_str(&format!(
            "Records of type **{}** are fetched in batches, whenever you like:\n\n```\n\
             kinbridge pull --url {url} --token-file <file> --out <folder>\n```\n\n",
            answers.pull_records.join(", "),
        ));
    }
    if text.len() == heading {
        text.push_str("Nothing is sent to you as yet; the county adds a channel when you ask.\n\n");
    }
    text.push_str(
        "What you may receive is decided anew at each sending, by law and by the family's \
         consents; being named in a record opens nothing by itself.\n\n",
    );
    text
}
