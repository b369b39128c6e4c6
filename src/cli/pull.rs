//! `kinbridge pull`: fetches a batch of released records, with progress, resume and hashes.
//!
//! A file counts only once its length and SHA-256 are those of the manifest. It must never print
//! a record.

use crate::base::digest::Digest;
use anyhow::{Context, bail, ensure};
use aws_lc_rs::digest::{Context as Hasher, SHA256};
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Client, StatusCode, header};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// How long between two looks at a job that is still running.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How often a broken download is taken up again.
const RESUMES_MAX: u32 = 20;

/// Arguments of `pull`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway, e.g. https://gateway.county.example
    #[arg(long)]
    url: String,
    /// File that holds the bearer token
    #[arg(long)]
    token_file: PathBuf,
    /// PEM file of the authority that signed the gateway's certificate
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Record types, with commas; left out, all of the channel
    #[arg(long, value_delimiter = ',')]
    records: Vec<String>,
    /// Format; left out, that of the channel
    #[arg(long)]
    format: Option<String>,
    /// Pull channel; left out, the first that fits, and one of the emergency door's last
    #[arg(long)]
    channel: Option<String>,
    /// An extract begun earlier, to fetch or resume
    #[arg(long)]
    extract: Option<String>,
    /// Folder for the files and the manifest
    #[arg(long, default_value = "extract")]
    out: PathBuf,
}

/// The part of the answer that the client needs.
#[derive(Debug, Deserialize)]
struct Extract {
    extract_id: String,
    status: String,
    #[serde(default)]
    manifest: Option<Manifest>,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    files: Vec<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    name: String,
    records: u64,
    bytes: u64,
    sha256: Digest,
}

/// Fetches the batch.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(pull(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn pull(args: &Args) -> anyhow::Result<()> {
    let gateway = Gateway::open(args)?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make {:?}", args.out))?;
    let id = match &args.extract {
        Some(id) => id.clone(),
        None => gateway.begin(args).await?.extract_id,
    };
    println!("extract   {id}");
    let (text, manifest) = gateway.wait(&id).await?;
    std::fs::write(args.out.join("manifest.json"), text)?;
    for file in &manifest.files {
        ensure!(
            is_plain(&file.name),
            "the manifest names a file outside the folder"
        );
        gateway.fetch(&id, file, &args.out.join(&file.name)).await?;
        println!(
            "{:<32} {:>9} records  sha256 {}",
            file.name, file.records, file.sha256
        );
    }
    println!("all files have the length and SHA-256 of the manifest");
    Ok(())
}

/// Whether a name is one plain path segment.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

struct Gateway {
    client: Client,
    url: String,
    token: String,
}

impl Gateway {
    fn open(args: &Args) -> anyhow::Result<Gateway> {
        let token = std::fs::read_to_string(&args.token_file)
            .with_context(|| format!("cannot read {:?}", args.token_file))?;
        // A second installation in one process is harmless: the provider is the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60));
        if let Some(file) = &args.ca_file {
            let pem = std::fs::read(file).with_context(|| format!("cannot read {file:?}"))?;
            builder = builder.tls_certs_only([reqwest::Certificate::from_pem(&pem)?]);
        }
        Ok(Gateway {
            client: builder.build()?,
            url: args.url.trim_end_matches('/').to_owned(),
            token: token.trim().to_owned(),
        })
    }

    async fn begin(&self, args: &Args) -> anyhow::Result<Extract> {
        let mut parameters = serde_json::Map::new();
        if !args.records.is_empty() {
            parameters.insert("records".to_owned(), args.records.clone().into());
        }
        if let Some(format) = &args.format {
            parameters.insert("format".to_owned(), format.clone().into());
        }
        if let Some(channel) = &args.channel {
            parameters.insert("channel".to_owned(), channel.clone().into());
        }
        let request = self
            .client
            .post(format!("{}/v1/extracts", self.url))
            .json(&parameters);
        let answer = request.bearer_auth(&self.token).send().await?;
        let answer = told(answer).await?;
        Ok(answer.json().await?)
    }

