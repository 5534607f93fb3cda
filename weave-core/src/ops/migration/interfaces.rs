//! The interfaces of a container, from what the weave of its host says.

use serde_json::{Value, json};

use crate::observed::Container;

/// The interfaces of `container` in a `status`, as arguments of `attach`.
pub(super) fn of(status: &Value, container: &Container) -> Vec<Value> {
    let id = container.id.get(..12).unwrap_or(&container.id);
    let rows = status["attachments"].as_array().into_iter().flatten();
    let rows: Vec<&Value> = rows.filter(|row| row["id"].as_str() == Some(id)).collect();
    // The namespace of its last run may not be taken apart yet, and shows nothing any more.
    let is_former = |row: &Value| {
        let others = || rows.iter().filter(|other| other["interface"] == row["interface"]);
        !has_addresses(row) && others().any(|other| has_addresses(other))
    };
    rows.iter().filter(|row| !is_former(row)).map(|row| attach(&container.name, row)).collect()
}

fn has_addresses(row: &Value) -> bool {
    row["ips"].as_array().is_some_and(|ips| !ips.is_empty())
}

fn attach(name: &str, row: &Value) -> Value {
    let mut attach = json!({
        "container": name, "ips": row["ips"], "interface": row["interface"], "multicast": row["multicast"],
        "probe": false,
    });
    for (field, value) in [("mac", &row["mac"]), ("mtu", &row["own_mtu"]), ("gateway", &row["gateway"])] {
        if !value.is_null() {
            attach[field] = value.clone();
        }
    }
    if row["routes"].as_array().is_some_and(|routes| !routes.is_empty()) {
        attach["routes"] = row["routes"].clone();
    }
    attach
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Attach, from_value};

    #[test]
    fn rows_of_the_container_are_attachments_with_all_that_they_have() {
        let row = |id: &str, interface: &str, more: Value| {
            let mut row = json!({
                "container": "web", "id": id, "interface": interface, "host_end": "vethwe1", "mac": "02:00:00:00:00:01",
                "ips": ["10.2.1.4/24"], "mtu": 1450, "own_mtu": null, "gateway": null, "routes": [], "multicast": true,
                "up": true,
            });
            for (field, value) in more.as_object().into_iter().flatten() {
                row[field] = value.clone();
            }
            row
        };
        let more =
            json!({"own_mtu": 1400, "gateway": "10.2.1.1", "routes": ["10.9.0.0/16 via 10.2.1.1"], "multicast": false});
        let id = "0123456789ab";
        let former = row(id, "ethwe", json!({"ips": [], "host_end": "vethwe0"}));
        let rows =
            [former, row(id, "ethwe", json!({})), row(id, "eth7", more), row("ba9876543210", "ethwe", json!({}))];
        let container = Container { id: format!("{id}cdef"), name: "web".to_owned(), ..Container::default() };
        let found: Vec<Attach> = of(&json!({"attachments": rows}), &container)
            .into_iter()
            .map(|attach| from_value(attach).expect("arguments of attach"))
            .collect();
        let [first, second] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((first.interface.as_str(), first.mtu, first.probe), ("ethwe", None, false));
        assert_eq!((second.interface.as_str(), second.multicast), ("eth7", false));
        assert!(second.mtu.is_some() && second.gateway.is_some() && second.routes.is_some(), "{second:?}");
    }
}
