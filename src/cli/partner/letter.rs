//! The letter of connection: one page a provider's own people can act on.

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

/// The letter, Markdown, one page.
pub fn letter(answers: &Answers, terms: &Terms<'_>) -> String {
    let samples = match terms.samples {
        [] => String::from("(none for this format)"),
        files => files
            .iter()
            .map(|f| format!("`{f}`"))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let agreements = match terms.agreements {
        [] => String::from("none"),
        kinds => kinds
            .iter()
            .map(|k| format!("`{k}`"))
            .collect::<Vec<_>>()
            .join(", "),
    };
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
         | 6 | `mode = \"live\"` | county |\n\n\
         ```\n\
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
         work comes from a case, a referral or prevention is held{source}.\n\n\
         Do not send psychotherapy notes, counselor or attorney communications, or immigration \
         status: they are refused and nothing of such a record is kept. A suspicion of child abuse \
         is reported **by telephone** first; this gateway is not a hotline.\n",
        name = answers.name,
        id = answers.id,
        records = answers.records.join(", "),
        format = answers.format,
        url = terms.url,
        source = match answers.service_source.as_str() {
            "" => String::new(),
            word => format!("; yours count as **{word}** then"),
        },
        media = terms.media_type,
    )
}
