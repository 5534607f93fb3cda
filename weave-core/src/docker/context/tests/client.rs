//! Every set of rules goes to the docker client, which sends its context to a fake engine, and to us.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::super::{Context, Dockerfile};
use crate::docker::clients::clients;

/// Files of the context; those that end with a slash are directories.
const FILES: &[&str] = &[
    "Dockerfile",
    "docker/Web",
    "README.md",
    "a.md",
    "README-secret.md",
    "src/main.c",
    "src/main.o",
    "src/keep/main.o",
    "src/keep/deep/x.log",
    "src/deep/er/est/main.o",
    "vendor/src/main.c",
    "vendor/keep.log",
    "node_modules/a/index.js",
    "web/node_modules/b/index.js",
    ".git/config",
    ".env",
    "# note",
    "!bang",
    "a b",
    "a+(b)$^",
    "[x]",
    "x1",
    "x-",
    "é",
    "empty/",
    "log/2014/07/a.log",
    "log/keep",
];

/// Rules, and whether the Dockerfile is `docker/Web`.
const CASES: &[(&str, bool)] = &[
    ("", false),
    ("", true),
    ("# a comment\n\n  \n", false),
    ("*", false),
    ("*", true),
    ("**", false),
    ("*\n!src", false),
    ("*\n!src/keep", false),
    ("*\n!src/*.o", false),
    ("*\n!**/*.o", false),
    ("src\n!src/keep", false),
    ("src\n!src/keep/deep\n", false),
    ("src/*\n!src/keep", false),
    ("src/**\n!src/keep", false),
    ("src\n!src/main.c\nsrc/main.c", false),
    ("*.md\n!README.md", false),
    ("*.md\n!README*.md\nREADME-secret.md", false),
    ("*.md\nREADME-secret.md\n!README*.md", false),
    ("**/*.o", false),
    ("**/*.o\n!src/keep", false),
    ("**/*.o\n!**/keep/*.o", false),
    ("**.o", false),
    ("**main.o", false),
    ("**m*.o", false),
    ("**/node_modules", false),
    ("node_modules", false),
    ("**/node_modules\n!web/node_modules/b", false),
    ("**/src", false),
    ("**/src/**", false),
    ("src/**/main.o", false),
    ("src**", false),
    ("/src/", false),
    ("./src//keep/../deep", false),
    ("../src", false),
    (".", false),
    ("/", false),
    ("..", false),
    (".*", false),
    (".*\n!.env", false),
    ("Dockerfile", false),
    ("Dockerfile\n.dockerignore", false),
    ("docker", true),
    ("docker\nDockerfile", true),
    ("Dockerfile", true),
    ("D*\n.docker*\n", false),
    ("\\# note", false),
    (" # note", false),
    ("!!bang\n", false),
    ("*\n! src ", false),
    ("\\!bang", false),
    ("a b", false),
    ("a+(b)$^", false),
    ("\\[x\\]", false),
    ("[[]x]", false),
    ("x?", false),
    ("x[0-9]", false),
    ("x[^0-9]", false),
    ("x[!0-9]", false),
    ("x[1\\-]", false),
    ("[a-zé]", false),
    ("?", false),
    ("empty", false),
    ("empty/", false),
    ("empty/*", false),
    ("log/*/*/a.log", false),
    ("log/*\n!log/keep", false),
    ("log/**/*.log", false),
    ("log/20??\n!log/2014/07", false),
    ("log\n!log/2014\nlog/2014/07", false),
    ("*/*\n!src/main.*", false),
    ("*/\n!*/keep", false),
    ("\u{feff}src\r\n*.md\r\n", false),
    ("SRC\nreadme.md", false),
    ("run\nwhole", false),
    ("x1\nx*\n!x1", false),
    ("x*\n!x1\nx1", false),
    ("src/keep\nsrc/k*\n!src/keep/main.o\nsrc/keep/deep", false),
];

/// What is known of an entry: its sort, mode, target and contents.
type Known = (tar::EntryType, u32, Option<PathBuf>, Vec<u8>);

