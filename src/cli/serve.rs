//! `kinbridge serve`: the API and the workers until told to stop.

use crate::app;
use crate::config::Config;
use crate::telemetry::start_logs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Settings come from the defaults, the file and the environment, in that order.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Settings; see the commented defaults printed by `--print-defaults`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the commented defaults and exit
    #[arg(long)]
    print_defaults: bool,
}

/// Serves until SIGTERM or SIGINT.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.print_defaults {
        print!("{}", crate::config::DEFAULTS);
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(args.config.as_deref())?;
    start_logs(&config.log.filter);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let running = match app::start(config).await {
        Err(app::StartError::Catalog(defects)) => {
            for defect in &defects {
                eprintln!("{defect}");
            }
            anyhow::bail!("{} defects in the catalog", defects.len());
        }
        started => started?,
    };
    // Nobody need read it: that is no reason not to serve.
    let listens = format!("kinbridge listens on {}", running.address);
    drop(writeln!(std::io::stdout(), "{listens}"));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => reload(&running).await,
        }
    }
    running.shutdown().await;
    Ok(())
}

/// SIGHUP reads the catalog again. Defects are printed and the old rules stay.
async fn reload(running: &app::Running) {
    if let Err(defects) = running.reload().await {
        for defect in defects {
            eprintln!("{defect}");
        }
    }
}
