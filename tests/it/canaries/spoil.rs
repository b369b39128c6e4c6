//! Malformed copies of what was planted: nothing an answer says of them tells what stood there.

use super::road::silent;
use super::scan::Scanner;
use super::world::{SENDERS, World};
use crate::reference::asking::Dice;

/// Copies of what was planted that are not what they were, two hundred of them.
pub async fn malformed(world: &World, scanner: &Scanner) {
    let mut dice = Dice::new(7);
    let mut roll = move |below: usize| dice.below(below.max(1));
    let mut refused = 0;
    for number in 0..200 {
        let (sender, bytes) = &world.sent[number % world.sent.len()];
        let spoiled = spoil(bytes, number / world.sent.len(), &mut roll);
        let query = if number % 3 == 0 { "?dry_run=true" } else { "" };
        let answer = world.hand_in(*sender, query, spoiled).await;
        refused += usize::from(answer.status >= 400);
        silent(scanner, world, &answer, "an answer to a malformed copy");
        if let Some(url) = answer.json()["records_url"].as_str() {
            let who = SENDERS[*sender].0;
            let answer = world.ask(who, "GET", url, None).await;
            silent(scanner, world, &answer, "the verdicts of a malformed copy");
        }
    }
    assert!(refused > 40, "{refused} of 200 were refused");
}

/// One thing wrong: a value moved to another place, bytes cut off, put in twice, flipped or
/// turned round, quotes and brackets taken away.
fn spoil(bytes: &[u8], way: usize, roll: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let at = roll(bytes.len());
    let mut out = bytes.to_vec();
    match way % 12 {
        0 => out.truncate(at),
        1 => out[at] ^= 1 << roll(7),
        2 => {
            let to = (at + 40).min(out.len());
            out.drain(at..to);
        }
        3 => out.extend_from_slice(&bytes[at..]),
        4 => out[at] = b'"',
        5 => out.insert(at, b'\0'),
        6 => swap_words(&mut out, roll),
        7 => swap_words(&mut out, roll),
        8 => out.retain(|byte| *byte != b':' && *byte != b'>'),
        9 => {
            let text = String::from_utf8_lossy(bytes).replace("Qzxj", "Qzxj\u{7f}<&\"");
            out = text.into_bytes();
        }
        10 => out.insert(at, 0xff),
        _ => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            out = text.replacen("20", "Qzxj00001w", 1 + roll(6)).into_bytes();
        }
    }
    out
}

/// Two words of the document change places: codes, dates, names and members alike.
fn swap_words(out: &mut Vec<u8>, roll: &mut impl FnMut(usize) -> usize) {
    let text = String::from_utf8_lossy(out).into_owned();
    let word = |from: usize| {
        let begin = text[from..]
            .find(|c: char| c.is_ascii_alphanumeric())
            .map(|at| from + at)?;
        let rest = &text[begin..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        Some(begin..begin + end)
    };
    let place = |at: usize| {
        (at..text.len())
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0)
    };
    let (one, other) = (word(place(roll(text.len()))), word(place(roll(text.len()))));
    let (Some(one), Some(other)) = (one, other) else {
        return;
    };
    let (first, second) = if one.end <= other.start {
        (one, other)
    } else {
        (other, one)
    };
    if first.end > second.start {
        return;
    }
    let parts = [
        &text[..first.start],
        &text[second.clone()],
        &text[first.end..second.start],
        &text[first.clone()],
        &text[second.end..],
    ];
    *out = parts.concat().into_bytes();
}
