//! Other containers that the options name.

use std::collections::{BTreeMap, BTreeSet};

use super::Options;
use super::value::Value;

impl Options {
    /// Containers that have to be there before this one, by the option that binds it to them.
    pub(crate) fn bound_to(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        let first = |text: String| text.split(':').next().unwrap_or_default().to_owned();
        let joined = |text: String| text.strip_prefix("container:").map(str::to_owned);
        let bonds: [(_, BTreeSet<String>); 5] = [
            ("link", self.link.iter().map(Value::write).map(first).collect()),
            ("volumes_from", self.volumes_from.iter().cloned().map(first).collect()),
            ("network", self.network.iter().map(|network| network.name.clone()).filter_map(joined).collect()),
            ("pid", self.pid.iter().map(Value::write).filter_map(joined).collect()),
            ("ipc", self.ipc.iter().map(Value::write).filter_map(joined).collect()),
        ];
        bonds.into_iter().filter(|(_, names)| !names.is_empty()).collect()
    }
}
