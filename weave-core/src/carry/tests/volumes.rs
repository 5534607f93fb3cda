//! Volumes on their way.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::mounts::Passage;
use super::super::{FileKind, Pass, Place, copy, create_volume, passages, sweep};
use super::{Scene, TOKEN, block_on, inspect, look};
use crate::{ErrorKind, Result};

/// All that a file system knows of a tree, a line for each file.
const TREE: &str = "
import hashlib, os, sys
top = sys.argv[1]
inodes = {}
for at, dirs, files in os.walk(top):
    for path in sorted([at] + [os.path.join(at, name) for name in files + [d for d in dirs if os.path.islink(os.path.join(at, d))]]):
        s = os.lstat(path)
        name = os.path.relpath(path, top)
        kind = s.st_mode >> 12
        attributes = {k: os.getxattr(path, k, follow_symlinks=False) for k in sorted(os.listxattr(path, follow_symlinks=False))}
        what = ''
        if kind == 8:
            what = hashlib.sha256(open(path, 'rb').read()).hexdigest() + ' %d' % s.st_size
        elif kind == 10:
            what = os.readlink(path)
        elif kind in (2, 6):
            what = s.st_rdev
        time = s.st_mtime_ns if kind != 10 else 0
        link = inodes.setdefault(s.st_ino, name) if s.st_nlink > 1 and kind != 4 else ''
        print(repr((name, oct(s.st_mode), s.st_uid, s.st_gid, time, attributes, what, link)))
";

/// Files of all kinds.
const FILES: &str = r"
import os, sys
os.chdir(sys.argv[1])
os.umask(0)
def put(path, text, mode=0o644):
    with open(path, 'w') as f: f.write(text)
    os.chmod(path, mode)
put('plain', 'plain')
put('stays', 'stays')
put('goes', 'goes')
put('odd', 'odd', 0o4751)
os.chown('odd', 1234, 4321)
os.chmod('odd', 0o6751)
os.link('plain', 'second')
os.symlink('nowhere', 'dangling')
os.lchown('dangling', 77, 78)
os.mkdir('deep'); os.makedirs('deep/er/still'); put('deep/er/still/file', 'x')
os.mkdir('closed', 0o700); os.chown('closed', 999, 999); put('closed/secret', 'secret', 0o600)
os.mkdir('empty', 0o1777)
put('a name with\nlines and ' + chr(228), 'named')
os.mkfifo('pipe')
os.mknod('null', 0o20666, os.makedev(1, 3))
os.setxattr('plain', 'user.colour', b'blue')
os.setxattr('deep', 'trusted.colour', b'green')
put('able', 'able', 0o755)
os.setxattr('able', 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))
with open('sparse', 'wb') as f:
    f.seek(50 << 20); f.write(b'end')
with open('large', 'wb') as f: f.write(os.urandom(3 << 20))
os.chmod('.', 0o751); os.chown('.', 5, 6)
os.utime('plain', ns=(1, 1234567890123456789))
";

/// What the container does between the two passes.
const CHANGES: &str = r"
import os, sys
os.chdir(sys.argv[1])
os.unlink('goes')
with open('plain', 'a') as f: f.write(' and more')
os.rename('deep', 'sunk')
with open('sunk/er/new', 'w') as f: f.write('new')
os.unlink('empty') if os.path.islink('empty') else os.rmdir('empty')
with open('empty', 'w') as f: f.write('a file now')
os.chown('odd', 4, 5)
os.link('stays', 'third')
os.unlink('dangling'); os.symlink('elsewhere', 'dangling')
with open('large', 'r+b') as f: f.seek(1 << 20); f.write(b'changed')
os.setxattr('stays', 'user.colour', b'red')
";

