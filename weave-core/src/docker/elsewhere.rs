//! The engine of another host, from or to which a container is moved.
//!
//! No namespace is ever looked for by what it tells; weave itself runs over there for that.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::{Address, Certificates, Login, split_port};
use super::client::{Engine, Patience};
use super::timeout::engine_timeout;
use crate::{Error, ErrorKind, Result};

/// The port of an engine on TCP without TLS, and with it.
const PORTS: [u16; 2] = [2375, 2376];

/// How long it may take to answer at least.
const ANSWER: Duration = Duration::from_secs(30);

const ALLOWED: &str = "allowed: ssh://[USER@]HOST[:PORT], tcp://HOST[:PORT] with TLS, or unix:///path/of/docker.sock";

impl Engine {
    /// The engine at `address`, which may be on another host; `field` is the argument that named it, for errors.
    ///
    /// `tls` is a directory with `ca.pem`, `cert.pem` and `key.pem`; where none is given, `DOCKER_CERT_PATH` is. With
    /// `insecure` it is asked on TCP without TLS: whoever can reach such a port is root on its host. Does no I/O but to
    /// see that the certificates are there. As with `docker -H`.
    ///
    /// # Errors
    /// `InvalidSpec`: an address that is none, TCP without TLS, or a `WEAVE_ENGINE_TIMEOUT` that is no time; `NotFound`: a
    /// certificate that is not there.
    pub(crate) fn elsewhere(field: &str, address: &str, tls: Option<&Path>, insecure: bool) -> Result<Self> {
        let of_caller = || std::env::var_os("DOCKER_CERT_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
        let tls = tls.map(Path::to_owned).or_else(of_caller);
        let address = read(address.trim(), tls.as_deref(), insecure).map_err(|error| error.within(field))?;
        // Another host may be far away, and a connection over ssh takes its time.
        let answer = engine_timeout()?.map_or(ANSWER, |timeout| timeout.max(ANSWER));
        let patience = Patience { answer, ..Patience::default() };
        Ok(Self::new(address, patience))
    }
}

fn read(text: &str, tls: Option<&Path>, insecure: bool) -> Result<Address> {
    match text.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Address::Unix(path.to_owned())),
        Some(("unix", _)) => Err(refused(text, "has no absolute path")),
        Some(("ssh", rest)) => login(text, rest).map(Address::Ssh),
        Some((scheme @ ("tcp" | "http" | "https"), rest)) => tcp(text, (scheme, rest), tls, insecure),
        Some((scheme, _)) => Err(refused(text, &format!("asks for `{scheme}`, which weave does not speak"))),
        None if text.starts_with('/') => Err(refused(text, "has no scheme").hint(format!("write it as unix://{text}"))),
        None => {
            // `ssh:/host` and `ssh:host` are meant as well.
            let host = text.trim_start_matches("ssh:").trim_start_matches('/');
            Err(refused(text, "has no scheme").hint(format!("write it as ssh://{host}")))
        }
    }
}

fn login(text: &str, rest: &str) -> Result<Login> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
    if user.is_some_and(|user| user.contains(':')) {
        return Err(refused(text, "has a password, which ssh does not take").hint("use a key"));
    }
    if user.is_some_and(|user| !is_word(user)) {
        return Err(refused(text, "has no user's name before the `@`"));
    }
    let (host, port) = host_and_port(text, rest)?;
    Ok(Login { user: user.map(str::to_owned), host, port })
}

fn tcp(text: &str, (scheme, rest): (&str, &str), tls: Option<&Path>, insecure: bool) -> Result<Address> {
    let (host, port) = host_and_port(text, rest.strip_suffix('/').unwrap_or(rest))?;
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let place = |port: u16| if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    if let Some(directory) = tls.filter(|_| scheme != "http") {
        return Ok(Address::Tls(place(port.unwrap_or(PORTS[1])), certificates(directory)?));
    }
    if scheme == "https" {
        return Err(refused(text, "needs certificates").hint("name their directory: tls"));
    }
    if here || insecure {
        return Ok(Address::Tcp(place(port.unwrap_or(PORTS[0]))));
    }
    let why = "is asked without TLS, and whoever reaches such a port is root on its host";
    Err(refused(text, why).hint("name the directory of the certificates (tls), use ssh://, or say `insecure`"))
}

fn host_and_port(text: &str, rest: &str) -> Result<(String, Option<u16>)> {
    let (host, port) = split_port(rest).ok_or_else(|| refused(text, "is no engine address"))?;
    let is_v6 = host.contains(':') && host.parse::<IpAddr>().is_ok();
    if !is_v6 && !is_word(host) {
        return Err(refused(text, "names no host"));
    }
    let valid = |port: &str| port.parse().ok().filter(|port| *port != 0);
    let port = port.map(|port| valid(port).ok_or_else(|| refused(text, "has no valid port")));
    Ok((host.to_owned(), port.transpose()?))
}

