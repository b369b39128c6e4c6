//! What `doctor` looks at: settings, keys, clock, certificates, agreements, rules.
//!
//! It reads and compares; it must never change anything nor show a secret.

use crate::base::clock::Timestamp;
use crate::base::limits::{
    ENDING_SOON, LANE_WAIT_MAX, STORAGE_FREE_BYTES_LOW, STORAGE_FREE_BYTES_MIN,
};
use crate::catalog::Sources;
use crate::catalog::partner::Partner;
use crate::config::Config;
use crate::web::tls::{certificates, not_after};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// How a point stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// As it should be.
    Good,
    /// Works, but someone should act.
    Warning,
    /// Does not work, or will not be served with.
    Failed,
}

impl Standing {
    /// One word for the table.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Good => "ok",
            Standing::Warning => "warn",
            Standing::Failed => "FAIL",
        }
    }
}

/// One point looked at.
#[derive(Clone, Debug)]
pub struct Point {
    /// Settings, key, certificate, agreement ...
    pub area: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What, and what to do when it is not good.
    pub text: String,
}

impl Point {
    /// A point of an area.
    pub fn new(area: &'static str, standing: Standing, text: impl Into<String>) -> Point {
        Point {
            area,
            standing,
            text: text.into(),
        }
    }
}

/// The master key's file: there, private, and not beside what it protects.
pub fn master_key(config: &Config) -> Vec<Point> {
    let path = config.master_key_file();
    let shown = path.display();
    let point = |standing, text| Point::new("master key", standing, text);
    let Ok(about) = std::fs::metadata(&path) else {
        if config.database_file().exists() {
            let text = format!(
                "{shown}: not there, but the database is: set master_key_file to the key it was \
                 made with, or put that file back"
            );
            return vec![point(Standing::Failed, text)];
        }
        let text = format!("{shown}: not there; `serve` makes one at its first start");
        return vec![point(Standing::Warning, text)];
    };
    let mode = about.permissions().mode() & 0o777;
    let mut points = vec![if mode == 0o600 {
        point(Standing::Good, format!("{shown}: mode 0600"))
    } else {
        let text = format!("{shown}: mode {mode:04o}; set it to 0600");
        point(Standing::Failed, text)
    }];
    if config.key_beside_database() {
        let text = "lies beside the database; one stolen disk then holds both: \
                    set master_key_file";
        points.push(point(Standing::Warning, text.to_owned()));
    }
    points
}

/// The database's file and the room left on its disk.
pub fn storage(config: &Config) -> Vec<Point> {
    let file = config.database_file();
    let shown = file.display();
    let mut points = vec![match std::fs::metadata(&file) {
        Ok(about) => {
            let text = format!("{shown}: {} MiB{}", about.len() >> 20, bound(config));
            Point::new("store", Standing::Good, text)
        }
        Err(_) => {
            let text = format!("{shown}: not there; `serve` makes it");
            Point::new("store", Standing::Warning, text)
        }
    }];
    // Before the first start the folder is not there; what it will lie in is.
    let folder = std::path::absolute(&config.data_dir).ok();
    let folder = folder.as_deref().map(Path::ancestors);
    let folder = folder.and_then(|mut all| all.find(|folder| folder.exists()));
    points.push(match folder.map(rustix::fs::statvfs) {
        Some(Ok(disk)) => room(disk.f_bavail.saturating_mul(disk.f_frsize)),
        _ => {
            let text = "the room on the disk of data_dir cannot be told";
            Point::new("storage", Standing::Warning, text)
        }
    });
    points
}

fn bound(config: &Config) -> String {
    let bound = config.limits.database_mib_max;
    bound.map_or_else(String::new, |mib| format!(" of the {mib} it may have"))
}

/// How much of the disk is free.
fn room(free_bytes: u64) -> Point {
    let free = format!("{} MiB free on the disk of data_dir", free_bytes >> 20);
    if free_bytes < STORAGE_FREE_BYTES_MIN {
        let text = format!("{free}: submissions will be answered storage-full; make room");
        Point::new("storage", Standing::Failed, text)
    } else if free_bytes < STORAGE_FREE_BYTES_LOW {
        Point::new("storage", Standing::Warning, format!("{free}: make room"))
    } else {
        Point::new("storage", Standing::Good, free)
    }
}

/// The server's certificate and the authorities of clients.
pub fn tls(config: &Config, now: Timestamp) -> Vec<Point> {
    let Some(tls) = &config.tls else {
        let text = "no [tls]: plain HTTP on loopback only";
        return vec![Point::new("certificate", Standing::Warning, text)];
    };
    let mut files = vec![tls.certificate_file.as_path()];
    files.extend(tls.client_ca_file.as_deref());
    let mut points: Vec<Point> = files
        .into_iter()
        .flat_map(|file| certificate_file(file, now))
        .collect();
    match crate::web::tls::server_side(tls) {
        Ok(_) => points.push(Point::new(
            "certificate",
            Standing::Good,
            "key and chain fit",
        )),
        Err(error) => {
            points.push(Point::new(
                "certificate",
                Standing::Failed,
                error.to_string(),
            ));
        }
    }
    points
}

