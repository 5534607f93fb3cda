//! Engines that are reached in different ways.

use std::net::Ipv4Addr;
use std::path::Path;

use bytes::Bytes;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::super::End;
use super::super::program::{Program, Reach, run_there};
use super::lab::ways::{Sshd, certificates, over_tls, signed};
use super::lab::{DockerOptions, HostOptions, Lab, PATIENCE, wait_until};
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
    host.start_docker(&DockerOptions { args: over_tls(v4, &ours), ..DockerOptions::quiet() });
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
    std::fs::create_dir_all(&home).expect("a directory");
    let sshd = Sshd::start(&host, &directory);
    let v4: Ipv4Addr = host.v4();
    let engine = |address: &str| Engine::elsewhere("from", address, None, false).expect("an address");
    let known = |text: String| std::fs::write(home.join("known_hosts"), text).expect("a file");
    other.in_netns(|| {
        at_home(&lab.dir().join("home"));
        let address = format!("ssh://root@{v4}");
        let words = |error: &Error, words: &str| {
            assert_eq!(error.kind(), ErrorKind::Docker, "{error:?}");
            assert!(error.message().contains(words), "{error:?}");
            assert!(error.next_step().is_some_and(|hint| hint.contains("ssh")), "{error:?}");
        };
        words(&refused(&engine(&address)), "Host key verification failed");
        known(sshd.known(v4));
        words(&refused(&engine(&address)), "Permission denied");
        sshd.admit(&home);
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
    assert!(wait_until(PATIENCE, gone), "{}", host.sh("ss -ntp").must());
    drop(sshd);
}
