//! The engine of another host over ssh: `docker system dial-stdio` over there hands its engine's socket through, as it
//! does for docker itself.
//!
//! bollard has a way of its own, which takes the keys of unknown hosts unasked, does not know of ports, and starts an
//! ssh for each request. Here ssh decides by its own configuration, nothing is asked of a person, and a connection is
//! used again.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::BollardRequest;
use bollard::errors::Error as ApiError;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::address::Login;

/// How long an ssh whose connection is over may take to end by itself.
const END: Duration = Duration::from_secs(2);

/// How long an ssh that said no may take to say why.
const WORDS: Duration = Duration::from_secs(5);

/// Seconds that a connection may take, and after which a silent one is asked whether it is still there.
const OPTIONS: [&str; 4] = ["BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=4"];

/// The type of what bollard sends, which it does not name.
trait Sent {
    type Body;
}

impl<B> Sent for hyper::Request<B> {
    type Body = B;
}

type Body = <BollardRequest as Sent>::Body;

/// Connections to one engine. A clone has the same ones.
#[derive(Clone)]
pub(super) struct Road {
    login: Login,
    free: Arc<Mutex<Vec<SendRequest<Body>>>>,
}

impl Road {
    pub(super) fn new(login: Login) -> Self {
        Self { login, free: Arc::default() }
    }

    /// Sends a request over a connection that is free, or a new one.
    pub(super) async fn request(self, mut request: BollardRequest) -> Result<Response<Incoming>, ApiError> {
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        *request.uri_mut() = path.parse().map_err(io_error)?;
        request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
        let free = self.free();
        let (mut sender, mut ssh) = match free {
            Some(sender) => (sender, None),
            None => self.connect().await.map(|(sender, ssh)| (sender, Some(ssh)))?,
        };
        let answer = match sender.send_request(request).await {
            Ok(answer) => answer,
            Err(cause) => return Err(why(ssh.as_mut(), cause).await),
        };
        if let Some(ssh) = ssh {
            tokio::spawn(outlive(ssh));
        }
        // It is free again when its answer has been read.
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Ok(answer)
    }

    fn free(&self) -> Option<SendRequest<Body>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.retain(|sender| !sender.is_closed());
        let at = free.iter().position(SendRequest::is_ready)?;
        Some(free.swap_remove(at))
    }

    async fn connect(&self) -> Result<(SendRequest<Body>, Child), ApiError> {
        // One socket for both ways, so that either end can be closed alone.
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(io_error)?;
        ours.set_nonblocking(true).map_err(io_error)?;
        let stream = UnixStream::from_std(ours).map_err(io_error)?;
        let mut ssh = self.command(theirs).map_err(io_error)?.spawn().map_err(|cause| {
            let words = format!("start ssh: {cause}: it is needed for ssh:// (package openssh-client)");
            io_error(io::Error::new(cause.kind(), words))
        })?;
        match handshake(TokioIo::new(stream)).await {
            Ok((sender, connection)) => {
                tokio::spawn(connection.with_upgrades());
                Ok((sender, ssh))
            }
            Err(cause) => Err(why(Some(&mut ssh), cause).await),
        }
    }

    fn command(&self, socket: std::os::unix::net::UnixStream) -> io::Result<Command> {
        let Login { user, host, port } = &self.login;
        let mut command = Command::new("ssh");
        command.arg("-T").args(OPTIONS.iter().flat_map(|option| ["-o", *option]));
        command.args(user.iter().flat_map(|user| ["-l", user.as_str()]));
        if let Some(port) = port {
            command.arg("-p").arg(port.to_string());
        }
        command.args(["--", host, "docker", "system", "dial-stdio"]);
        let socket = OwnedFd::from(socket);
        command.stdin(Stdio::from(socket.try_clone()?)).stdout(Stdio::from(socket)).stderr(Stdio::piped());
        // A ctrl-c at the terminal is for weave, which finishes or undoes what was begun, and needs ssh for that.
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }
}

/// Collects an ssh when its connection is over. What it says meanwhile is read, lest it wait for that.
async fn outlive(mut ssh: Child) {
    let mut words = [0; 1024];
    if let Some(mut said) = ssh.stderr.take() {
        while said.read(&mut words).await.is_ok_and(|size| size > 0) {}
    }
    // After its last word it ends.
    if tokio::time::timeout(END, ssh.wait()).await.is_err() {
        // It may have ended just now.
        let _ = ssh.kill().await;
    }
}

/// Why there is no answer: in ssh's words, if it has any.
async fn why(ssh: Option<&mut Child>, cause: hyper::Error) -> ApiError {
    let Some(said) = ssh.and_then(|ssh| ssh.stderr.as_mut()) else { return io_error(cause) };
    let mut words = String::new();
    // What was read until then is all there is.
    let _ = tokio::time::timeout(WORDS, said.read_to_string(&mut words)).await;
    let words: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if words.is_empty() { io_error(cause) } else { io_error(format!("ssh: {}", words.join("; "))) }
}

fn io_error(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ApiError {
    ApiError::IOError { err: io::Error::other(cause) }
}
