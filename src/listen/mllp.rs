//! HL7 v2 over MLLP: one connection speaks for one partner, one message at a time.
//!
//! A message is answered when intake has committed it, and the next one is read after that: a
//! sender that waits for answers loses nothing, whatever breaks. It must never answer `AA` for
//! anything else, take a message from somebody it does not know, or wait for a peer without an end.

use super::frame::{Broken, Frames, framed};
use crate::base::clock::Clock;
use crate::base::digest::hex;
use crate::base::finding::Finding;
use crate::base::finding_codes::RECORD_TYPE_UNKNOWN;
use crate::base::id::{ChannelId, CorrelationId, EntryId, PartnerId};
use crate::base::sensitive::Sensitive;
use crate::catalog::partner::Direction;
use crate::format::hl7v2::{Acknowledgment, Told, acknowledge};
use crate::intake::{self, Inbound, Receipt, Refusal};
use crate::rules::Rules;
use crate::store::Store;
use crate::telemetry::{Event, emit};
use arc_swap::ArcSwap;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

/// Connections open at once.
const CONNECTIONS_MAX: usize = 256;
/// For the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// From the first byte of a frame to its last.
const FRAME: Duration = Duration::from_secs(60);
/// Between two frames.
const IDLE: Duration = Duration::from_secs(900);
/// For an answer to be taken.
const WRITE: Duration = Duration::from_secs(30);
/// Bytes read at once.
const READ_BYTES: usize = 16 << 10;
/// Characters of an answer's own control id (ST of 20 before 2.7).
const ID_CHARS: usize = 20;

/// Who may speak, as credentials stand now.
pub trait Callers: Send + Sync + 'static {
    /// TLS as a new connection begins it; `None` where none is set up.
    fn acceptor(&self) -> Option<TlsAcceptor>;
    /// Whom a verified client certificate shows, or who speaks where there is no TLS.
    fn partner(&self, certificate: Option<&CertificateDer<'_>>) -> Option<PartnerId>;
    /// Whether one more message is within the partner's rate.
    fn within_rate(&self, partner: &PartnerId) -> bool;
}

/// What a message is handed to.
#[derive(Clone)]
pub struct Desk {
    /// Where it is kept.
    pub store: Store,
    /// The rules in force.
    pub rules: Arc<ArcSwap<Rules>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who may speak.
    pub callers: Arc<dyn Callers>,
}

/// A listener at work.
pub struct Mllp {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Mllp {
    /// Listens at an address. Must be called inside the runtime.
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub async fn start(address: SocketAddr, desk: Desk) -> std::io::Result<Mllp> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(listen(listener, desk, stopped));
        Ok(Mllp {
            address,
            stop,
            task,
        })
    }

    /// Takes no more; messages under way are answered first.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        // It ends by itself: nothing it waits for has no end.
        let _ = self.task.await;
    }
}

async fn listen(listener: TcpListener, desk: Desk, mut stopped: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut open = JoinSet::new();
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next(), if !open.is_empty() => continue,
            _ = stopped.changed() => break,
        };
        let Ok((socket, _)) = socket else { continue };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            emit(&Event::ListenerClosed {
                cause: "too many connections",
            });
            continue;
        };
        let (desk, stopped) = (desk.clone(), stopped.clone());
        open.spawn(async move {
            if let Err(cause) = connection(&desk, socket, stopped).await {
                emit(&Event::ListenerClosed { cause });
            }
            drop(place);
        });
    }
    while open.join_next().await.is_some() {}
}

/// Why a connection was ended from here.
type Cause = &'static str;

async fn connection(
    desk: &Desk,
    socket: TcpStream,
    stopped: watch::Receiver<bool>,
) -> Result<(), Cause> {
    let _ = socket.set_nodelay(true);
    let Some(acceptor) = desk.callers.acceptor() else {
        return talk(desk, socket, None, stopped).await;
    };
    let secured = timeout(HANDSHAKE, acceptor.accept(socket)).await;
    let secured = secured.map_err(|_| "no TLS handshake in time")?;
    let secured = secured.map_err(|_| "the TLS handshake failed")?;
    let certificates = secured.get_ref().1.peer_certificates();
    let shown = certificates.and_then(<[_]>::first).cloned();
    let shown = shown.ok_or("no client certificate was shown")?;
    talk(desk, secured, Some(shown.into_owned()), stopped).await
}

