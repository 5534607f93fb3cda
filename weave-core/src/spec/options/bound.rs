//! Other containers that options name: without them the container is not made, or does not start.

use std::collections::{BTreeMap, BTreeSet};

use super::modes::container;
use super::{Options, Value};

impl Options {
    /// Containers that have to be there before this one, by the option that names them.
    pub fn bound_to(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        // `db:alias`, and `data:ro`.
        let first = |text: String| text.split(':').next().unwrap_or_default().to_owned();
        let links = self.link.iter().map(|link| first(link.write())).collect();
        let volumes = self.volumes_from.iter().map(|other| first(other.clone())).collect();
        let joined = |mode: Option<String>| mode.as_deref().and_then(container).map(str::to_owned);
        let networks = self.network.iter().filter_map(|network| joined(Some(network.name.clone()))).collect();
        let pid = joined(self.pid.as_ref().map(Value::write)).into_iter().collect();
        let ipc = joined(self.ipc.as_ref().map(Value::write)).into_iter().collect();
        let all: [(_, BTreeSet<String>); 5] =
            [("link", links), ("volumes_from", volumes), ("network", networks), ("pid", pid), ("ipc", ipc)];
        all.into_iter().filter(|(_, names)| !names.is_empty()).collect()
    }
}
