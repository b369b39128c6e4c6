//! Plays one step over HTTP and holds what came of it against the story.

use super::story::{self, Act, Step};
use super::world::World;
use crate::base::id::{DeliveryId, PartnerId, SubmissionId};
use crate::base::vocabulary::Verdict;
use crate::store::{DeliveryState, DeliveryView};
use crate::web::receiver::{Behaviour, Delivery};
use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a step may take until everything has come to rest.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// What came of a step.
#[derive(Default)]
pub struct Told {
    /// The table.
    pub rows: Vec<Row>,
    /// What was checked.
    pub checks: Vec<Check>,
}

/// One line of the table.
pub struct Row {
    /// Who sent.
    pub from: String,
    /// Who received, or did not.
    pub to: String,
    /// What, and under which citation.
    pub what: String,
}

/// One expectation.
pub struct Check {
    /// In words.
    pub what: String,
    /// Whether it held.
    pub right: bool,
}

impl Told {
    /// Whether everything held.
    pub fn right(&self) -> bool {
        self.checks.iter().all(|check| check.right)
    }

    pub(super) fn check(&mut self, right: bool, what: impl Into<String>) {
        self.checks.push(Check {
            what: what.into(),
            right,
        });
    }

    pub(super) fn row(&mut self, from: &str, to: &str, what: impl Into<String>) {
        self.rows.push(Row {
            from: from.to_owned(),
            to: to.to_owned(),
            what: what.into(),
        });
    }
}

/// Inboxes as they stood before a step.
type Before = BTreeMap<String, usize>;

/// Plays a step.
pub async fn step(world: &mut World, step: &Step) -> anyhow::Result<Told> {
    let mut told = Told::default();
    let before: Before = world
        .inboxes
        .iter()
        .map(|(n, i)| (n.clone(), i.deliveries().len()))
        .collect();
    let mut sender = String::new();
    for act in &step.act {
        if let Some(from) = perform(world, act, &before, &mut told).await? {
            sender = from;
        }
    }
    settle(world, step, &before).await?;
    arrivals(world, step, &before, &sender, &mut told);
    withheld(world, step, &sender, &mut told).await?;
    Ok(told)
}

/// Does one thing; gives the partner that acted.
async fn perform(
    world: &mut World,
    act: &Act,
    before: &Before,
    told: &mut Told,
) -> anyhow::Result<Option<String>> {
    match act {
        Act::Submit { from, .. } => {
            submit(world, act, told).await?;
            Ok(Some(from.clone()))
        }
        Act::Consent { from, id, file } => {
            let request = world.request(Method::PUT, &format!("/v1/consents/{id}"), from);
            let request = request.header("content-type", "application/json");
            let answer = request.body(story::file(file)?).send().await?;
            told.row(from, "the consent registry", format!("consent {id} lodged"));
            told.check(answer.status() == 200, "the registry took the consent");
            Ok(Some(from.clone()))
        }
        Act::Revoke { from, id } => {
            let path = format!("/v1/consents/{id}/revoke");
            let answer = world.request(Method::POST, &path, from).send().await?;
            told.row(
                from,
                "the consent registry",
                format!("consent {id} revoked"),
            );
            told.check(answer.status() == 200, "the revocation holds from now on");
            Ok(Some(from.clone()))
        }
        Act::Inbox { name, is } => {
            inbox(world, name, is, before).await?;
            Ok(None)
        }
        Act::Pull { from, .. } => {
            super::batch::pull(world, act, told).await?;
            Ok(Some(from.clone()))
        }
        Act::Accounting { .. } => {
            super::batch::accounting(world, act, told).await?;
            Ok(None)
        }
    }
}

