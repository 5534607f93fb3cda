//! Places where somebody else may have something.

use super::super::places::{check_device, check_free, drop_places, make_places, occupied};
use super::{Scene, TOKEN, block_on};
use crate::docker::volume::Volume;
use crate::{ErrorKind, Result};

#[test]
fn nothing_is_written_where_something_is() {
    let scene = Scene::new();
    what_is_free(&scene);
    what_is_made(&scene);
    devices(&scene);
    scene.is_clean();
    let left = scene.there.docker(&["volume", "ls", "-q"]).must();
    assert_eq!(left, "");
}

fn what_is_free(scene: &Scene) {
    let dir = scene.lab.dir().join("places");
    let text = |name: &str| dir.join(name).to_str().expect("UTF-8").to_owned();
    for name in ["empty", "disk/lost+found", "full/hidden"] {
        std::fs::create_dir_all(dir.join(name)).expect("a directory");
    }
    std::fs::write(dir.join("nothing"), "").expect("a file");
    std::fs::write(dir.join("precious"), "precious").expect("a file");
    std::os::unix::fs::symlink("precious", dir.join("link")).expect("a link");
    std::os::unix::fs::symlink("/etc", dir.join("system")).expect("a link");
    std::os::unix::fs::symlink("gone", dir.join("dangling")).expect("a link");
    let free = |paths: &[String]| block_on(check_free(&scene.to, TOKEN, paths, "do this"));
    let all = ["empty", "disk", "nothing", "missing", "mis\nsing/deep"].map(text);
    let missing = free(&all).expect("free");
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), [text("mis\nsing/deep"), text("missing")]);
    for name in ["full", "precious", "link", "dangling"] {
        let error = free(&[text("empty"), text(name)]).expect_err(name);
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Conflict, &*text(name)), "{error:?}");
        assert!(error.message().contains("already") && error.message().contains("allowed: "), "{error:?}");
        assert_eq!(error.next_step(), Some("do this"));
    }
    for path in [text("system"), "/etc/nosuch".to_owned(), "/".to_owned(), "/var".to_owned()] {
        let error = free(std::slice::from_ref(&path)).expect_err(&path);
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Conflict, &*path), "{error:?}");
        assert!(error.message().contains("system's own"), "{error:?}");
    }
}

fn what_is_made(scene: &Scene) {
    let dir = scene.lab.dir().join("made");
    let [one, two, file, full] =
        ["one/deep", "two words", "conf/a.conf", "full"].map(|name| dir.join(name).to_str().expect("UTF-8").to_owned());
    block_on(make_places(&scene.to, TOKEN, &[one.clone(), two.clone(), full.clone()], std::slice::from_ref(&file)))
        .expect("made");
    assert!(std::path::Path::new(&one).is_dir() && std::path::Path::new(&two).is_dir());
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "");
    std::fs::write(format!("{full}/copied"), "").expect("a file");
    let all = [one, two, file, full.clone(), dir.join("never").display().to_string()];
    block_on(drop_places(&scene.to, TOKEN, &all)).expect("removed");
    assert_eq!(block_on(occupied(&scene.to, TOKEN, &all)).expect("a look"), [full]);
    assert!(all[..3].iter().all(|path| !std::path::Path::new(path).exists()));
}

fn devices(scene: &Scene) {
    let look = |options: &[(&str, &str)]| -> Result<()> {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let volume = Volume { name: "data".to_owned(), driver: "local".to_owned(), options, ..Volume::default() };
        block_on(check_device(&scene.to, TOKEN, &volume, "do this"))
    };
    look(&[("type", "tmpfs"), ("device", "tmpfs")]).expect("an empty file system");
    let full = scene.lab.dir().join("places/full").display().to_string();
    let error = look(&[("type", "none"), ("o", "bind"), ("device", &full)]).expect_err("not empty");
    assert_eq!((error.kind(), error.subject(), error.next_step()), (ErrorKind::Conflict, "data", Some("do this")));
    let error = look(&[("type", "ext4"), ("device", "/dev/nosuch")]).expect_err("no such device");
    assert!(error.message().contains("/dev/nosuch"), "{error:?}");
}
