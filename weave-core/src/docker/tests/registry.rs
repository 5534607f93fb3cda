//! A real engine and a real registry that lets nobody in without a password. Needs root, and fails without it.

use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::json;

use super::super::Engine;
use super::super::address::Address;
use super::super::client::Patience;
use super::super::credentials::Keychain;
use super::block_on;
use super::real::lab::{DockerOptions, Entrance, Host, HostOptions, IMAGE, Lab, Registry};
use crate::observed::{ContainerScope, Image};
use crate::plan::container::ContainerStep;
use crate::progress::Pull;
use crate::{ErrorKind, Result};

const APP: &str = "127.0.0.1:5000/team/app:1";

fn engine(host: &Host, directory: Option<PathBuf>) -> Engine {
    let address = Address::parse(Some(&host.docker_host())).expect("an address");
    Engine::with_keychain(address, Patience::default(), Keychain { directory, path: None })
}

fn pull(engine: &Engine, image: &str) -> Result<Vec<Pull>> {
    let told = Mutex::new(Vec::new());
    let step = ContainerStep::Pull { image: image.into(), platform: None };
    block_on(engine.act(&step, &|news| told.lock().expect("a list").push(news)))?;
    Ok(told.into_inner().expect("a list"))
}

fn latest(engine: &Engine, image: &str) -> std::result::Result<String, String> {
    let scope = ContainerScope { latest: vec![image.into()], ..ContainerScope::default() };
    block_on(engine.look_at_containers(&scope)).expect("a look").latest.remove(image).expect("an answer")
}

fn image(engine: &Engine) -> Option<Image> {
    let scope = ContainerScope { images: vec![APP.into()], ..ContainerScope::default() };
    block_on(engine.look_at_containers(&scope)).expect("a look").images.remove(APP)
}

#[test]
fn images_of_a_real_registry() {
    let lab = Lab::new();
    let host = lab.add_host(HostOptions::default());
    host.start_docker(&DockerOptions::quiet());
    let _registry = Registry::start(&host, Entrance::Password);
    let home = host.dir().join("docker-config");
    Registry::log_in(&home);
    host.docker(&["tag", IMAGE, APP]).must();
    host.docker(&["push", APP]).must();
    host.docker(&["rmi", IMAGE, APP]).must();

    let (known, stranger) = (engine(&host, Some(home)), engine(&host, None));
    for error in [pull(&stranger, APP).expect_err("a stranger"), {
        let wrong = host.dir().join("wrong");
        std::fs::create_dir_all(&wrong).expect("a directory");
        let config = json!({"auths": {"127.0.0.1:5000": {"username": "me", "password": "guess"}}}).to_string();
        std::fs::write(wrong.join("config.json"), config).expect("a file");
        pull(&engine(&host, Some(wrong)), APP).expect_err("a wrong password")
    }] {
        assert_eq!((error.kind(), error.subject()), (ErrorKind::PermissionDenied, APP), "{error:?}");
        assert!(error.next_step().is_some_and(|hint| hint.contains("docker login 127.0.0.1:5000")), "{error:?}");
    }
    let why = latest(&stranger, APP).expect_err("a stranger");
    assert!(why.contains("docker login 127.0.0.1:5000"), "{why}");
    assert_eq!(image(&known), None);

    let told = pull(&known, APP).expect("pulled");
    let last = told.last().expect("news");
    assert_eq!((last.layers, last.done, last.image.as_str()), (1, 1, APP), "{told:?}");
    assert!(told.iter().all(|news| news.bytes <= news.total), "{told:?}");
    let digest = latest(&known, APP).expect("a digest");
    assert_eq!(image(&known).expect("pulled").digests, [format!("127.0.0.1:5000/team/app@{digest}")]);
    // By digest it is the same image.
    pull(&known, &format!("127.0.0.1:5000/team/app@{digest}")).expect("pulled");
    assert_eq!(latest(&known, &format!("127.0.0.1:5000/team/app@{digest}")), Ok(digest.clone()));

    let nosuch = pull(&known, "127.0.0.1:5000/team/app:2").expect_err("no such tag");
    assert_eq!((nosuch.kind(), nosuch.subject()), (ErrorKind::NotFound, "127.0.0.1:5000/team/app:2"), "{nosuch:?}");
    assert!(latest(&known, "127.0.0.1:5000/team/app:2").is_err());

    // Somebody pushes a newer one under the same name.
    let made = host.docker(&["create", APP, "sh"]).must();
    host.docker(&["commit", "--change", "LABEL newer=1", made.trim(), APP]).must();
    host.docker(&["push", APP]).must();
    let newer = latest(&known, APP).expect("a digest");
    assert_ne!(newer, digest);
    pull(&known, APP).expect("pulled");
    assert!(image(&known).expect("pulled").digests.contains(&format!("127.0.0.1:5000/team/app@{newer}")));
}
