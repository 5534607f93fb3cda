//! The one test binary: linked once, and its helpers are shared.

#![allow(clippy::unwrap_used)]

mod fleet;
mod laws;
mod spec;
mod support;
mod tables;

use std::path::{Path, PathBuf};

/// Every `.rs` file under `dir`.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => Vec::from_iter(path.extension().is_some_and(|end| end == "rs").then_some(path)),
        })
        .collect()
}

/// The file that has to declare the module in `path`: `runner.rs`, or the `mod.rs` or namesake of its directory.
fn parent(path: &Path, root: &Path) -> PathBuf {
    let dir = path.parent().unwrap();
    let dir = if path.ends_with("mod.rs") { dir.parent().unwrap() } else { dir };
    let candidates = [dir.join("mod.rs"), dir.with_extension("rs")];
    candidates.into_iter().find(|file| file.exists()).unwrap_or_else(|| root.join("runner.rs"))
}

#[test]
fn no_file_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    // The lab is a binary of its own, for it needs root; so is the stand-in for the classic router, which is an example.
    let elsewhere = [root.join("lab"), root.join("support/lab"), root.join("router")];
    let here = |path: &PathBuf| *path != root.join("runner.rs") && !elsewhere.iter().any(|dir| path.starts_with(dir));
    for path in sources(&root).into_iter().filter(here) {
        let name = if path.ends_with("mod.rs") { path.parent().unwrap().file_name() } else { path.file_stem() };
        let name = name.unwrap().to_str().unwrap().to_owned();
        let parent = parent(&path, &root);
        let text = std::fs::read_to_string(&parent).unwrap();
        let declared = text.lines().any(|line| line.ends_with(&format!("mod {name};")));
        assert!(declared, "{} has no `mod {name};` in {}", path.display(), parent.display());
    }
}