    /// Waits until the job has ended; gives the manifest as text and as read.
    async fn wait(&self, id: &str) -> anyhow::Result<(String, Manifest)> {
        let spinner = ProgressBar::new_spinner().with_message("deciding and counting");
        loop {
            let request = self.client.get(format!("{}/v1/extracts/{id}", self.url));
            let answer = told(request.bearer_auth(&self.token).send().await?).await?;
            let text = answer.text().await?;
            let extract: Extract = serde_json::from_str(&text)?;
            match (extract.status.as_str(), extract.manifest) {
                ("ready", Some(manifest)) => {
                    spinner.finish_and_clear();
                    return Ok((text, manifest));
                }
                ("running", _) => {
                    spinner.tick();
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                ("stale", _) => {
                    bail!("a consent changed since this extract was decided; begin a new one")
                }
                ("expired", _) => bail!("this extract is too old; begin a new one"),
                (other, _) => bail!("the extract ended as {other}"),
            }
        }
    }

    /// Fetches one file, taking up where an earlier attempt broke off.
    async fn fetch(&self, id: &str, file: &File, path: &Path) -> anyhow::Result<()> {
        let style = ProgressStyle::with_template("{msg:<32} {bar:32} {bytes}/{total_bytes}")?;
        let bar = ProgressBar::new(file.bytes)
            .with_style(style)
            .with_message(file.name.clone());
        for _ in 0..RESUMES_MAX {
            let have = path
                .metadata()
                .map(|m| m.len())
                .unwrap_or(0)
                .min(file.bytes);
            bar.set_position(have);
            if have == file.bytes {
                break;
            }
            self.append(id, file, path, have, &bar).await?;
        }
        bar.finish_and_clear();
        let (length, digest) = measure(path)?;
        if length != file.bytes || digest != file.sha256 {
            std::fs::remove_file(path)?;
            bail!(
                "{}: length or SHA-256 differs from the manifest; removed",
                file.name
            );
        }
        Ok(())
    }

    async fn append(
        &self,
        id: &str,
        file: &File,
        path: &Path,
        have: u64,
        bar: &ProgressBar,
    ) -> anyhow::Result<()> {
        let url = format!("{}/v1/extracts/{id}/files/{}", self.url, file.name);
        let mut request = self.client.get(url).bearer_auth(&self.token);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let answer = told(request.send().await?).await?;
        let resumed = answer.status() == StatusCode::PARTIAL_CONTENT;
        let mut options = tokio::fs::OpenOptions::new();
        options
            .create(true)
            .write(true)
            .append(resumed)
            .truncate(!resumed);
        // Records of families: for this user alone.
        #[cfg(unix)]
        options.mode(0o600);
        let mut out = options.open(path).await?;
        let mut body = answer.bytes_stream();
        // A broken stream is not an error here: the caller asks for the rest.
        while let Some(Ok(chunk)) = body.next().await {
            out.write_all(&chunk).await?;
            bar.inc(chunk.len() as u64);
        }
        out.flush().await?;
        out.sync_all().await?;
        Ok(())
    }
}

/// A problem answer as an error in its own words.
async fn told(answer: reqwest::Response) -> anyhow::Result<reqwest::Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let problem: serde_json::Value = answer.json().await.unwrap_or_default();
    let code = problem
        .get("code")
        .and_then(|c| c.as_str())
        .unwrap_or("no code");
    let detail = problem
        .get("detail")
        .and_then(|d| d.as_str())
        .unwrap_or_default();
    bail!("the gateway answered {status}: {code} {detail}")
}

fn measure(path: &Path) -> anyhow::Result<(u64, Digest)> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Hasher::new(&SHA256);
    let mut buffer = vec![0_u8; 64 << 10];
    let mut length = 0_u64;
    loop {
        let got = file.read(&mut buffer)?;
        let Some(chunk) = buffer.get(..got).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        hasher.update(chunk);
        length += got as u64;
    }
    let digest = Digest::from_hex(&crate::base::digest::hex(hasher.finish().as_ref()));
    Ok((length, digest.context("a digest has 32 bytes")?))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn a_manifest_cannot_name_a_path() {
        assert!(is_plain("service-referral.ndjson"));
        assert!(!is_plain("../x") && !is_plain("a/b") && !is_plain(".hidden") && !is_plain(""));
    }
}
