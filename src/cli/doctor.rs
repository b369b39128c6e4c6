//! `kinbridge doctor`: store, keys, clock, certificates, agreements and rules at a glance.

use crate::base::clock::{Clock as _, SystemClock, Timestamp};
use crate::catalog;
use crate::checkup::{self, Point, Standing};
use crate::config::Config;
use crate::web::site::look;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a running gateway has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is read of its answer.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// Settings as `serve` reads them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Settings file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Prints the table; exit 1 when a point failed.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    let now = SystemClock.now();
    let mut points = vec![Point::new("clock", Standing::Good, now.to_rfc3339())];
    points.extend(checkup::master_key(&config));
    points.extend(checkup::tls(&config, now));
    points.extend(checkup::own(&config, now));
    let (sources, _) = catalog::load(&config.catalog);
    points.extend(rules(&config, now));
    points.extend(checkup::partners(&sources, now));
    points.extend(checkup::storage(&config));
    points.extend(running(&config)?);
    print!("{}", checkup::table(&mut points));
    let failed = points.iter().any(|p| p.standing == Standing::Failed);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Every defect the start would tell, in the same words.
fn rules(config: &Config, now: Timestamp) -> Vec<Point> {
    match look(config, now) {
        Ok((rules, _)) => vec![Point::new("rules", Standing::Good, rules.digest.as_str())],
        Err(defects) => {
            let told = defects.iter().map(ToString::to_string);
            told.map(|text| Point::new("rules", Standing::Failed, text))
                .collect()
        }
    }
}

/// What a running gateway says of itself on its metrics port.
fn running(config: &Config) -> anyhow::Result<Vec<Point>> {
    let address = config.listen.metrics_address;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer = runtime.block_on(ask(address));
    Ok(match answer {
        Some(text) => checkup::lanes(&text),
        None => {
            let text = format!("none answers on {address}");
            vec![Point::new("gateway", Standing::Warning, text)]
        }
    })
}

async fn ask(address: SocketAddr) -> Option<String> {
    let line = TcpStream::connect(address);
    let mut line = timeout(PATIENCE, line).await.ok()?.ok()?;
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    line.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    let mut bounded = line.take(ANSWER_BYTES_MAX);
    let read = bounded.read_to_end(&mut answer);
    timeout(PATIENCE, read).await.ok()?.ok()?;
    String::from_utf8(answer).ok()
}
