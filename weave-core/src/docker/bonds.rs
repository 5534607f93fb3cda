//! Which containers are bound to another one itself, and not to whoever has its name.

use serde_json::Value;

use super::client::Engine;
use super::look::own_name;
use crate::Result;
use crate::observed::Bond;

/// All containers, running or not.
const ALL: &str = "/containers/json?all=1";

impl Engine {
    /// What one list tells: links, and network namespaces that are shared.
    pub(super) async fn bonds(&self) -> Result<Vec<Bond>> {
        const WHAT: &str = "list containers";
        let answer = self.read(WHAT, ALL.to_owned()).await.map_err(|failure| failure.error)?;
        let Value::Array(listed) = answer else { return Err(self.senseless(WHAT)) };
        Ok(listed.iter().flat_map(|item| links(item).chain(joined(item, &listed))).collect())
    }
}

/// A container has one more name for each link that leads to it: `/web/database`.
fn links(item: &Value) -> impl Iterator<Item = Bond> {
    let names = item["Names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.filter_map(move |name| {
        let (container, _) = name.strip_prefix('/')?.split_once('/')?;
        Some(Bond { container: container.to_owned(), option: "link", to: own_name(item) })
    })
}

/// One that shares the network of another names it by its id.
fn joined(item: &Value, listed: &[Value]) -> Option<Bond> {
    let id = item["HostConfig"]["NetworkMode"].as_str()?.strip_prefix("container:")?;
    let to = listed.iter().find(|other| other["Id"] == id)?;
    Some(Bond { container: own_name(item), option: "network", to: own_name(to) })
}
