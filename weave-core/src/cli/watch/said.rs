//! What was said already: the same reason is told once, however often it is met.

use std::collections::BTreeMap;

use crate::watch::Work;

/// What stood in the way when each kind of work was done last.
#[derive(Default)]
pub(super) struct Said {
    last: BTreeMap<&'static str, Vec<String>>,
}

impl Said {
    /// What of these is new since the same work was done last.
    pub(super) fn anew(&mut self, work: Work, words: Vec<String>) -> Vec<String> {
        let before = self.last.insert(work.name(), words.clone()).unwrap_or_default();
        words.into_iter().filter(|word| !before.contains(word)).collect()
    }

    /// Whether something stood in the way until now. All but single containers is everything.
    pub(super) fn is_over(&mut self, work: Work) -> bool {
        if work == Work::Containers {
            self.last.remove(work.name());
            return false;
        }
        std::mem::take(&mut self.last).values().any(|words| !words.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_when_it_is_new() {
        let mut said = Said::default();
        let mut anew =
            |words: &[&str]| said.anew(Work::Network, words.iter().map(|word| (*word).to_owned()).collect()).join(" ");
        assert_eq!(anew(&["a"]), "a");
        assert_eq!(anew(&["a"]), "");
        assert_eq!(anew(&["a", "b"]), "b");
        assert_eq!(anew(&["b"]), "");
        assert_eq!(anew(&["a"]), "a");
        assert!(!said.is_over(Work::Containers));
        assert!(said.is_over(Work::Document));
        assert!(!said.is_over(Work::Document));
        assert_eq!(said.anew(Work::Network, vec!["a".to_owned()]), ["a"]);
    }
}