async fn submit(world: &mut World, act: &Act, told: &mut Told) -> anyhow::Result<()> {
    let Act::Submit {
        from,
        file,
        format,
        media,
        key,
        status,
        counts,
        findings,
    } = act
    else {
        return Ok(());
    };
    let request = world
        .request(Method::POST, "/v1/submissions", from)
        .header("content-type", media)
        .header("kinbridge-format", format)
        .header("idempotency-key", key);
    let answer = request.body(story::file(file)?).send().await?;
    let given = answer.status().as_u16();
    let receipt: Value = answer.json().await.unwrap_or_default();
    let words: Vec<String> = ["accepted", "duplicate", "held", "rejected"]
        .iter()
        .filter_map(|word| {
            count(&receipt, word)
                .filter(|n| *n > 0)
                .map(|n| format!("{n} {word}"))
        })
        .collect();
    told.row(
        from,
        "the gateway",
        format!("{file}: {given}, {}", words.join(", ")),
    );
    told.check(given == *status, format!("the answer is {status}"));
    for word in ["accepted", "duplicate", "held", "rejected"] {
        let wanted = counts.get(word).copied().unwrap_or(0);
        if count(&receipt, word) != Some(wanted) {
            told.check(false, format!("{wanted} {word}"));
        }
    }
    for (code, line) in findings {
        let found = finding(&receipt, code, *line);
        let (path, fix) = found.clone().unwrap_or_default();
        told.row("", from, format!("{code} at line {line}, {path}: {fix}"));
        told.check(found.is_some(), format!("{code} is told with its place"));
    }
    if let Some(id) = receipt.get("submission_id").and_then(Value::as_str) {
        let id = SubmissionId::parse(id).context("a submission id")?;
        world.submissions.push((PartnerId::new(from), id));
    }
    Ok(())
}

fn count(receipt: &Value, word: &str) -> Option<u64> {
    receipt
        .pointer(&format!("/counts/{word}"))
        .and_then(Value::as_u64)
}