fn fixture() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    for (at, file) in FILES.iter().enumerate() {
        let path = root.join(file);
        fs::create_dir_all(if file.ends_with('/') { &path } else { path.parent().expect("a parent") }).expect("made");
        if !file.ends_with('/') {
            fs::write(&path, format!("FROM scratch\n# {at} {file}\n")).expect("written");
        }
    }
    let mode = |path: &str, mode| fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).expect("mode");
    mode("src/main.c", 0o755);
    mode("src/main.o", 0o4711);
    mode("empty", 0o1777);
    mode(".env", 0o600);
    fs::create_dir(root.join("run")).expect("made");
    symlink("../src/main.c", root.join("run/link")).expect("a link");
    symlink("/nowhere", root.join("run/dangling")).expect("a link");
    symlink("src", root.join("whole")).expect("a link");
    nix::unistd::mkfifo(&root.join("run/fifo"), nix::sys::stat::Mode::from_bits_truncate(0o640)).expect("a fifo");
    // Longer than a plain header of tar has room for.
    let long = root.join("long".repeat(30)).join("name".repeat(30));
    fs::create_dir_all(&long).expect("made");
    fs::write(long.join("x"), "x".repeat(100_000)).expect("written");
    symlink("target".repeat(30), root.join("longlink")).expect("a link");
    directory
}

fn entries(tar: &[u8]) -> BTreeMap<PathBuf, Known> {
    let mut archive = tar::Archive::new(tar);
    let mut entries = BTreeMap::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let path: PathBuf = entry.path().expect("a path").components().collect();
        let link = entry.link_name().expect("a target").map(std::borrow::Cow::into_owned);
        let (sort, mode) = (entry.header().entry_type(), entry.header().mode().expect("a mode") & 0o7777);
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).expect("contents");
        assert!(entries.insert(path.clone(), (sort, mode, link, contents)).is_none(), "{} twice", path.display());
    }
    entries
}

fn ours(root: &Path, dockerfile: &Dockerfile) -> BTreeMap<PathBuf, Known> {
    let context = Context::look(Some(root), dockerfile, &[]).expect("a context");
    let mut tar = Vec::new();
    context.pack(&mut tar).expect("packed");
    entries(&tar)
}

/// An engine that takes contexts and builds nothing.
struct Taker {
    directory: tempfile::TempDir,
    taken: Receiver<Vec<u8>>,
}

impl Taker {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the socket");
        let listener = UnixListener::bind(directory.path().join("d.sock")).expect("a socket");
        let (give, taken) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let give = give.clone();
                thread::spawn(move || serve(stream.expect("a connection"), &|body| give.send(body).expect("a taker")));
            }
        });
        Self { directory, taken }
    }

    /// What the client sends for `args`.
    fn build(&self, client: &Path, args: &[&str], stdin: &str) -> Vec<u8> {
        let host = format!("unix://{}", self.directory.path().join("d.sock").display());
        let mut child = Command::new(client)
            .args(["-H", &host, "build", "-q"])
            .args(args)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("DOCKER_BUILDKIT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the docker client");
        child.stdin.take().expect("stdin").write_all(stdin.as_bytes()).expect("a reader");
        let output = child.wait_with_output().expect("the client ends");
        let body = self.taken.try_recv();
        body.unwrap_or_else(|_| panic!("{args:?}: nothing was sent: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn serve(stream: UnixStream, give: &dyn Fn(Vec<u8>)) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if !reader.read_line(&mut first).is_ok_and(|read| read > 0) {
            return;
        }
        let mut chunked = false;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a header");
            chunked |= line.to_ascii_lowercase().starts_with("transfer-encoding: chunked");
            if line.trim_end().is_empty() {
                break;
            }
        }
        let body = if chunked { unchunked(&mut reader) } else { Vec::new() };
        let build = first.contains("/build?");
        if build {
            give(body);
        }
        let answer = if build { "{\"stream\": \"sha256:00\\n\"}" } else { "{\"ApiVersion\": \"1.41\"}" };
        let answer = if first.starts_with("HEAD") { "" } else { answer };
        let head = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nOstype: linux\r\nContent-Type: application/json\r\n";
        let text = format!("{head}Content-Length: {}\r\n\r\n{answer}", answer.len());
        if reader.get_mut().write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn unchunked(reader: &mut impl BufRead) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a size");
        let size = usize::from_str_radix(line.trim(), 16).expect("a size");
        let at = body.len();
        body.resize(at + size, 0);
        reader.read_exact(&mut body[at..]).expect("a piece");
        reader.read_line(&mut line).expect("an end");
        if size == 0 {
            return body;
        }
    }
}

