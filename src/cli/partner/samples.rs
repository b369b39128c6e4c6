//! Sample records in a partner's own format, rendered from the canonical samples by the same
//! mappings that read them. The people in them are invented.

use crate::base::id::{FormatId, RecordType};
use crate::format::json;
use crate::record::Record;
use crate::rules::Rules;
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

/// A sample in a format; an error when the format has no mapping for the record type.
pub fn sample(
    rules: &Rules,
    format: &FormatId,
    record_type: &RecordType,
    variant: Variant,
) -> anyhow::Result<Vec<u8>> {
    let file = Folder::get(&format!("{record_type}.json"));
    let file = file.with_context(|| format!("there is no sample of {record_type}"))?;
    let text = String::from_utf8(file.data.into_owned())?;
    let text = match variant {
        Variant::First => text,
        Variant::Corrected => text.replace("\"Exa\"", "\"Exalta\""),
    };
    let root = json::parse(text.as_bytes())
        .tree
        .context("the sample is not JSON")?;
    let record = Record {
        record_type: record_type.clone(),
        root,
    };
    let wire = rules
        .wires
        .get(format)
        .with_context(|| format!("unknown format {format}"))?;
    let out = rules.plans.outbound(format, &record);
    let out = out.map_err(|error| anyhow::anyhow!("{record_type} as {format}: {error:?}"))?;
    Ok(wire.write(&out.tree))
}

/// The ending of files in a format.
pub fn ending(rules: &Rules, format: &FormatId) -> &'static str {
    match rules.wires.get(format).map(|wire| wire.media_type()) {
        Some(media) if media.ends_with("csv") => "csv",
        Some(media) if media.ends_with("xml") => "xml",
        Some(media) if media.ends_with("json") => "json",
        _ => "txt",
    }
}
