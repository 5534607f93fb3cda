//! Names with values: variables, labels, and options of drivers.

use super::value::{Map, Value, wrong};
use crate::Result;

macro_rules! pair {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name {
            /// The name.
            pub name: String,
            /// The value, where one was given: `A=` has an empty one, `A` has none.
            pub value: Option<String>,
        }

        impl Value for $name {
            const MAP: Map = Map::Pairs('=');

            fn read(text: &str) -> Result<Self> {
                let (name, value) = match text.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (text, None),
                };
                let check: fn(&str, Option<&str>) -> Result<(), (&'static str, &'static str)> = $check;
                check(name, value).map_err(|(why, allowed)| wrong(text, why, allowed))?;
                Ok(Self { name: name.to_owned(), value: value.map(str::to_owned) })
            }

            fn write(&self) -> String {
                match &self.value {
                    Some(value) => format!("{}={value}", self.name),
                    None => self.name.clone(),
                }
            }
        }
    };
}

pair! {
    /// A variable of the environment: `A=b`; `A` alone takes the caller's value.
    Variable, |name, _| if name.is_empty() { Err(("has no name", "NAME=VALUE or NAME")) } else { Ok(()) }
}

pair! {
    /// A label; without a value it is empty.
    Label, |name, _| match name.trim_start_matches([' ', '\t']) {
        "" => Err(("has no name", "NAME=VALUE or NAME")),
        name if name.contains([' ', '\t']) => Err(("has blanks in its name", "NAME=VALUE or NAME")),
        _ => Ok(()),
    }
}

pair! {
    /// An option of the log driver, or an annotation; without a value it is empty.
    Pair, |_, _| Ok(())
}

pair! {
    /// An option of the storage driver.
    StorageOption, |_, value| if value.is_none() { Err(("has no value", "NAME=VALUE")) } else { Ok(()) }
}

pair! {
    /// A setting of the kernel that belongs to a namespace of the container.
    Sysctl, |name, value| {
        const NAMES: [&str; 8] = [
            "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
            "kernel.shmmni", "kernel.shm_rmid_forced",
        ];
        let own = NAMES.contains(&name) || name.starts_with("net.") || name.starts_with("fs.mqueue.");
        match value {
            Some(_) if own => Ok(()),
            Some(_) => Err((
                "is a setting of the whole host",
                "net.*, fs.mqueue.*, kernel.msgmax, msgmnb, msgmni, sem, shmall, shmmax, shmmni, shm_rmid_forced",
            )),
            None => Err(("has no value", "NAME=VALUE")),
        }
    }
}