fn certificate_file(file: &Path, now: Timestamp) -> Vec<Point> {
    match certificates(file) {
        Err(error) => vec![Point::new(
            "certificate",
            Standing::Failed,
            error.to_string(),
        )],
        Ok(all) => all
            .iter()
            .filter_map(|der| not_after(der))
            .map(|end| until("certificate", &file.display().to_string(), end, now))
            .collect(),
    }
}

/// Agreements and credentials of all partners.
pub fn partners(sources: &Sources, now: Timestamp) -> Vec<Point> {
    if sources.partners.is_empty() {
        let text = "no partner file: nobody can send or receive";
        return vec![Point::new("partners", Standing::Warning, text)];
    }
    let mut points = Vec::new();
    for partner in sources.partners.values() {
        points.extend(dates(partner).map(|(what, end)| until("agreement", &what, end, now)));
        points.extend(authorities(partner, now));
        if partner.credential.is_empty() {
            let text = format!("{}: no credential, it cannot sign in", partner.id);
            points.push(Point::new("partners", Standing::Warning, text));
        }
    }
    points
}

/// Authorities a partner file names for the servers of its out-channels.
fn authorities(partner: &Partner, now: Timestamp) -> Vec<Point> {
    let channels = partner.channel.iter().filter_map(|c| c.https.as_ref());
    let files = channels.filter_map(|https| https.ca_file.as_deref());
    files
        .flat_map(|file| certificate_file(Path::new(file), now))
        .collect()
}

/// When operators' credentials and the certificate shown to recipients end.
pub fn own(config: &Config, now: Timestamp) -> Vec<Point> {
    let mut points = Vec::new();
    if !config.operator.iter().any(|operator| operator.on_call) {
        let text = "no operator is on call: who is told of an emergency access is nobody in \
                    particular; set on_call for a privacy officer";
        points.push(Point::new("operators", Standing::Warning, text));
    }
    for operator in &config.operator {
        if let Some(expires) = &operator.expires {
            let what = format!("operator {}: credential", operator.id);
            points.push(until("credential", &what, end_of(expires), now));
        }
    }
    if let Some(file) = &config.deliver.identity_file {
        points.extend(certificate_file(file, now));
    }
    points
}

fn dates(partner: &Partner) -> impl Iterator<Item = (String, Timestamp)> + '_ {
    let agreements = partner.agreement.iter().filter_map(|agreement| {
        let end = end_of(agreement.expires.as_ref()?);
        Some((format!("{}: {}", partner.id, agreement.id), end))
    });
    let credentials = partner.credential.iter().filter_map(|credential| {
        let end = end_of(credential.expires.as_ref()?);
        Some((format!("{}: credential", partner.id), end))
    });
    agreements.chain(credentials)
}

fn end_of(date: &toml::value::Datetime) -> Timestamp {
    crate::web::principal::end_of(date).unwrap_or(Timestamp(i64::MIN))
}

fn until(area: &'static str, what: &str, end: Timestamp, now: Timestamp) -> Point {
    let left_days = end.since(now).as_secs() / 86_400;
    if end <= now {
        Point::new(
            area,
            Standing::Failed,
            format!("{what}: has ended; renew it"),
        )
    } else if end.since(now) < ENDING_SOON {
        let text = format!("{what}: ends in {left_days} days; renew it");
        Point::new(area, Standing::Warning, text)
    } else {
        Point::new(
            area,
            Standing::Good,
            format!("{what}: {left_days} days left"),
        )
    }
}

/// Lanes of a running gateway, from its Prometheus text. Waiting for longer than an hour is worth
/// a look.
pub fn lanes(metrics: &str) -> Vec<Point> {
    let mut points = vec![Point::new("gateway", Standing::Good, "answers")];
    if metrics
        .lines()
        .any(|line| line == "kinbridge_storage_trouble 1")
    {
        let text = "the gateway's last write failed: see storage_trouble in its log";
        points.push(Point::new("storage", Standing::Failed, text));
    }
    points.extend(metrics.lines().find_map(reviews));
    for line in metrics.lines() {
        let Some(rest) = line.strip_prefix("kinbridge_lane_oldest_seconds{") else {
            continue;
        };
        let Some((labels, seconds)) = rest.split_once("} ") else {
            continue;
        };
        let seconds: f64 = seconds.trim().parse().unwrap_or(f64::MAX);
        if seconds <= 0.0 {
            continue;
        }
        let standing = if seconds > LANE_WAIT_MAX.as_secs_f64() {
            Standing::Warning
        } else {
            Standing::Good
        };
        let text = format!("{labels}: oldest waits {seconds:.0} s");
        points.push(Point::new("lane", standing, text));
    }
    points
}

