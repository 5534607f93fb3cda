//! Where metrics are asked for: `GET /metrics`, and nothing else.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::metrics::Metrics;
use crate::{Error, Result};

/// So many may ask at the same time.
const AT_ONCE: usize = 16;

/// So long one may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// So long one may stay altogether; whoever scrapes comes again.
const LONGEST: Duration = Duration::from_secs(300);

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Listens from here on.
///
/// # Errors
/// The address is somebody else's, or not this host's.
pub(super) async fn begin(address: SocketAddr, metrics: Metrics) -> Result<()> {
    let failed = |error| Error::os(format!("metrics {address}"), "listen", error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let own = listener.local_addr().map_err(failed)?;
    if !own.ip().is_loopback() {
        tracing::warn!("metrics are for everybody who reaches {own}: names of containers, and what they carry");
    }
    tracing::info!("metrics on http://{own}/metrics");
    tokio::spawn(serve(listener, metrics));
    Ok(())
}

async fn serve(listener: TcpListener, metrics: Metrics) {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        // It is never closed.
        let Ok(permit) = Arc::clone(&gate).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(one(stream, metrics.clone(), permit))),
            Err(error) => {
                // Out of file descriptors, mostly; it passes.
                tracing::warn!(%error, "metrics cannot be asked for");
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

async fn one(stream: TcpStream, metrics: Metrics, _permit: OwnedSemaphorePermit) {
    let answer = |request: Request<Incoming>| {
        let metrics = metrics.clone();
        async move { Ok::<_, Infallible>(answer(&request, &metrics).await) }
    };
    let mut server = Builder::new();
    let served = server
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    if let Ok(Err(error)) = tokio::time::timeout(LONGEST, served).await {
        tracing::debug!(%error, "a question for metrics");
    }
}

async fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<String> {
    let (status, kind, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => match metrics.text().await {
            Ok(text) => (StatusCode::OK, TEXT, text),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, "text/plain", format!("{error}\n")),
        },
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "allowed: GET\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "there is /metrics\n".to_owned()),
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}