fn python(script: &str, directory: &str) -> String {
    let done = Command::new("python3").args(["-c", script, directory]).output().expect("python3");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

fn volume(name: &str) -> Passage {
    let place = || Place::Volume(name.to_owned());
    Passage { target: "/data".to_owned(), from: place(), to: place() }
}

impl Scene {
    fn pass(&self, passage: &Passage, pass: Pass) -> Result<u64> {
        let sent = AtomicU64::new(0);
        let told = |bytes: u64| sent.store(bytes, Ordering::Relaxed);
        let bytes = block_on(copy(&self.from, &self.to, TOKEN, passage, pass, &told))?;
        assert_eq!(sent.load(Ordering::Relaxed), bytes);
        Ok(bytes)
    }

    fn both(&self, volume: &str) -> [String; 2] {
        [&self.here, &self.there]
            .map(|host| inspect(host, "volume", volume)["Mountpoint"].as_str().expect("a path").to_owned())
    }
}

#[test]
fn volumes_arrive_as_they_are() {
    let scene = Scene::new();
    let labels = ["volume", "create", "--label", "a=b", "data"];
    scene.here.docker(&labels).must();
    let made = block_on(create_volume(&scene.from, &scene.to, "mark", "data")).expect("a volume");
    assert!(made.copied && made.ours);
    let labels = &inspect(&scene.there, "volume", "data")["Labels"];
    assert_eq!((labels["a"].as_str(), labels["weave.migrates"].as_str()), (Some("b"), Some("mark")));
    two_passes(&scene);
    one_pass(&scene);
    what_only_looks_unchanged(&scene);
    a_full_disk(&scene);
    the_names_of_others(&scene);
    paths_of_the_host(&scene);
    for host in [&scene.from, &scene.to] {
        block_on(sweep(host, TOKEN)).expect("swept");
    }
    let left = scene.here.docker(&["volume", "ls", "-q"]).must();
    assert!(!left.contains("weave-carry"), "{left}");
    scene.is_clean();
}

fn two_passes(scene: &Scene) {
    let [ours, theirs] = scene.both("data");
    python(FILES, &ours);
    // What an image puts into a volume, or an attempt before left there.
    python("import os, sys; os.makedirs(sys.argv[1] + '/left/over')", &theirs);
    let first = scene.pass(&volume("data"), Pass::First).expect("copied");
    assert!((3 << 20..6 << 20).contains(&first), "{first}: holes are not sent");
    assert_eq!(python(TREE, &ours), python(TREE, &theirs));
    let blocks = "import os, sys; print(os.stat(sys.argv[1] + '/sparse').st_blocks)";
    assert!(python(blocks, &theirs).trim().parse::<u64>().expect("a number") < 100, "nor written");
    // What was just written is sent again, lest the clock deceive; what is older is not.
    std::thread::sleep(std::time::Duration::from_secs(3));
    scene.pass(&volume("data"), Pass::First).expect("copied");
    python(CHANGES, &ours);
    let last = scene.pass(&volume("data"), Pass::Last).expect("copied");
    assert!((3 << 20..6 << 20).contains(&last), "{last}");
    assert_eq!(python(TREE, &ours), python(TREE, &theirs));
    std::thread::sleep(std::time::Duration::from_secs(3));
    scene.pass(&volume("data"), Pass::First).expect("copied");
    python("import os, sys; open(sys.argv[1] + '/plain', 'a').write('!')", &ours);
    let last = scene.pass(&volume("data"), Pass::Last).expect("copied");
    assert!(last < 1 << 20, "{last}: only what has changed");
    assert_eq!(python(TREE, &ours), python(TREE, &theirs));
}

fn one_pass(scene: &Scene) {
    block_on(sweep(&scene.from, TOKEN)).expect("swept");
    let [ours, theirs] = scene.both("data");
    python("import os, sys; open(sys.argv[1] + '/stale', 'w').write('stale')", &theirs);
    scene.pass(&volume("data"), Pass::Last).expect("copied");
    assert_eq!(python(TREE, &ours), python(TREE, &theirs));
}

/// What the list takes for known and is not there, the comparison finds.
fn what_only_looks_unchanged(scene: &Scene) {
    let [ours, theirs] = scene.both("data");
    std::thread::sleep(std::time::Duration::from_secs(3));
    scene.pass(&volume("data"), Pass::First).expect("copied");
    std::fs::write(format!("{theirs}/large"), "spoiled").expect("a file");
    scene.pass(&volume("data"), Pass::Last).expect("copied");
    assert_eq!(python(TREE, &ours), python(TREE, &theirs));
}

fn a_full_disk(scene: &Scene) {
    let small = ["volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=1m", "small"];
    scene.there.docker(&small).must();
    let to = Place::Volume("small".to_owned());
    for pass in [Pass::First, Pass::Last] {
        let error = scene.pass(&Passage { to: to.clone(), ..volume("data") }, pass).expect_err("no room");
        assert!(error.message().contains("No space left on device"), "{error:?}");
        assert!(error.next_step().is_some_and(|hint| hint.contains("make room")), "{error:?}");
    }
    // The one that holds it is removed a moment later.
    block_on(sweep(&scene.to, TOKEN)).expect("swept");
    scene.there.docker(&["volume", "rm", "small"]).must();
    // An end that is not there.
    let missing = Passage { from: Place::Directory("/nosuch".to_owned()), ..volume("data") };
    assert_eq!(scene.pass(&missing, Pass::First).expect_err("no such path").kind(), ErrorKind::NotFound);
}

fn the_names_of_others(scene: &Scene) {
    let create = |name: &str| block_on(create_volume(&scene.from, &scene.to, "mark", name));
    assert_eq!(create("nosuch").expect_err("none").kind(), ErrorKind::NotFound);
    assert!(create("data").expect("its own").ours);
    scene.here.docker(&["volume", "create", "taken"]).must();
    scene.there.docker(&["volume", "create", "taken"]).must();
    let error = create("taken").expect_err("somebody else's");
    assert_eq!((error.kind(), error.subject()), (ErrorKind::Conflict, "taken"), "{error:?}");
    let shared =
        ["volume", "create", "--opt", "type=nfs", "--opt", "device=:/export", "--opt", "o=addr=192.0.2.9", "shared"];
    scene.here.docker(&shared).must();
    assert!(!create("shared").expect("a volume").copied, "its files are on another machine");
    scene.there.docker(&["volume", "rm", "shared"]).must();
    scene.there.docker(&shared).must();
    let there = create("shared").expect("the same");
    assert!(!there.copied && !there.ours);
}

fn paths_of_the_host(scene: &Scene) {
    let dir = scene.lab.dir();
    let text = |name: &str| dir.join(name).to_str().expect("UTF-8").to_owned();
    std::fs::create_dir_all(dir.join("srv/web")).expect("a directory");
    std::fs::write(dir.join("srv/web/page"), "page").expect("a file");
    std::fs::write(dir.join("srv/one.conf"), "one").expect("a file");
    // Both hosts have one file system, so that they go to other places of it.
    let from = Place::Directory(text("srv/web"));
    let to = Place::Directory(text("new/there/web"));
    let passage = Passage { target: "/srv".to_owned(), from, to };
    scene.pass(&passage, Pass::First).expect("copied");
    std::fs::remove_file(dir.join("srv/web/page")).expect("the file");
    std::fs::write(dir.join("srv/web/other"), "other").expect("a file");
    scene.pass(&passage, Pass::Last).expect("copied");
    assert_eq!(python(TREE, &text("srv/web")), python(TREE, &text("new/there/web")));
    let (from, to) = (Place::File(text("srv/one.conf")), Place::File(text("conf/one.conf")));
    let passage = Passage { target: "/one.conf".to_owned(), from, to };
    for words in ["one", "two"] {
        std::fs::write(dir.join("srv/one.conf"), words).expect("a file");
        scene.pass(&passage, Pass::Last).expect("copied");
        assert_eq!(std::fs::read_to_string(dir.join("conf/one.conf")).expect("a file"), words);
    }
    the_mounts_of_a_container(scene, &text("srv/web"), &text("srv/one.conf"));
}

fn the_mounts_of_a_container(scene: &Scene, directory: &str, file: &str) {
    let line = format!(
        "create --name mounted -v data:/data -v /anonymous -v shared:/shared -v {directory}:/web -v {file}:/one.conf:ro \
         -v {directory}:/again --tmpfs /fast busybox sleep 1000000"
    );
    for host in [&scene.here, &scene.there] {
        host.docker(&line.split_whitespace().collect::<Vec<_>>()).must();
    }
    let (source, target) = (look(&scene.from, "mounted"), look(&scene.to, "mounted"));
    let but = BTreeSet::from(["shared".to_owned()]);
    let targets = |all: &[Passage]| all.iter().map(|passage| passage.target.clone()).collect::<Vec<_>>();
    let volumes = passages(&source, &target, &but, &BTreeMap::new());
    assert_eq!(targets(&volumes), ["/anonymous", "/data"]);
    assert_eq!(volumes[1].from, volumes[1].to);
    assert_ne!(volumes[0].from, volumes[0].to, "each engine has its own name for it");
    let binds = BTreeMap::from([(directory.to_owned(), FileKind::Directory), (file.to_owned(), FileKind::File)]);
    let all = passages(&source, &target, &but, &binds);
    assert_eq!(targets(&all), ["/again", "/anonymous", "/data", "/one.conf"]);
    assert_eq!(all[3].from, Place::File(file.to_owned()));
    let special = BTreeMap::from([(directory.to_owned(), FileKind::Special)]);
    assert_eq!(targets(&passages(&source, &target, &but, &special)), ["/anonymous", "/data"]);
    for host in [&scene.here, &scene.there] {
        host.docker(&["rm", "-fv", "mounted"]).must();
    }
}
