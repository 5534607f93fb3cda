//! Hashes, streams, and what cannot be sent.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::super::{Context, Dockerfile};
use crate::{ErrorKind, Result};

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("Dockerfile"), "FROM scratch\n").expect("written");
    fs::write(directory.path().join("a"), "one").expect("written");
    fs::write(directory.path().join("b.log"), "two").expect("written");
    directory
}

fn look(root: &Path) -> Result<Context> {
    Context::look(Some(root), &Dockerfile::Path("Dockerfile".to_owned()), &[])
}

fn hash(root: &Path) -> String {
    look(root).expect("a context").hash.to_string()
}

#[test]
fn only_what_is_sent_makes_another_hash() {
    let directory = directory();
    let root = directory.path();
    fs::write(root.join(".dockerignore"), "*.log\n").expect("rules");
    let first = hash(root);
    fs::write(root.join("b.log"), "another").expect("written");
    fs::write(root.join("c.log"), "more").expect("written");
    let _listener = UnixListener::bind(root.join("socket")).expect("a socket");
    let old = fs::File::options().write(true).open(root.join("a")).expect("a file");
    old.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("a time");
    assert_eq!(hash(root), first, "files that are left out, sockets and times do not count");

    fs::write(root.join("a"), "uno").expect("written");
    let contents = hash(root);
    fs::write(root.join("a"), "one").expect("written");
    fs::set_permissions(root.join("a"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let mode = hash(root);
    fs::rename(root.join("a"), root.join("c")).expect("renamed");
    let name = hash(root);
    fs::write(root.join(".dockerignore"), "*.log\n\n").expect("rules");
    let rules = hash(root);
    let arguments = Context::look(
        Some(root),
        &Dockerfile::Path("Dockerfile".to_owned()),
        &[("build_args", vec!["A=b".to_owned()])],
    );
    let arguments = arguments.expect("a context").hash.to_string();
    let mut all = vec![first, contents, mode, name, rules, arguments];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6, "{all:?}");
}

#[test]
fn the_same_files_elsewhere_make_the_same_hash_and_stream() {
    let (one, other) = (directory(), directory());
    assert_eq!(hash(one.path()), hash(other.path()));
    let pack = |root: &Path| {
        let mut tar = Vec::new();
        look(root).expect("a context").pack(&mut tar).expect("packed");
        tar
    };
    assert_eq!(pack(one.path()), pack(other.path()));
}

#[test]
fn what_cannot_be_sent_is_named() {
    let directory = directory();
    let root = directory.path();
    let named = |root: &Path, dockerfile: &str| {
        Context::look(Some(root), &Dockerfile::Path(dockerfile.to_owned()), &[]).expect_err("a refusal")
    };
    for (context, dockerfile, kind, subject, words) in [
        (root.join("nowhere"), "Dockerfile", ErrorKind::NotFound, "context", "no such file or directory"),
        (root.join("a"), "Dockerfile", ErrorKind::InvalidSpec, "context", "allowed: a directory"),
        (root.to_owned(), "docker/Web", ErrorKind::NotFound, "dockerfile", "docker/Web: there is no such file"),
        (root.to_owned(), ".", ErrorKind::InvalidSpec, "dockerfile", "is no file"),
    ] {
        let error = named(&context, dockerfile);
        assert_eq!((error.kind(), error.subject()), (kind, subject), "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    fs::write(root.join(".dockerignore"), "ok\n[").expect("rules");
    let error = named(root, "Dockerfile");
    assert_eq!((error.kind(), error.subject()), (ErrorKind::InvalidSpec, ".dockerignore"), "{error}");
}

#[test]
fn a_dockerfile_alone_needs_no_directory() {
    let context = |text: &str| Context::look(None, &Dockerfile::Text(text.to_owned()), &[]).expect("a context");
    let (one, other) = (context("FROM scratch\n"), context("FROM scratch\nLABEL a=b\n"));
    assert_ne!(one.hash, other.hash);
    let mut tar = Vec::new();
    one.pack(&mut tar).expect("packed");
    let mut archive = tar::Archive::new(tar.as_slice());
    let names: Vec<_> = archive
        .entries()
        .expect("a tar")
        .map(|entry| entry.expect("an entry").path().expect("a path").into_owned())
        .collect();
    assert_eq!(names, [Path::new(&one.dockerfile)]);
}

/// Changes a file while the one before it is sent.
struct Meddler<'a> {
    root: &'a Path,
    text: &'a str,
}

impl Write for Meddler<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        fs::write(self.root.join("b.log"), self.text)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        panic!("a stream with a changed file must not be ended");
    }
}

#[test]
fn a_file_that_changes_while_it_is_sent_is_not_sent_to_its_end() {
    let directory = directory();
    let root = directory.path();
    for text in ["abc", "x", "", "longer than it was"] {
        fs::write(root.join("b.log"), "two").expect("written");
        let context = look(root).expect("a context");
        let packed = context.pack(Meddler { root, text });
        // What grew is sent as far as it went, which is what was hashed only if it begins alike.
        let error = packed.expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Conflict, "{text}: {error}");
        assert!(error.message().contains("was changed while it was sent"), "{error}");
    }
}