/// One message after the other, each answered before the next.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    desk: &Desk,
    mut stream: S,
    shown: Option<CertificateDer<'static>>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Cause> {
    let mut frames = Frames::default();
    let mut buffer = vec![0; READ_BYTES];
    let mut until = Instant::now() + IDLE;
    loop {
        while let Some(message) = frames.next_message().map_err(Broken::cause)? {
            // Whom it shows is asked again: a credential may have been taken back meanwhile.
            let partner = desk.callers.partner(shown.as_ref());
            let partner = partner.ok_or("nobody known speaks here")?;
            let answer = framed(&desk.take(&partner, message).await);
            let written = timeout(WRITE, stream.write_all(&answer)).await;
            let written = written.map_err(|_| "the answer was not taken in time")?;
            written.map_err(|_| "the connection broke off")?;
            until = Instant::now() + IDLE;
        }
        let within = frames.is_within();
        let read = tokio::select! {
            read = timeout_at(until, stream.read(&mut buffer)) => read,
            _ = stopped.changed() => return Ok(()),
        };
        let Ok(read) = read else {
            return if within {
                Err("a message did not end in time")
            } else {
                Ok(())
            };
        };
        let count = read.map_err(|_| "the connection broke off")?;
        if count == 0 {
            return if within {
                Err("a message broke off")
            } else {
                Ok(())
            };
        }
        frames.push(buffer.get(..count).unwrap_or_default());
        if !within {
            until = Instant::now() + FRAME;
        }
    }
}

impl Broken {
    const fn cause(self) -> Cause {
        match self {
            Broken::Outside => "bytes stand outside a frame",
            Broken::TooLong => "a frame is longer than a message may be",
        }
    }
}

impl Desk {
    /// Hands one message in; the answer to it.
    async fn take(&self, partner: &PartnerId, message: Vec<u8>) -> Vec<u8> {
        let now = self.clock.now();
        // Any minted id has the bytes wanted: time-ordered and unique.
        let correlation = CorrelationId::new(&hex(&EntryId::mint(now).0));
        let head = message.clone();
        let (acknowledgment, findings) = match self.accept(partner, message, &correlation).await {
            Ok(receipt) => accepted(partner, &receipt, &correlation),
            Err(refusal) => refused(partner, refusal, &correlation),
        };
        let id: String = correlation.as_str().chars().take(ID_CHARS).collect();
        let told = Told {
            acknowledgment,
            findings: &findings,
            id: &id,
            at: now,
        };
        acknowledge(&head, told)
    }

    async fn accept(
        &self,
        partner: &PartnerId,
        message: Vec<u8>,
        correlation: &CorrelationId,
    ) -> Result<Receipt, Refusal> {
        let rules = self.rules.load_full();
        let channel = way_in(&rules, partner).ok_or(Refusal::ChannelUnknown)?;
        if !self.callers.within_rate(partner) {
            return Err(Refusal::Busy);
        }
        let inbound = Inbound {
            partner: partner.clone(),
            channel,
            // A sender that repeats a control id may mean another message: what is the same is told
            // by what it says.
            key: None,
            body: Sensitive::new(message),
            correlation: correlation.clone(),
            received_at: self.clock.now(),
        };
        intake::accept(&self.store, &rules, inbound).await
    }
}

/// The partner's one in-channel of messages; none where several could be meant.
fn way_in(rules: &Rules, partner: &PartnerId) -> Option<ChannelId> {
    let channels = &rules.partners.get(partner)?.channel;
    let mut own = channels
        .iter()
        .filter(|channel| channel.direction == Direction::In)
        .filter(|channel| {
            let wire = rules.wires.get(&channel.format);
            wire.is_some_and(|wire| wire.is_messages())
        });
    let channel = own.next()?;
    own.next().is_none().then(|| channel.name.clone()).flatten()
}

fn accepted(
    partner: &PartnerId,
    receipt: &Receipt,
    correlation: &CorrelationId,
) -> (Acknowledgment, Vec<Finding>) {
    emit(&Event::Accepted {
        partner,
        accepted: receipt.counts.accepted,
        duplicate: receipt.counts.duplicate,
        rejected: receipt.counts.rejected,
        held: receipt.counts.held,
        correlation,
    });
    let findings = receipt.records.iter().flat_map(|record| &record.findings);
    let findings = findings.cloned().collect();
    match receipt.counts.rejected {
        0 => (Acknowledgment::Accept, findings),
        _ => (Acknowledgment::Error, findings),
    }
}

fn refused(
    partner: &PartnerId,
    refusal: Refusal,
    correlation: &CorrelationId,
) -> (Acknowledgment, Vec<Finding>) {
    let (acknowledgment, code, findings) = match refusal {
        Refusal::Nothing(findings) => (Acknowledgment::Error, "nothing-accepted", findings),
        Refusal::ChannelUnknown | Refusal::FormatUnknown => {
            let said = "no in-channel of this partner takes HL7 v2, or several do";
            let finding = Finding::new(&RECORD_TYPE_UNKNOWN).saying(said);
            (Acknowledgment::Reject, "format-unsupported", vec![finding])
        }
        Refusal::TooLarge => (Acknowledgment::Reject, "body-too-large", Vec::new()),
        Refusal::KeyConflict => (Acknowledgment::Reject, "key-conflict", Vec::new()),
        Refusal::Busy => (Acknowledgment::Reject, "busy", Vec::new()),
        Refusal::Store(error) => {
            error.tell();
            (Acknowledgment::Reject, "store-unavailable", Vec::new())
        }
    };
    emit(&Event::Refused {
        partner,
        code,
        correlation,
    });
    (acknowledgment, findings)
}
