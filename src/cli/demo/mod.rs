//! `kinbridge demo`: a family's story through a real gateway on loopback, with simulated partners.
//!
//! Everything runs in a temporary folder: SQLite, TLS, the catalog with five invented partners.
//! The story itself is data (`fixtures/exchange/family-story`). Nothing is faked on the gateway's
//! side: the demo posts over HTTP and looks at what the inboxes received.

mod batch;
mod play;
mod story;
mod table;
mod world;

use std::process::ExitCode;
use story::Story;
use world::World;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// End after the story: exit 0 only if every step came out right
    #[arg(long)]
    once: bool,
}

/// Tells the story; then serves until Ctrl-C unless `--once`.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(tell(args))
}

async fn tell(args: &Args) -> anyhow::Result<ExitCode> {
    let story = Story::shipped()?;
    let mut world = World::start(&story).await?;
    table::opening(&world, &story);
    let mut wrong = 0_usize;
    for (number, step) in story.step.iter().enumerate() {
        let told = play::step(&mut world, step).await?;
        wrong += usize::from(!told.right());
        table::step(number + 1, step, &told);
    }
    table::closing(story.step.len(), wrong);
    if !args.once {
        println!(
            "\nThe gateway still serves at {} - Ctrl-C ends it.",
            world.url()
        );
        tokio::signal::ctrl_c().await?;
    }
    world.stop().await;
    Ok(if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
