//! The demo's state pull and the family's accounting.

use super::play::Told;
use super::story::Act;
use super::world::World;
use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

/// Looks at a running extract at most so often.
const LOOKS_MAX: u32 = 300;

/// A state job fetches its batch.
pub async fn pull(world: &World, act: &Act, told: &mut Told) -> anyhow::Result<()> {
    let Act::Pull {
        from,
        records,
        shows,
        hides,
    } = act
    else {
        return Ok(());
    };
    let extract = finished(world, from).await?;
    let id = extract
        .get("extract_id")
        .and_then(Value::as_str)
        .context("an extract id")?;
    let path = format!("/v1/extracts/{id}");
    let files = extract.pointer("/manifest/files").and_then(Value::as_array);
    let files = files.cloned().unwrap_or_default();
    let mut text = String::new();
    let mut total = 0;
    for file in &files {
        let name = file.get("name").and_then(Value::as_str).unwrap_or_default();
        let answer = world.request(Method::GET, &format!("{path}/files/{name}"), from);
        let body = answer.send().await?.bytes().await?;
        let digest = crate::base::digest::Digest::of(&body).to_hex();
        let matches = file.get("sha256").and_then(Value::as_str) == Some(digest.as_str());
        told.check(matches, format!("{name} has the SHA-256 of the manifest"));
        let count = file.get("records").and_then(Value::as_u64).unwrap_or(0);
        total += count;
        told.row(
            "the gateway",
            from,
            format!("{name}: {count} records, {} bytes", body.len()),
        );
        text.push_str(&String::from_utf8_lossy(&body));
    }
    told.check(
        total == *records,
        format!("{records} records, counted: {total}"),
    );
    for shown in shows {
        told.check(
            text.contains(shown.as_str()),
            format!("the batch shows \"{shown}\""),
        );
    }
    for hidden in hides {
        told.check(
            !text.contains(hidden.as_str()),
            format!("the batch hides \"{hidden}\""),
        );
    }
    Ok(())
}

/// Asks for an extract and waits until it is written.
async fn finished(world: &World, from: &str) -> anyhow::Result<Value> {
    let begun = world.request(Method::POST, "/v1/extracts", from);
    let mut extract: Value = begun
        .json(&serde_json::json!({}))
        .send()
        .await?
        .json()
        .await?;
    let id = extract
        .get("extract_id")
        .and_then(Value::as_str)
        .context("an extract id")?;
    let path = format!("/v1/extracts/{id}");
    for _ in 0..LOOKS_MAX {
        if extract.get("status").and_then(Value::as_str) != Some("running") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
        extract = world
            .request(Method::GET, &path, from)
            .send()
            .await?
            .json()
            .await?;
    }
    Ok(extract)
}

/// The privacy officer lists the disclosures of a person.
pub async fn accounting(world: &World, act: &Act, told: &mut Told) -> anyhow::Result<()> {
    let Act::Accounting {
        person,
        disclosures,
    } = act
    else {
        return Ok(());
    };
    let asked = reqwest::Url::parse_with_params(&world.url(), [("person", person)])?;
    let path = format!("/v1/disclosures?{}", asked.query().unwrap_or_default());
    let answer = world
        .request(Method::GET, &path, world.officer())
        .header("Kinbridge-Reason", "a member of the family asks")
        .send()
        .await?;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    let rows = body
        .get("disclosures")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut lawless = false;
    for row in &rows {
        let decided = row.get("decision").and_then(Value::as_array);
        let permitted = decided
            .into_iter()
            .flatten()
            .filter(|r| says(r, "effect") == "permit");
        let mut laws: Vec<&str> = permitted.map(|r| says(r, "citation")).collect();
        laws.sort_unstable();
        laws.dedup();
        lawless |= laws.iter().all(|law| law.is_empty());
        let when = minute(says(row, "at"));
        let what = format!("{when}  {}: {}", says(row, "purpose"), laws.join(", "));
        told.row(says(row, "source"), says(row, "partner"), what);
    }
    let count = rows.len() as u64;
    told.check(status == 200, "the privacy officer may list them");
    told.check(!lawless, "every line names the law it rests on");
    told.check(
        count == *disclosures,
        format!("{disclosures} disclosures, counted: {count}"),
    );
    Ok(())
}

fn says<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Date and minute of an instant.
fn minute(instant: &str) -> String {
    instant.get(..16).unwrap_or(instant).replace('T', " ")
}