/// What may be a name of a host or user. What begins with a dash, ssh would take for an option.
fn is_word(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-\\".contains(&byte);
    word.bytes().all(plain) && word.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_')
}

fn certificates(directory: &Path) -> Result<Certificates> {
    let file = |name: &str| {
        let path = directory.join(name);
        match std::fs::File::open(&path) {
            Ok(_) => Ok(path),
            Err(cause) => {
                let message = format!("`{}`: {cause}; needed: ca.pem, cert.pem and key.pem", path.display());
                Err(Error::new(ErrorKind::NotFound, "", message).hint("see the names in a DOCKER_CERT_PATH"))
            }
        }
    };
    Ok(Certificates { ca: file("ca.pem")?, cert: file("cert.pem")?, key: file("key.pem")? })
}

fn refused(text: &str, why: &str) -> Error {
    Error::invalid("", format!("`{text}` {why}; {ALLOWED}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_of_other_hosts_are_taken() {
        for (given, insecure, wanted) in [
            ("unix:///run/docker.sock", false, "/run/docker.sock"),
            ("ssh://db1", false, "ssh://db1"),
            ("ssh://root@db1.example.com/", false, "ssh://root@db1.example.com"),
            ("ssh://root@192.0.2.7:2222", false, "ssh://root@192.0.2.7:2222"),
            ("ssh://[2001:db8::7]", false, "ssh://[2001:db8::7]"),
            ("ssh://root@[2001:db8::7]:22", false, "ssh://root@[2001:db8::7]:22"),
            ("tcp://127.0.0.1", false, "tcp://127.0.0.1:2375"),
            ("tcp://localhost:4243", false, "tcp://localhost:4243"),
            ("tcp://192.0.2.7", true, "tcp://192.0.2.7:2375"),
            ("http://[2001:db8::7]:1", true, "tcp://[2001:db8::7]:1"),
        ] {
            let address = read(given, None, insecure).unwrap_or_else(|error| panic!("{given}: {error}"));
            assert_eq!(address.to_string(), wanted, "{given}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_is_allowed() {
        for (given, why) in [
            ("", "scheme"),
            ("db1", "scheme"),
            ("/run/docker.sock", "scheme"),
            ("unix://docker.sock", "absolute"),
            ("npipe:////./pipe/docker", "`npipe`"),
            ("ssh://", "no host"),
            ("ssh://-oProxyCommand=x", "no host"),
            ("ssh://root@-x", "no host"),
            ("ssh://-x@db1", "user"),
            ("ssh://@db1", "user"),
            ("ssh://root:secret@db1", "password"),
            ("ssh://db1:0", "port"),
            ("ssh://db1/run/docker.sock", "no host"),
            ("ssh://db1:22/run/docker.sock", "port"),
            ("ssh://2001:db8::7", "no engine address"),
            ("tcp://192.0.2.7:2375", "root on its host"),
            ("tcp://db1", "root on its host"),
            ("https://db1", "certificates"),
        ] {
            let error = read(given, None, false).expect_err(given);
            assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{given}");
            assert!(error.message().contains(why), "{given}: {error}");
            assert!(error.message().contains("allowed: ssh://"), "{given}: {error}");
        }
        for given in ["db1", "ssh:/db1", "ssh:db1"] {
            let error = read(given, None, false).expect_err(given);
            assert_eq!(error.next_step(), Some("write it as ssh://db1"), "{given}");
        }
        assert!(read("ssh://db1/run/docker.sock", None, true).is_err(), "there is no other engine over ssh");
    }

    #[test]
    fn tls_is_taken_with_its_three_files() {
        let directory = std::env::temp_dir().join(format!("weave-certificates-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        for (at, name) in ["ca.pem", "cert.pem", "key.pem"].iter().enumerate() {
            let error = read("tcp://db1", Some(&directory), false).expect_err("a file is missing");
            assert_eq!(error.kind(), ErrorKind::NotFound, "{at}");
            assert!(error.message().contains(name), "{error}");
            std::fs::write(directory.join(name), "").expect("a file");
        }
        for (given, wanted) in [("tcp://db1", "tcp://db1:2376"), ("https://192.0.2.7:1", "tcp://192.0.2.7:1")] {
            let address = read(given, Some(&directory), false).expect("an address");
            assert!(matches!(address, Address::Tls(..)), "{given}");
            assert_eq!(address.to_string(), wanted);
        }
        std::fs::remove_dir_all(directory).expect("the directory");
        let named = Engine::elsewhere("from", "db1", None, false).err().expect("no scheme");
        assert_eq!(named.subject(), "from");
    }
}
