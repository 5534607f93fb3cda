//! Graphics processors: `--gpus all`, `--gpus 2`, `--gpus '"device=0,1","capabilities=compute"'`.

use std::collections::BTreeMap;

use super::csv;
use super::value::{Map, Value, wrong};
use crate::Result;

const KEYS: &str = "all, a number, or driver, count, device, capabilities, options with `=`";

/// A request for devices of a driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gpus {
    /// The driver; the engine's choice if not given.
    pub driver: Option<String>,
    /// How many; -1 for all. One, if neither a number nor a device is given.
    pub count: Option<i64>,
    /// The devices by id.
    pub devices: Vec<String>,
    /// What they must be able to do, besides `gpu`.
    pub capabilities: Vec<String>,
    /// Options for the driver.
    pub options: BTreeMap<String, String>,
}

impl Value for Gpus {
    const MAP: Map = Map::Fields;

    fn read(text: &str) -> Result<Self> {
        let mut gpus = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for field in csv::split(text)? {
            let (key, value) = match field.split_once('=') {
                Some((key, value)) => (key, value),
                None => ("count", field.as_str()),
            };
            if seen.iter().any(|earlier| earlier == key) {
                return Err(wrong(text, &format!("has `{key}` twice"), "each key once"));
            }
            seen.push(key.to_owned());
            let list = || value.split(',').map(str::to_owned).collect();
            match key {
                "driver" => gpus.driver = Some(value.to_owned()),
                "count" if value == "all" => gpus.count = Some(-1),
                "count" => {
                    let count = value.parse().map_err(|_| wrong(value, "is no number of GPUs", "all, or a number"))?;
                    gpus.count = Some(count);
                }
                "device" => gpus.devices = list(),
                "capabilities" => gpus.capabilities = list(),
                "options" => {
                    for option in csv::split(value)? {
                        let (name, value) = option.split_once('=').unwrap_or((&option, ""));
                        gpus.options.insert(name.to_owned(), value.to_owned());
                    }
                }
                _ => return Err(wrong(key, "is no key of a request for GPUs", KEYS)),
            }
        }
        Ok(gpus)
    }

    fn write(&self) -> String {
        let mut fields = Vec::new();
        fields.extend(self.driver.iter().map(|driver| format!("driver={driver}")));
        fields.extend(self.count.map(|count| match count {
            -1 => "count=all".to_owned(),
            count => format!("count={count}"),
        }));
        let mut list = |key: &str, items: &[String]| {
            if !items.is_empty() {
                fields.push(format!("{key}={}", items.join(",")));
            }
        };
        list("device", &self.devices);
        list("capabilities", &self.capabilities);
        if !self.options.is_empty() {
            let options: Vec<String> = self.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
            fields.push(format!("options={}", csv::join(&options)));
        }
        // The client's default, so that the text is never empty.
        if fields.is_empty() { "count=1".to_owned() } else { csv::join(&fields) }
    }
}
