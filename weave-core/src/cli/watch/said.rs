//! What was said already: the same reason is told once, however often it is met, and stands until it is over.

use std::collections::BTreeMap;

use crate::watch::Work;

/// What stood in the way when each kind of work was done last.
#[derive(Default)]
pub(super) struct Said {
    last: BTreeMap<&'static str, Vec<String>>,
}

impl Said {
    /// What of these is new: it stands, whatever kind of work has met it.
    pub(super) fn anew(&mut self, work: Work, words: Vec<String>) -> Vec<String> {
        let new = |word: &&String| !self.last.values().any(|said| said.contains(word));
        let anew = words.iter().filter(new).cloned().collect();
        self.last.insert(work.name(), words);
        anew
    }

    /// Nothing stands in the way of this work any more, nor of what it has done along with it; whether something did, and
    /// nothing does now.
    pub(super) fn is_over(&mut self, work: Work) -> bool {
        let before = self.count();
        let along = match work {
            Work::Containers => &[Work::Containers][..],
            Work::Network => &[Work::Containers, Work::Network],
            Work::Document => &[Work::Containers, Work::Network, Work::Document],
        };
        for work in along {
            self.last.remove(work.name());
        }
        before > 0 && self.count() == 0
    }

    /// How many things stand in the way.
    pub(super) fn count(&self) -> usize {
        let mut all: Vec<&String> = self.last.values().flatten().collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// One of them, of the largest kind of work.
    pub(super) fn first(&self) -> Option<&str> {
        let works = [Work::Document, Work::Network, Work::Containers];
        works.into_iter().find_map(|work| self.last.get(work.name())?.first()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_reason_is_told_when_it_is_new() {
        let mut said = Said::default();
        let mut anew = |of: &[&str]| said.anew(Work::Network, words(of)).join(" ");
        assert_eq!(anew(&["a"]), "a");
        assert_eq!(anew(&["a"]), "");
        assert_eq!(anew(&["a", "b"]), "b");
        assert_eq!(anew(&["b"]), "");
        assert_eq!(anew(&["a"]), "a");
        assert!(!said.is_over(Work::Containers));
        assert!(said.is_over(Work::Document));
        assert!(!said.is_over(Work::Document));
        assert_eq!(said.anew(Work::Network, words(&["a"])), ["a"]);
    }

    #[test]
    fn a_document_that_fails_stands_though_the_network_is_fine() {
        let mut said = Said::default();
        assert_eq!(said.anew(Work::Document, words(&["no image"])), ["no image"]);
        assert_eq!(said.anew(Work::Network, words(&["no image", "no bridge"])), ["no bridge"]);
        assert_eq!((said.count(), said.first()), (2, Some("no image")));
        assert!(!said.is_over(Work::Network));
        assert!(!said.is_over(Work::Network));
        assert_eq!((said.count(), said.first()), (1, Some("no image")));
        assert_eq!(said.anew(Work::Document, words(&["no image"])), [""; 0]);
        assert!(said.is_over(Work::Document));
        assert_eq!((said.count(), said.first()), (0, None));
    }
}
