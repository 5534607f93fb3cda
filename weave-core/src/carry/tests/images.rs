//! Images on their way.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{find_image, image, image_config};
use super::lab::{Entrance, Registry};
use super::{Scene, block_on, inspect, look};
use crate::ErrorKind;

#[test]
fn images_go_from_one_engine_to_the_other() {
    let scene = Scene::new();
    let Scene { here, there, from, to, .. } = &scene;
    let largest = AtomicU64::new(0);
    let told = |bytes: u64| {
        largest.fetch_max(bytes, Ordering::Relaxed);
    };
    here.docker(&["create", "--name", "same", "busybox"]).must();
    // Both hosts have imported theirs: another image, with the same name.
    let same = look(from, "same");
    assert_eq!(block_on(find_image(from, to, &same)).expect("a look"), None);
    let carried = block_on(image(from, to, &same, &told)).expect("carried");
    assert!(!carried.was_there && carried.bytes > 1 << 20, "{carried:?}");
    assert_eq!(largest.load(Ordering::Relaxed), carried.bytes);
    assert_eq!(carried.image, same.image_id, "the name is taken");
    assert!(carried.warnings[0].contains("another image"), "{carried:?}");
    assert_eq!(block_on(find_image(from, to, &same)).expect("a look").as_ref(), Some(&same.image_id));
    let again = block_on(image(from, to, &same, &told)).expect("carried");
    assert!(again.was_there && again.bytes == 0 && again.image == same.image_id, "{again:?}");
    // One with a name that is free, made of the same layers and more.
    here.docker(&["commit", "--change", "LABEL a=b", "same", "shop/web:1"]).must();
    here.docker(&["create", "--name", "web", "shop/web:1"]).must();
    let web = look(from, "web");
    let carried = block_on(image(from, to, &web, &told)).expect("carried");
    assert_eq!((carried.image.as_str(), carried.was_there), ("shop/web:1", false));
    assert_eq!(inspect(there, "image", "shop/web:1")["Id"], web.image_id.as_str());
    assert_eq!(block_on(image_config(from, &web)).expect("a configuration")["Labels"]["a"], "b");
    // The name has gone to another image since the container was made.
    here.docker(&["commit", "--change", "LABEL a=c", "same", "shop/web:1"]).must();
    there.docker(&["rmi", "shop/web:1"]).must();
    let carried = block_on(image(from, to, &web, &told)).expect("carried");
    assert_eq!(carried.image, web.image_id);
    assert_eq!(inspect(there, "image", &web.image_id)["RepoTags"].as_array().map(Vec::len), Some(0));
    by_its_digest(&scene);
    // Lost.
    let mut lost = web.clone();
    lost.image_id = format!("sha256:{}", "0".repeat(64));
    assert_eq!(block_on(image(from, to, &lost, &told)).expect_err("lost").kind(), ErrorKind::NotFound);
}

/// Only the engine that pulled it knows an image by its digest.
fn by_its_digest(scene: &Scene) {
    let Scene { here, there, from, to, .. } = scene;
    let _registry = Registry::start(here, Entrance::Open);
    let tag = "127.0.0.1:5000/pinned:1";
    here.docker(&["tag", "shop/web:1", tag]).must();
    here.docker(&["push", tag]).must();
    let digest = here.docker(&["image", "inspect", "-f", "{{index .RepoDigests 0}}", tag]).must();
    let digest = digest.trim();
    here.docker(&["create", "--name", "pinned", digest]).must();
    let pinned = look(from, "pinned");
    assert_eq!(pinned.config["Image"], digest);
    let carried = block_on(image(from, to, &pinned, &|_| {})).expect("carried");
    assert_eq!((&carried.image, carried.was_there), (&pinned.image_id, false));
    assert!(carried.warnings[0].contains("digest"), "{carried:?}");
    there.docker(&["create", &carried.image]).must();
}
