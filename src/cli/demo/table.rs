//! What a person watching the demo reads: a table per step.

use super::play::Told;
use super::story::{Step, Story};
use super::world::World;

const WIDTH: usize = 96;

/// The first lines.
pub fn opening(world: &World, story: &Story) {
    println!(
        "{}\n{}\n",
        story.title,
        "=".repeat(story.title.chars().count())
    );
    println!(
        "gateway   {}   (SQLite, TLS, temporary folder {})",
        world.url(),
        world.folder().display()
    );
    for (name, about) in &story.inbox {
        let address = world
            .inboxes
            .get(name)
            .map(|inbox| inbox.url())
            .unwrap_or_default();
        println!("inbox     {address:<34} {about}");
    }
}

/// One step and what came of it.
pub fn step(number: usize, step: &Step, told: &Told) {
    println!(
        "\n{number:>2}. {}\n    {}",
        step.title,
        wrapped(&step.text, 4)
    );
    if !told.rows.is_empty() {
        println!("    {:<30} {:<30} what", "from", "to");
        println!("    {}", "-".repeat(WIDTH - 4));
    }
    for row in &told.rows {
        println!(
            "    {:<30} {:<30} {}",
            row.from,
            row.to,
            wrapped(&row.what, 66)
        );
    }
    for check in &told.checks {
        let mark = if check.right { "ok   " } else { "WRONG" };
        println!("    {mark} {}", check.what);
    }
}

/// The last lines.
pub fn closing(steps: usize, wrong: usize) {
    println!("\n{}", "=".repeat(WIDTH));
    match wrong {
        0 => println!("all {steps} steps came out right"),
        some => println!("{some} of {steps} steps came out WRONG"),
    }
}

/// Breaks a text into lines of the table's width, continued at an indentation.
fn wrapped(text: &str, indent: usize) -> String {
    let width = WIDTH.saturating_sub(indent).max(24);
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn long_texts_are_broken_between_words() {
        let text = "word ".repeat(60);
        let lines: Vec<String> = wrapped(&text, 4).lines().map(str::to_owned).collect();
        assert!(lines.len() > 2);
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() <= super::WIDTH)
        );
    }
}