fn finding(receipt: &Value, code: &str, line: u64) -> Option<(String, String)> {
    let records = receipt.get("records")?.as_array()?;
    let mut all = records
        .iter()
        .filter_map(|r| r.get("findings")?.as_array())
        .flatten();
    let found = all.find(|f| {
        f.get("code").and_then(Value::as_str) == Some(code)
            && f.get("line").and_then(Value::as_u64) == Some(line)
    })?;
    let text = |name: &str| {
        found
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Some((text("path"), text("fix")))
}

/// Changes an inbox; before it changes again, what it was changed for has happened.
async fn inbox(world: &World, name: &str, is: &str, before: &Before) -> anyhow::Result<()> {
    let inbox = world
        .inboxes
        .get(name)
        .with_context(|| format!("no inbox {name}"))?;
    let seen = before.get(name).copied().unwrap_or(0);
    match is {
        "down" => inbox.behave(Behaviour::Refusing(503)),
        "losing-answers" => {
            until(|| Ok(inbox.refusals() > 0)).await?;
            inbox.behave(Behaviour::LosingAnswers);
        }
        "up" => {
            until(|| Ok(inbox.deliveries().len() > seen)).await?;
            inbox.behave(Behaviour::Up);
        }
        other => anyhow::bail!("an inbox cannot be {other}"),
    }
    Ok(())
}

/// Looks until it is so, or the time is up.
async fn until(mut so: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let start = Instant::now();
    while !so()? && start.elapsed() < SETTLE_MAX {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Waits until nothing of the story is on its way and what must arrive has arrived.
async fn settle(world: &World, step: &Step, before: &Before) -> anyhow::Result<()> {
    let start = Instant::now();
    while start.elapsed() < SETTLE_MAX {
        let arrived = step
            .arrives
            .iter()
            .all(|a| new(world, &a.at, before).len() >= a.count);
        if arrived && at_rest(world).await? {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

async fn at_rest(world: &World) -> anyhow::Result<bool> {
    let store = &world.running.gateway.store;
    let moving = |delivery: &DeliveryView| {
        use DeliveryState::{Ambiguous, Authorised, Leased, Pending};
        matches!(delivery.state, Pending | Leased | Authorised | Ambiguous)
    };
    if store.health().await?.routes_waiting > 0 {
        return Ok(false);
    }
    for (partner, id) in &world.submissions {
        let view = store.submission(partner, *id).await?;
        let deliveries = view
            .iter()
            .flat_map(|v| &v.records)
            .flat_map(|r| &r.deliveries);
        if deliveries.into_iter().any(moving) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn new(world: &World, inbox: &str, before: &Before) -> Vec<Delivery> {
    let seen = before.get(inbox).copied().unwrap_or(0);
    let all = world
        .inboxes
        .get(inbox)
        .map(|i| i.deliveries())
        .unwrap_or_default();
    all.into_iter().skip(seen).collect()
}

fn arrivals(world: &World, step: &Step, before: &Before, sender: &str, told: &mut Told) {
    for name in world.inboxes.keys() {
        let new = new(world, name, before);
        let wanted = step.arrives.iter().find(|arrives| arrives.at == *name);
        let count = wanted.map_or(0, |arrives| arrives.count);
        if count > 0 || !new.is_empty() {
            let bytes: usize = new.iter().map(|delivery| delivery.body.len()).sum();
            let media = new
                .first()
                .map(|d| d.media_type.clone())
                .unwrap_or_default();
            told.row(
                sender,
                name,
                format!("{} released, {bytes} bytes of {media}", new.len()),
            );
        }
        if new.len() != count {
            told.check(
                false,
                format!("{name} receives {count}, it received {}", new.len()),
            );
        }
        let Some(wanted) = wanted else { continue };
        let text: String = new
            .iter()
            .map(|d| String::from_utf8_lossy(&d.body))
            .collect();
        for shown in &wanted.shows {
            told.check(
                text.contains(shown.as_str()),
                format!("{name} sees \"{shown}\""),
            );
        }
        for hidden in &wanted.hides {
            told.check(
                !text.contains(hidden.as_str()),
                format!("{name} does not see \"{hidden}\""),
            );
        }
        if wanted.arrivals_min > 0 {
            let again = new
                .iter()
                .all(|d| d.arrivals >= wanted.arrivals_min && d.same_bytes);
            told.check(
                again,
                "it arrived again with the same id and the same bytes; one effect",
            );
        }
    }
}

/// Every withheld delivery of the sender's newest submission, with the law it rests on.
async fn withheld(world: &World, step: &Step, sender: &str, told: &mut Told) -> anyhow::Result<()> {
    let newest = world
        .submissions
        .iter()
        .rev()
        .find(|(partner, _)| partner.as_str() == sender);
    let Some((partner, id)) = newest else {
        return Ok(());
    };
    let store = &world.running.gateway.store;
    let Some(view) = store.submission(partner, *id).await? else {
        return Ok(());
    };
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for delivery in view.records.iter().flat_map(|record| &record.deliveries) {
        let kept_back = kept_back(world, delivery.delivery_id).await?;
        if delivery.state == DeliveryState::Withheld {
            let laws: Vec<String> = kept_back.values().cloned().collect();
            seen.entry(delivery.partner.as_str().to_owned())
                .or_default()
                .extend(laws);
        }
        if !step
            .act
            .iter()
            .any(|act| matches!(act, Act::Submit { .. } | Act::Consent { .. }))
        {
            continue;
        }
        if !kept_back.is_empty() {
            let words: Vec<String> = kept_back
                .iter()
                .map(|(class, law)| format!("{class} ({law})"))
                .collect();
            told.row(
                sender,
                delivery.partner.as_str(),
                format!("withheld: {}", words.join(", ")),
            );
        }
    }
    for wanted in &step.withheld {
        let cut = |law: &String| law.split('(').next().unwrap_or_default().to_owned();
        let laws = seen.get(&wanted.from).cloned().unwrap_or_default();
        let right = laws.iter().any(|law| cut(law) == cut(&wanted.citation));
        told.check(
            right,
            format!("nothing goes to {}: {}", wanted.from, wanted.citation),
        );
    }
    Ok(())
}

/// Classes the newest decision withheld, each with its first citation.
async fn kept_back(world: &World, id: DeliveryId) -> anyhow::Result<BTreeMap<String, String>> {
    let decision = world.running.gateway.store.decision(id).await?;
    let rows = decision.map(|decision| decision.rows).unwrap_or_default();
    let rows = rows
        .into_iter()
        .filter(|row| row.verdict == Verdict::Withhold);
    Ok(rows.map(|row| (row.data_class, row.citation)).collect())
}
