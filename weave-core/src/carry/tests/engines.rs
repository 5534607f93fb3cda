//! Engines that are reached in different ways.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;

use bytes::Bytes;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::super::End;
use super::super::program::{Program, Reach, run_there};
use super::lab::{DockerOptions, Host, HostOptions, Lab, wait_until};
use super::{TOKEN, block_on};
use crate::docker::Engine;
use crate::{Error, ErrorKind};

/// What is done with each engine: questions, and a stream both ways whose one end is closed before the other.
fn is_of_use(engine: &Engine) {
    let about = block_on(engine.about()).expect("an answer");
    assert!(about.runtimes.contains("runc") && about.api_minor >= 24, "{about:?}");
    let program = Program {
        what: "try".to_owned(),
        script: "cat".to_owned(),
        words: Vec::new(),
        mounts: Vec::new(),
        reach: Reach::Files,
    };
    let input = Bytes::from((0..3_000_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    let said = block_on(run_there(&End::here(engine), TOKEN, &program, Some(input.clone()))).expect("an echo");
    assert!(said == input, "{} bytes", said.len());
}

fn refused(engine: &Engine) -> Error {
    block_on(engine.about()).expect_err("no answer")
}

fn openssl(directory: &Path, line: &str) {
    let mut command = std::process::Command::new("openssl");
    let done = command.args(line.split(' ')).current_dir(directory).output().expect("openssl");
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
}

/// An authority, and a certificate of it for `name`; in files as docker has them.
fn certificates(directory: &Path, name: &str) {
    std::fs::create_dir_all(directory).expect("a directory");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(directory, &format!("req -x509 {key} -keyout ca-key.pem -out ca.pem -subj /CN=ca -days 2"));
    signed(directory, directory, name);
}

/// One more certificate of the authority in `ca`.
fn signed(ca: &Path, directory: &Path, name: &str) {
    std::fs::create_dir_all(directory).expect("a directory");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(directory, &format!("req {key} -keyout key.pem -out cert.csr -subj /CN={name}"));
    std::fs::write(directory.join("names"), format!("subjectAltName=IP:{name}\n")).expect("a file");
    let ca = ca.display();
    let by = format!("-CA {ca}/ca.pem -CAkey {ca}/ca-key.pem -CAcreateserial -days 2");
    openssl(directory, &format!("x509 -req -in cert.csr {by} -out cert.pem -extfile names"));
}

#[test]
fn engines_over_tcp() {
    let lab = Lab::new();
    let (host, other) = (lab.add_host(HostOptions::default()), lab.add_host(HostOptions::default()));
    let v4 = host.v4();
    let [ours, client, strange] = ["tls", "client", "strange"].map(|name| lab.dir().join(name));
    certificates(&ours, &v4.to_string());
    signed(&ours, &client, "192.0.2.99");
    std::fs::copy(ours.join("ca.pem"), client.join("ca.pem")).expect("the authority");
    certificates(&strange, &v4.to_string());
    let file = |name: &str| ours.join(name).display().to_string();
    let args = [
        format!("--host=tcp://{v4}:2376"),
        "--tlsverify".to_owned(),
        format!("--tlscacert={}", file("ca.pem")),
        format!("--tlscert={}", file("cert.pem")),
        format!("--tlskey={}", file("key.pem")),
    ];
    host.start_docker(&DockerOptions { args: args.to_vec(), ..DockerOptions::quiet() });
    let address = format!("tcp://{v4}");
    let engine = |address: &str, tls: Option<&Path>| Engine::elsewhere("to", address, tls, true).expect("an address");
    other.in_netns(|| {
        is_of_use(&engine(&address, Some(&client)));
        let error = refused(&engine(&address, Some(&strange)));
        assert_eq!(error.kind(), ErrorKind::Docker, "{error:?}");
        assert!(error.message().contains("certificate"), "{error:?}");
        // Somebody whom the engine does not know.
        std::fs::copy(ours.join("ca.pem"), strange.join("ca.pem")).expect("the authority");
        let error = refused(&engine(&address, Some(&strange)));
        assert!(error.message().to_lowercase().contains("certificate"), "{error:?}");
        let error = refused(&engine("tcp://192.0.2.1:1", None));
        assert!(error.message().contains("refused"), "{error:?}");
        assert!(error.next_step().is_some_and(|hint| hint.contains("docker -H tcp://192.0.2.1:1")), "{error:?}");
    });
    // Without TLS, where somebody wants it so.
    host.stop_docker();
    let args = vec![format!("--host=tcp://{v4}:2375"), "--tls=false".to_owned()];
    host.start_docker(&DockerOptions { args, ..DockerOptions::quiet() });
    other.in_netns(|| is_of_use(&engine(&address, None)));
}

/// A server, ended when it is dropped.
struct Sshd(Child);

impl Sshd {
    fn start(host: &Host, directory: &Path) -> Self {
        std::fs::create_dir_all("/run/sshd").expect("the directory that sshd wants to be empty");
        let at = directory.display();
        let config = format!(
            "HostKey {at}/host\nAuthorizedKeysFile {at}/id.pub\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin yes\nPasswordAuthentication no\nLogLevel VERBOSE\nSetEnv DOCKER_HOST={}\n",
            host.docker_host()
        );
        std::fs::write(directory.join("sshd_config"), config).expect("a file");
        let log = format!("{at}/sshd.log");
        let mut command = host.command("/usr/sbin/sshd");
        let child = command.args(["-D", "-f", &format!("{at}/sshd_config"), "-E", &log]).spawn().expect("sshd");
        assert!(wait_until(std::time::Duration::from_secs(10), || host.sh("ss -lnt | grep -q :22").ok()));
        Self(child)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Gives the calling thread another home directory, which ssh takes from the list of users.
fn at_home(home: &Path) {
    unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private mounts");
    let own = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("users").expect("oneself").dir;
    mount(Some(home), &own, none, MsFlags::MS_BIND, none).expect("another home");
}

#[test]
fn an_engine_over_ssh() {
    let lab = Lab::new();
    let (host, other) = (lab.add_host(HostOptions::default()), lab.add_host(HostOptions::default()));
    host.start_docker(&DockerOptions::quiet());
    let (directory, home) = (lab.dir().join("ssh"), lab.dir().join("home/.ssh"));
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::create_dir_all(&home).expect("a directory");
    for (name, at) in [("host", &directory), ("id", &directory)] {
        let path = at.join(name).display().to_string();
        let made =
            std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path]).status();
        assert!(made.expect("ssh-keygen").success());
    }
    let sshd = Sshd::start(&host, &directory);
    let v4: Ipv4Addr = host.v4();
    let engine = |address: &str| Engine::elsewhere("from", address, None, false).expect("an address");
    let known = |text: String| std::fs::write(home.join("known_hosts"), text).expect("a file");
    let key = std::fs::read_to_string(directory.join("host.pub")).expect("a key");
    other.in_netns(|| {
        at_home(&lab.dir().join("home"));
        let address = format!("ssh://root@{v4}");
        let words = |error: &Error, words: &str| {
            assert_eq!(error.kind(), ErrorKind::Docker, "{error:?}");
            assert!(error.message().contains(words), "{error:?}");
            assert!(error.next_step().is_some_and(|hint| hint.contains("ssh")), "{error:?}");
        };
        words(&refused(&engine(&address)), "Host key verification failed");
        known(format!("{v4} {key}"));
        words(&refused(&engine(&address)), "Permission denied");
        std::fs::copy(directory.join("id"), home.join("id_ed25519")).expect("a key");
        std::fs::set_permissions(home.join("id_ed25519"), std::fs::Permissions::from_mode(0o600)).expect("its mode");
        is_of_use(&engine(&address));
        is_of_use(&engine(&format!("ssh://{v4}:22")));
        words(&refused(&engine(&format!("ssh://{v4}:23"))), "Connection refused");
        // One connection serves many questions.
        let log = directory.join("sshd.log");
        let count = || std::fs::read_to_string(&log).expect("a log").matches("Accepted publickey").count();
        let (before, engine) = (count(), engine(&address));
        block_on(async {
            for _ in 0..20 {
                engine.about().await.expect("an answer");
            }
        });
        assert_eq!(count(), before + 1);
    });
    // Nothing of it runs on.
    let gone = || !host.sh("ss -nt state established | grep -q :22").ok();
    assert!(wait_until(std::time::Duration::from_secs(10), gone), "{}", host.sh("ss -ntp").must());
    drop(sshd);
}
