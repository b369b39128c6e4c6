//! Sample records in a partner's own format, rendered from the canonical samples by the same
//! mappings that read them. The people in them are invented.

use crate::base::id::{FormatId, RecordType};
use crate::format::{Node, json};
use crate::record::Record;
use crate::rules::Rules;
use crate::wire::Wire;
use anyhow::Context;

/// Canonical samples, one per record type.
#[derive(rust_embed::RustEmbed)]
#[folder = "fixtures/samples"]
struct Folder;

/// What of a sample changes from one sending to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// As it is.
    First,
    /// The same record with another given name: a correction.
    Corrected,
}

/// One sending of a sample.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    /// Which wording.
    pub variant: Variant,
    /// Samples of another number are other records.
    pub number: usize,
    /// Ids of the consents the record names.
    pub papers: &'a [String],
}

impl Sending<'_> {
    /// The sample as partners are given it.
    pub const PLAIN: Sending<'static> = Sending {
        variant: Variant::First,
        number: 1,
        papers: &[],
    };
}

/// A sample in a format; an error when the format has no mapping for the record type, or what the
/// mapping makes is not valid there.
pub fn sample(
    rules: &Rules,
    format: &FormatId,
    record_type: &RecordType,
    sending: Sending<'_>,
) -> anyhow::Result<Vec<u8>> {
    let mut record = canonical(record_type, sending)?;
    if !sending.papers.is_empty() {
        let mut refs = Node::array();
        if let Some(items) = refs.items_mut() {
            items.extend(sending.papers.iter().map(Node::string));
        }
        let envelope = record.root.get_mut("envelope");
        envelope
            .context("the sample has no envelope")?
            .set("consent_refs", refs);
    }
    let wire = rules
        .wires
        .get(format)
        .with_context(|| format!("unknown format {format}"))?;
    let out = rules
        .plans
        .outbound(rules.sources.mapped_as(format), &record);
    let out = out.map_err(|error| anyhow::anyhow!("{record_type} as {format}: {error:?}"))?;
    for target in wire.targets(&out.tree) {
        let schema = rules.schemas.get(&target.schema);
        let schema = schema.with_context(|| format!("no schema {}", target.schema))?;
        anyhow::ensure!(
            schema.is_valid(target.node),
            "what the mapping of {format} makes of {record_type} is not valid there"
        );
    }
    Ok(wire.write(&out.tree))
}

/// Identifiers of the persons of a sample, as system and value.
pub fn identifiers(record_type: &RecordType) -> anyhow::Result<Vec<(String, String)>> {
    let record = canonical(record_type, Sending::PLAIN)?;
    let given = record.persons().iter().filter_map(|p| p.get("identifiers"));
    let given = given.flat_map(|list| list.items()).filter_map(|one| {
        let (system, value) = (one.text("system")?, one.text("value")?);
        Some((system.to_owned(), value.to_owned()))
    });
    Ok(given.collect())
}

fn canonical(record_type: &RecordType, sending: Sending<'_>) -> anyhow::Result<Record> {
    let file = Folder::get(&format!("{record_type}.json"));
    let file = file.with_context(|| format!("there is no sample of {record_type}"))?;
    let text = String::from_utf8(file.data.into_owned())?;
    let text = text.replace("\"SAMPLE-1\"", &format!("\"SAMPLE-{}\"", sending.number));
    let text = match sending.variant {
        Variant::First => text,
        Variant::Corrected => text.replace("\"Exa\"", "\"Exalta\""),
    };
    let root = json::parse(text.as_bytes())
        .tree
        .context("the sample is not JSON")?;
    Ok(Record {
        record_type: record_type.clone(),
        root,
    })
}

/// The ending of files in a format.
pub fn ending(rules: &Rules, format: &FormatId) -> &'static str {
    match rules.wires.get(format).map(|wire| wire.media_type()) {
        _ if rules.wires.get(format).is_some_and(Wire::is_workbook) => "xlsx",
        Some(media) if media.ends_with("csv") => "csv",
        Some(media) if media.ends_with("xml") => "xml",
        Some(media) if media.ends_with("json") => "json",
        _ => "txt",
    }
}