/// How two contexts differ, in words.
fn differences(theirs: &BTreeMap<PathBuf, Known>, ours: &BTreeMap<PathBuf, Known>) -> Vec<String> {
    let missing = theirs.keys().filter(|path| !ours.contains_key(*path)).map(|path| format!("-{}", path.display()));
    let more = ours.keys().filter(|path| !theirs.contains_key(*path)).map(|path| format!("+{}", path.display()));
    let other = ours.iter().filter(|(path, known)| theirs.get(*path).is_some_and(|theirs| theirs != *known));
    missing.chain(more).chain(other.map(|(path, _)| format!("~{}", path.display()))).collect()
}

/// What clients before 23 judged otherwise, and later ones do not: a special letter in an exact name, `**` at once in
/// front of a name, and more than one directory below what `**` fits.
const MENDED: [&str; 3] = ["a+(b)$^", "**.o", "**/*.o\n!src/keep"];

#[test]
fn every_set_of_rules_sends_what_the_docker_client_sends() {
    let clients = clients();
    let next = AtomicUsize::new(0);
    let work = || {
        let (directory, taker) = (fixture(), Taker::start());
        let mut wrong = Vec::new();
        while let Some((rules, web)) = CASES.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = if *web { "docker/Web" } else { "Dockerfile" };
            wrong.extend(compare(directory.path(), &taker, &clients, rules, name));
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn compare(root: &Path, taker: &Taker, clients: &[(PathBuf, u32)], rules: &str, dockerfile: &str) -> Vec<String> {
    fs::write(root.join(".dockerignore"), rules).expect("rules");
    let ours = ours(root, &Dockerfile::Path(dockerfile.to_owned()));
    let file = root.join(dockerfile).display().to_string();
    let compared = clients.iter().filter_map(|(client, major)| {
        let theirs = entries(&taker.build(client, &["-f", &file, &root.display().to_string()], ""));
        let differences = differences(&theirs, &ours);
        let mended = *major < 23 && MENDED.contains(&rules);
        (differences.is_empty() == mended)
            .then(|| format!("{rules:?} for {dockerfile}, docker {major}: {}", differences.join(" ")))
    });
    compared.collect()
}

#[test]
fn a_dockerfile_without_a_name_hides_as_the_docker_client_hides_it() {
    const TEXT: &str = "FROM scratch\nCOPY . /\n";
    let directory = fixture();
    let root = directory.path();
    let taker = Taker::start();
    for rules in [None, Some("src\n"), Some("*.md")] {
        if let Some(rules) = rules {
            fs::write(root.join(".dockerignore"), rules).expect("rules");
        }
        let mut ours = ours(root, &Dockerfile::Text(TEXT.to_owned()));
        let name = |entries: &BTreeMap<PathBuf, Known>| {
            let found = entries.iter().find(|(path, _)| path.to_string_lossy().starts_with(".dockerfile."));
            found.map(|(path, _)| path.clone()).expect("a Dockerfile")
        };
        let our_name = name(&ours);
        for (client, major) in &clients() {
            // With a Dockerfile from stdin, the client forgets the end of the stream.
            let mut sent = taker.build(client, &["-f", "-", &root.display().to_string()], TEXT);
            sent.resize(sent.len().next_multiple_of(512) + 1024, 0);
            let theirs = entries(&sent);
            let their_name = name(&theirs);
            let renamed = |text: &[u8]| {
                let text = String::from_utf8(text.to_vec()).expect("text");
                text.replace(&*their_name.to_string_lossy(), &our_name.to_string_lossy())
            };
            let mut theirs: BTreeMap<PathBuf, Known> = theirs;
            let (sort, _, link, contents) = theirs.remove(&their_name).expect("the Dockerfile");
            // The client makes it up with whatever mode.
            let mode = ours[&our_name].1;
            theirs.insert(our_name.clone(), (sort, mode, link, contents));
            let file = theirs.get_mut(Path::new(".dockerignore")).expect("rules");
            (file.1, file.3) = (0o644, renamed(&file.3).into_bytes());
            assert_eq!(differences(&theirs, &ours), Vec::<String>::new(), "{rules:?}, docker {major}");
        }
        ours.clear();
    }
}