/// Reviews of a running gateway nobody has done in time, from a line of its Prometheus text.
fn reviews(line: &str) -> Option<Point> {
    let open = line.strip_prefix("kinbridge_reviews_overdue ")?.trim();
    let text = match open {
        "0" => return Some(Point::new("review", Standing::Good, "none is overdue")),
        _ => format!("{open} releases not looked at in time: a privacy officer resolves them"),
    };
    Some(Point::new("review", Standing::Failed, text))
}

/// Points as a table, the worst last so that they stand at the end of a long list.
pub fn table(points: &mut [Point]) -> String {
    points.sort_by_key(|point| point.standing);
    let wide = points
        .iter()
        .map(|point| point.area.len())
        .max()
        .unwrap_or(0);
    points
        .iter()
        .map(|point| {
            let word = point.standing.word();
            format!("{word:<5} {:<wide$}  {}\n", point.area, point.text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_end_is_told_before_it_comes() {
        // Goal: a warning two months ahead, a failure after. Method: three distances.
        let day = Duration::from_secs(86_400);
        let now = Timestamp(0);
        let standing = |end| until("agreement", "x", end, now).standing;
        assert_eq!(standing(now.after(day * 61)), Standing::Good);
        assert_eq!(standing(now.after(day * 59)), Standing::Warning);
        assert_eq!(standing(now), Standing::Failed);
    }

    #[test]
    fn lanes_are_read_from_the_gateways_own_numbers() {
        // Goal: a lane that waits long is seen. Method: three lanes as the gateway shows them.
        let text = "kinbridge_lane_oldest_seconds{partner=\"a\",channel=\"c\"} 0\n\
                    kinbridge_lane_oldest_seconds{partner=\"b\",channel=\"c\"} 20\n\
                    kinbridge_lane_oldest_seconds{partner=\"d\",channel=\"c\"} 7200.5\n";
        let seen: Vec<Standing> = lanes(text).iter().map(|p| p.standing).collect();
        assert_eq!(seen, [Standing::Good, Standing::Good, Standing::Warning]);
    }

    #[test]
    fn overdue_reviews_are_seen_by_doctor() {
        // Goal: an officer's neglect is seen. Method: the gateway's number, at none and at two.
        let standing = |text| lanes(text).pop().map(|point| point.standing);
        let none = standing("kinbridge_reviews_overdue 0\n");
        assert_eq!(none, Some(Standing::Good));
        let two = standing("kinbridge_reviews_overdue 2\n");
        assert_eq!(two, Some(Standing::Failed));
    }

    #[test]
    fn room_is_told_before_it_runs_out() {
        // Goal: a full disk is seen by doctor, before and while it is full. Method: three amounts
        // of free room, a folder of this machine, and a gateway whose last write failed.
        let standing = |free| room(free).standing;
        assert_eq!(standing(STORAGE_FREE_BYTES_LOW), Standing::Good);
        assert_eq!(standing(STORAGE_FREE_BYTES_LOW - 1), Standing::Warning);
        assert_eq!(standing(STORAGE_FREE_BYTES_MIN - 1), Standing::Failed);
        let folder = tempfile::tempdir().expect("folder");
        let below = folder.path().join("not/there/yet");
        let config = Config::on_loopback(&below).expect("settings");
        let points = storage(&config);
        assert_eq!(points.len(), 2);
        assert!(points[1].text.contains("MiB free"), "{}", points[1].text);
        let seen = lanes("kinbridge_storage_trouble 1\n");
        assert_eq!(seen[1].standing, Standing::Failed);
        assert_eq!(lanes("kinbridge_storage_trouble 0\n").len(), 1);
    }

    #[test]
    fn a_key_that_is_gone_while_its_database_is_there_fails() {
        // Goal: a mistyped master_key_file is seen before the gateway starts. Method: no key
        // without a database, then with one.
        let folder = tempfile::tempdir().expect("folder");
        let config = Config::on_loopback(folder.path()).expect("settings");
        assert_eq!(master_key(&config)[0].standing, Standing::Warning);
        std::fs::write(config.database_file(), "x").expect("written");
        assert_eq!(master_key(&config)[0].standing, Standing::Failed);
    }

    #[test]
    fn a_key_others_can_read_fails() {
        // Goal: mode 0600 and nothing else. Method: a key file of each mode.
        let folder = tempfile::tempdir().expect("folder");
        let mut config = Config::on_loopback(folder.path()).expect("settings");
        let key = folder.path().join("keys");
        std::fs::create_dir(&key).expect("folder");
        config.master_key_file = Some(key.join("master.key"));
        let file = config.master_key_file();
        std::fs::write(&file, "x").expect("written");
        for (mode, wanted) in [(0o600, Standing::Good), (0o640, Standing::Failed)] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&file, mode).expect("mode");
            let points = master_key(&config);
            assert_eq!(points.len(), 1);
            assert_eq!(points[0].standing, wanted);
        }
    }
}
