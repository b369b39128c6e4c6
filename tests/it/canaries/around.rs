//! What stands around the road: numbers, health, `doctor`, and the files the gateway keeps.

use super::road::mute;
use super::scan::Scanner;
use super::world::World;

/// The metrics page, the health pages, and what `doctor` prints.
pub async fn numbers(world: &World, scanner: &Scanner) {
    let address = world.gateway.running.metrics_address;
    let page = reqwest::get(format!("http://{address}/metrics"))
        .await
        .expect("metrics");
    mute(scanner, &page.bytes().await.expect("body"), "a metric");
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        let answer = world.ask("alpha", "GET", path, None).await;
        mute(scanner, &answer.all(), path);
    }
    let config = &world.gateway.running.gateway.config;
    let file = world.gateway.folder().join("doctor.toml");
    let text = format!(
        "data_dir = {:?}\ncatalog = {:?}\n[listen]\naddress = \"{}\"\nmetrics_address = \"{}\"\n",
        config.data_dir, config.catalog, world.gateway.running.address, address
    );
    std::fs::write(&file, text).expect("written");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_kinbridge"))
        .args(["doctor", "--config"])
        .arg(&file)
        .output()
        .expect("runs");
    let told = [run.stdout, run.stderr].concat();
    assert!(
        String::from_utf8_lossy(&told).contains("rules"),
        "doctor told nothing"
    );
    mute(scanner, &told, "doctor");
}

/// Names and bytes of every file the gateway keeps.
pub fn kept(scanner: &Scanner, folder: &std::path::Path) {
    let mut open = vec![folder.to_path_buf()];
    let (mut files, mut bytes) = (0, 0);
    while let Some(at) = open.pop() {
        mute(scanner, at.display().to_string().as_bytes(), "a file name");
        if at.is_dir() {
            open.extend(
                std::fs::read_dir(&at)
                    .expect("a folder")
                    .flatten()
                    .map(|it| it.path()),
            );
            continue;
        }
        let content = std::fs::read(&at).expect("readable");
        files += 1;
        bytes += content.len();
        mute(scanner, &content, &at.display().to_string());
    }
    assert!(
        files > 3 && bytes > 1 << 20,
        "{files} files of {bytes} bytes"
    );
}
