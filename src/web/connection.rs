//! One connection: TLS or plain, a paced writer, HTTP/1.1, then the routes.
//!
//! `Expect: 100-continue` is a question whether the body is welcome: it is answered by the same
//! authentication as the request itself, so that an unknown caller is never told to go on.

use super::answer::{correlation_of, known_caller, unauthenticated};
use super::body::Pace;
use super::deadline::Paced;
use super::register::{nowhere, register};
use super::site::Site;
use super::tls::{Peer, Secured};
use actix_http::body::BoxBody;
use actix_http::error::DispatchError;
use actix_http::{HttpService, HttpServiceBuilder, KeepAlive, Protocol};
use actix_service::{
    IntoServiceFactory as _, Service as _, ServiceFactory, ServiceFactoryExt as _, fn_service,
    map_config,
};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{AppConfig, Extensions};
use actix_web::{App, HttpMessage as _, web};
use arc_swap::ArcSwap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A failure that ends one connection; the peer sees it closed.
#[derive(Debug)]
pub struct Ended;

/// Plain HTTP, for loopback.
pub fn plain<S>(
    site: Arc<Site>,
    stopping: impl Fn() -> S + 'static,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = Ended, InitError = ()>
where
    S: Future<Output = ()> + 'static,
{
    let pace = Pace::of(&site.config.limits);
    fn_service(move |io: TcpStream| async move {
        // Best effort: the connection works without.
        let _ = io.set_nodelay(true);
        let peer = io.peer_addr().ok();
        Ok::<_, Ended>((Paced::new(io, pace), Protocol::Http1, peer))
    })
    .and_then(http(site, stopping, |_: &TcpStream| None).map_err(|_| Ended))
}

/// HTTP inside TLS. Each connection begins with the files loaded last and takes its handshake by
/// itself: the bound is the number of open connections, so that callers who never begin theirs
/// keep nobody else waiting.
pub fn secured<S>(
    site: Arc<Site>,
    tls: Arc<ArcSwap<Secured>>,
    stopping: impl Fn() -> S + 'static,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = Ended, InitError = ()>
where
    S: Future<Output = ()> + 'static,
{
    let pace = Pace::of(&site.config.limits);
    let clock = site.clock.clone();
    let known = Arc::clone(&tls);
    let show = move |io: &TlsStream<TcpStream>| {
        let leaf = io.get_ref().1.peer_certificates()?.first()?;
        known.load().authorities.identify(leaf, clock.now())
    };
    fn_service(move |io: TcpStream| {
        let begun = ServiceFactory::<TcpStream>::new_service(&tls.load().acceptor, ());
        async move {
            // Mandatory with TLS: a handshake would wait for delayed acknowledgements.
            let _ = io.set_nodelay(true);
            let peer = io.peer_addr().ok();
            let service = begun.await.map_err(|()| Ended)?;
            let io = service.call(io).await.map_err(|_| Ended)?;
            Ok::<_, Ended>((Paced::new(io, pace), Protocol::Http1, peer))
        }
    })
    .and_then(http(site, stopping, show).map_err(|_| Ended))
}

fn http<T, S>(
    site: Arc<Site>,
    stopping: impl Fn() -> S + 'static,
    show: impl Fn(&T) -> Option<Peer> + 'static,
) -> impl ServiceFactory<
    (Paced<T>, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Future<Output = ()> + 'static,
{
    let state = web::Data::from(site.clone());
    let app = App::new()
        .app_data(state)
        .configure(register)
        .default_service(web::to(nowhere))
        .into_factory()
        .map_err(|error: actix_web::Error| error.error_response());
    let head_timeout = Duration::from_millis(site.config.limits.head_timeout_ms);
    let builder = HttpService::build()
        .graceful_shutdown_signal(stopping)
        .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
        .client_request_timeout(head_timeout)
        .client_disconnect_timeout(Duration::from_secs(1));
    let welcome = fn_service(move |request: actix_http::Request| {
        let answer = unwelcome(&site, &request);
        async move { answer.map_or(Ok(request), Err) }
    });
    HttpServiceBuilder::expect(builder, welcome)
        .on_connect_ext(move |io: &Paced<T>, data: &mut Extensions| {
            if let Some(peer) = show(io.inner()) {
                data.insert(peer);
            }
        })
        .finish(map_config(app, |()| AppConfig::default()))
}

/// The answer to an unknown caller who asks whether to send a body; `None` for a known one.
fn unwelcome(site: &Site, request: &actix_http::Request) -> Option<actix_http::Response<BoxBody>> {
    if known_caller(site, request.headers(), request.conn_data::<Peer>()).is_some() {
        return None;
    }
    let correlation = correlation_of(request.headers(), site);
    Some(unauthenticated().into_response(&correlation).into())
}
