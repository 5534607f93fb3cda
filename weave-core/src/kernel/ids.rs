//! IS: whole ids of containers, where only the beginning of one is written on an interface.

use std::collections::BTreeMap;

use super::Kernel;
use crate::observed::{ContainerScope, Observed, Scope, Target};

/// Letters of a whole id.
const WHOLE: usize = 64;

impl Kernel {
    /// A classic router has addresses in its books under whole ids. What the books do not tell, the engine is asked; one
    /// that does not answer leaves them as they are.
    pub(super) async fn complete_ids(&self, scope: &Scope, observed: &mut Observed) {
        let books = observed.classic.as_ref().and_then(|classic| classic.owned.as_ref());
        if !scope.attachments || books.is_none() && scope.containers == ContainerScope::default() {
            return;
        }
        let ids = observed.targets.values().filter_map(|target| match target {
            Target::Found(net) => net.id.as_ref().filter(|id| id.len() < WHOLE),
            Target::Problem(_) => None,
        });
        let told = |short: &String| books.and_then(|books| books.keys().find(|id| id.starts_with(short.as_str())));
        let (known, rest): (Vec<_>, Vec<_>) =
            ids.cloned().map(|id| (told(&id).cloned(), id)).partition(|(whole, _)| whole.is_some());
        let rest: Vec<String> = rest.into_iter().map(|(_, id)| id).collect();
        let mut whole: BTreeMap<String, String> =
            known.into_iter().filter_map(|(whole, short)| Some((short, whole?))).collect();
        let found = if rest.is_empty() { Vec::new() } else { Box::pin(self.engine.find(&rest)).await };
        whole.extend(rest.into_iter().zip(found).filter_map(|(short, found)| Some((short, found.ok()?.id))));
        for target in observed.targets.values_mut() {
            let Target::Found(net) = target else { continue };
            if let Some(id) = net.id.as_ref().and_then(|id| whole.get(id)) {
                net.id = Some(id.clone());
            }
        }
    }
}
