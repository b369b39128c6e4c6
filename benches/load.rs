//! Load benchmark: starts the real server as a process of its own, posts unique submissions over
//! keep-alive connections for a bounded time, and prints acceptances per second and latencies.
//!
//! `cargo bench --bench load -- [seconds] [connections...]`. Loopback only. The generator runs on
//! the same machine; its share of the processor is printed beside every figure.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TOKEN: &str = "load-benchmark-token";
const TEMPLATE: &str = include_str!("../fixtures/bench/engagement-contact.json");
/// Replaced in the template so that every submission is a record of its own.
const PLACEHOLDER: &str = "c-2026-0917-04";

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let seconds = numbers.first().copied().unwrap_or(10);
    let connections: Vec<u64> = match numbers.get(1..) {
        Some(given) if !given.is_empty() => given.to_vec(),
        _ => vec![1, 8, 64],
    };
    println!(
        "| connections | accepted/s | p50 ms | p99 ms | refused | server µs CPU each | generator CPU share |"
    );
    println!("|---|---|---|---|---|---|---|");
    for count in connections {
        let server = Server::start();
        let stat = format!("/proc/{}/stat", server.child.id());
        // What compiling the catalog cost before the first record is nobody's share.
        let start_up = cpu_seconds(&stat);
        let run = load(server.address, count, Duration::from_secs(seconds));
        let server_cpu = cpu_seconds(&stat) - start_up;
        let own_cpu = run.generator_cpu;
        println!(
            "| {count} | {:.0} | {:.2} | {:.2} | {} | {:.1} | {:.0} % |",
            run.accepted as f64 / run.elapsed.as_secs_f64(),
            run.percentile(0.50),
            run.percentile(0.99),
            run.refused,
            server_cpu * 1e6 / run.accepted.max(1) as f64,
            100.0 * own_cpu / (own_cpu + server_cpu).max(1e-9),
        );
    }
}

/// The real server in a temporary folder; ended by its own process id.
struct Server {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("kinbridge.toml");
        std::fs::write(&config, configuration(folder.path())).expect("the config is written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_kinbridge"))
            .args(["serve", "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let address = loop {
            let line = lines
                .next()
                .expect("the server says where it listens")
                .expect("a line");
            let found = line.split_whitespace().find_map(|word| {
                word.trim_start_matches("http://")
                    .trim_end_matches('/')
                    .parse()
                    .ok()
            });
            if let Some(address) = found {
                break address;
            }
        };
        std::thread::spawn(move || for _ in lines {});
        Server {
            child,
            address,
            _folder: folder,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Started here, ended here, by its id.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(folder: &std::path::Path) -> String {
    let catalog = folder.join("catalog");
    let partners = catalog.join("mappings/partners");
    std::fs::create_dir_all(&partners).expect("a catalog folder");
    let digest = kinbridge::base::digest::Digest::of(TOKEN.as_bytes());
    let partner = format!(
        "id = \"bench-sender\"\nname = \"Bench sender\"\nrole = \"ppp\"\ncounty_fips = \"06067\"\n\
         mode = \"test\"\nagreement = [{{ id = \"B-1\", kind = \"baa\" }}, \
         {{ id = \"B-2\", kind = \"contract_10850\" }}, {{ id = \"B-3\", kind = \"qsoa\" }}]\n\
         [[credential]]\ntoken_sha256 = \"{digest}\"\n\
         [[channel]]\ndirection = \"in\"\nformat = \"kinbridge-json/1.0\"\n\
         records = [\"engagement-contact\"]\n"
    );
    std::fs::write(partners.join("bench-sender.toml"), partner).expect("a partner file");
    format!(
        "data_dir = {:?}\ncatalog = [{:?}]\n[listen]\naddress = \"127.0.0.1:0\"\n\
         metrics_address = \"127.0.0.1:0\"\n[limits]\n\
         partner_requests_per_second = 1000000\npartner_burst = 1000000\n",
        folder.join("data"),
        catalog
    )
}

struct Run {
    accepted: u64,
    refused: u64,
    elapsed: Duration,
    latencies_us: Vec<u32>,
    generator_cpu: f64,
}

impl Run {
    /// Milliseconds at a share of the sorted latencies.
    fn percentile(&self, share: f64) -> f64 {
        let at = (self.latencies_us.len() as f64 * share) as usize;
        f64::from(self.latencies_us.get(at).copied().unwrap_or(0)) / 1000.0
    }
}

fn load(address: SocketAddr, connections: u64, duration: Duration) -> Run {
    let stop = Arc::new(AtomicBool::new(false));
    let refused = Arc::new(AtomicU64::new(0));
    let cpu_before = cpu_seconds("/proc/self/stat");
    let started = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|id| {
            let (stop, refused) = (stop.clone(), refused.clone());
            std::thread::spawn(move || client(address, id, &stop, &refused))
        })
        .collect();
    while started.elapsed() < duration {
        std::thread::sleep(Duration::from_millis(20));
    }
    stop.store(true, Ordering::SeqCst);
    let mut latencies_us: Vec<u32> = clients
        .into_iter()
        .flat_map(|c| c.join().expect("a client ends"))
        .collect();
    let elapsed = started.elapsed();
    latencies_us.sort_unstable();
    Run {
        accepted: latencies_us.len() as u64,
        refused: refused.load(Ordering::SeqCst),
        elapsed,
        latencies_us,
        generator_cpu: cpu_seconds("/proc/self/stat") - cpu_before,
    }
}

/// Posts one submission after the other; gives the latency of each acceptance in microseconds.
fn client(address: SocketAddr, id: u64, stop: &AtomicBool, refused: &AtomicU64) -> Vec<u32> {
    let mut stream = TcpStream::connect(address).expect("the server takes connections");
    stream.set_nodelay(true).expect("nodelay");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut latencies = Vec::with_capacity(1 << 16);
    let mut sequence = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        sequence += 1;
        let body = TEMPLATE.replace(PLACEHOLDER, &format!("BENCH-{id}-{sequence}"));
        let request = format!(
            "POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\n\
             Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
             Kinbridge-Format: kinbridge-json/1.0\r\nIdempotency-Key: k-{id}-{sequence}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let started = Instant::now();
        stream
            .write_all(request.as_bytes())
            .expect("a request is sent");
        let status = answer(&mut reader);
        if status == 202 {
            latencies.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
        } else if refused.fetch_add(1, Ordering::Relaxed) == 0 {
            eprintln!("first refusal: status {status}");
        }
    }
    latencies
}

/// Reads one response with a Content-Length; gives its status.
fn answer(reader: &mut BufReader<TcpStream>) -> u16 {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a status line");
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    let mut length = 0_usize;
    loop {
        line.clear();
        reader.read_line(&mut line).expect("a header");
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    std::io::Read::read_exact(reader, &mut body).expect("a body");
    status
}

/// User and system time of a process so far, from its stat line (clock ticks of 10 ms).
fn cpu_seconds(stat: &str) -> f64 {
    let text = std::fs::read_to_string(stat).unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}
