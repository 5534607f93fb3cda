//! One number for all that an image is built from.

use std::fmt;

use sha2::{Digest, Sha256};

use super::entry::Entry;

/// The SHA-256 of a context and the arguments, as it stands in the image's label: `sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContextHash(String);

impl fmt::Display for ContextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A [`ContextHash`] in the making. Everything goes into it with its length, so that no two contexts look alike.
#[derive(Debug, Clone)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    /// Begins with the arguments; each is a name and its values.
    pub(crate) fn new(arguments: &[(&str, Vec<String>)]) -> Self {
        // The first word changes when what is hashed does.
        let mut hasher = Self(Sha256::new_with_prefix(b"weave context 1\n"));
        for (name, values) in arguments {
            hasher.argument(name, values);
        }
        hasher
    }

    /// One more argument.
    pub(super) fn argument(&mut self, name: &str, values: &[String]) {
        self.part(name.as_bytes());
        self.0.update((values.len() as u64).to_be_bytes());
        for value in values {
            self.part(value.as_bytes());
        }
    }

    /// An entry; its contents have to follow.
    pub(super) fn entry(&mut self, entry: &Entry) {
        self.part(&entry.head());
    }

    /// Some of the contents of the last entry.
    pub(super) fn contents(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> ContextHash {
        let hex: String = self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        ContextHash(format!("sha256:{hex}"))
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::What;
    use super::*;

    fn hash(arguments: &[(&str, Vec<String>)], entries: &[(&str, u32, What)]) -> ContextHash {
        let mut hasher = Hasher::new(arguments);
        for (path, mode, what) in entries {
            hasher.entry(&Entry { path: path.into(), mode: *mode, what: what.clone() });
            if let What::Text(text) = what {
                hasher.contents(text);
            }
        }
        hasher.finish()
    }

    #[test]
    fn whatever_differs_makes_another_hash() {
        let text = |text: &str| What::Text(text.into());
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let hashes = [
            hash(&[], &[]),
            hash(&[("target", words(&["a"]))], &[]),
            hash(&[("platform", words(&["a"]))], &[]),
            hash(&[("args", words(&["a", "b"]))], &[]),
            hash(&[("args", words(&["ab"]))], &[]),
            hash(&[("args", words(&["a"])), ("b", words(&[]))], &[]),
            hash(&[], &[("a", 0o644, text("x"))]),
            hash(&[], &[("a", 0o755, text("x"))]),
            hash(&[], &[("b", 0o644, text("x"))]),
            hash(&[], &[("a", 0o644, text("y"))]),
            hash(&[], &[("a", 0o644, text("x")), ("b", 0o644, text(""))]),
            hash(&[], &[("a", 0o644, text("")), ("b", 0o644, text("x"))]),
            hash(&[], &[("a", 0o644, What::Directory)]),
            hash(&[], &[("a", 0o644, What::Fifo)]),
            hash(&[], &[("a", 0o644, What::Link("x".into()))]),
            hash(&[], &[("a", 0o644, What::Link("y".into()))]),
            hash(&[], &[("a", 0o644, What::CharacterDevice(1, 3))]),
            hash(&[], &[("a", 0o644, What::BlockDevice(1, 3))]),
            hash(&[], &[("a", 0o644, What::BlockDevice(3, 1))]),
        ];
        for (at, one) in hashes.iter().enumerate() {
            assert!(!hashes[at + 1..].contains(one), "number {at} is not alone");
            assert_eq!(one.to_string().len(), "sha256:".len() + 64);
        }
        assert_eq!(hashes[6], hash(&[], &[("a", 0o644, text("x"))]));
    }
}
