//! Names of peers that do not resolve for the moment: whoever watches goes on with what they resolved to before, so that
//! what was deleted comes back although the resolver is away.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::Kernel;
use crate::Result;
use crate::observed::Observed;

/// The addresses of each name.
pub(super) type Addresses = BTreeMap<String, Vec<IpAddr>>;

/// What names resolved to.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<Addresses>);

impl Kernel {
    /// Goes on with what names of peers resolved to last, while they do not resolve.
    pub(crate) fn remembering_names(mut self) -> Self {
        self.remembered = Some(Arc::default());
        self
    }

    /// Takes what the resolver says, and what it said before where it says nothing.
    pub(super) fn recall(&self, names: &[String], answer: Result<Addresses>, observed: &mut Observed) -> Result<()> {
        match &self.remembered {
            Some(remembered) => (observed.names, observed.recalled) = remembered.recall(names, answer)?,
            None => observed.names = answer?,
        }
        Ok(())
    }
}

impl Remembered {
    /// All names with their addresses, and which of them the resolver did not know this time.
    fn recall(&self, names: &[String], answer: Result<Addresses>) -> Result<(Addresses, BTreeSet<String>)> {
        // Nothing is left half written in it.
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = match answer {
            Err(error) if !names.iter().all(|name| before.contains_key(name)) => return Err(error),
            answer => answer.unwrap_or_default(),
        };
        let mut recalled = BTreeSet::new();
        for name in names {
            let now = found.entry(name.clone()).or_default();
            if !now.is_empty() {
                before.insert(name.clone(), now.clone());
            } else if let Some(last) = before.get(name) {
                now.clone_from(last);
                recalled.insert(name.clone());
            }
        }
        Ok((found, recalled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    fn answer(pairs: &[(&str, &[u8])]) -> Addresses {
        let addresses = |last: &[u8]| last.iter().map(|last| IpAddr::from([192, 0, 2, *last])).collect();
        pairs.iter().map(|(name, last)| ((*name).to_owned(), addresses(last))).collect()
    }

    fn silence() -> Result<Addresses> {
        Err(Error::new(ErrorKind::Timeout, "peers", "`a` was not resolved within 5 s"))
    }

    #[test]
    fn names_that_do_not_resolve_any_more_are_what_they_were() {
        let names = ["a".to_owned(), "b".to_owned()];
        let remembered = Remembered::default();
        assert_eq!(remembered.recall(&names, silence()).expect_err("nothing is known yet").kind(), ErrorKind::Timeout);
        // One that never resolved is not known.
        let (found, recalled) = remembered.recall(&names, Ok(answer(&[("a", &[1]), ("b", &[])]))).expect("an answer");
        assert_eq!((found["b"].len(), recalled.len()), (0, 0));
        assert!(remembered.recall(&names, silence()).is_err());

        let (_, recalled) = remembered.recall(&names, Ok(answer(&[("a", &[1]), ("b", &[2])]))).expect("an answer");
        assert!(recalled.is_empty());
        let (found, recalled) = remembered.recall(&names, Ok(answer(&[("a", &[]), ("b", &[3])]))).expect("an answer");
        assert_eq!(found, answer(&[("a", &[1]), ("b", &[3])]));
        assert_eq!(recalled, BTreeSet::from(["a".to_owned()]));
        let (found, recalled) = remembered.recall(&names, silence()).expect("both are known");
        assert_eq!((found, recalled.len()), (answer(&[("a", &[1]), ("b", &[3])]), 2));
        // Whoever asks for others, too, is not served by halves.
        assert!(remembered.recall(&["a".to_owned(), "c".to_owned()], silence()).is_err());
    }
}
