//! The options of `docker run` as data.
//!
//! There are three ways to write them, and one grammar. Words are sorted into fields by the table in `fields.rs`, in
//! the way of the docker client's own command line; then words and maps are read by the same code.
//!
//! - One string is split as a POSIX shell splits it: quotes, backslashes and comments count, but nothing is replaced,
//!   neither `$NAME` nor `~` nor `*`.
//! - A list of strings is joined by blanks and then split, so `['-p 5432:5432', '--memory=2g']` is four words. A blank
//!   within a value needs quotes there too.
//! - A map has the long names, with `_` for `-`. A list can be written as one value, and what is made of names and
//!   values (`env`, `label`, `mount`, …) as a map.
//!
//! What only concerns the client: `--detach`, `--quiet`, `--detach-keys`, `--sig-proxy` and
//! `--disable-content-trust` mean nothing and are let pass; `--attach`, `--cidfile`, `--help`, `--use-api-socket` and
//! the options for Windows would not do what they say, so they are errors. `name` and `pull` are what a document says
//! with fields of its own, and must not contradict them.

mod apart;
mod bound;
mod contradictions;
mod cpus;
mod csv;
mod device;
mod fields;
mod gpus;
mod hosts;
mod interval;
mod lex;
mod modes;
mod mount;
mod names;
mod network;
mod pair;
mod ports;
mod rate;
mod restart;
mod security;
mod size;
#[cfg(test)]
mod tests;
mod tmpfs;
mod ulimit;
mod value;
mod volume;
mod written;

pub use cpus::Cpus;
pub use device::{Device, DeviceRule};
pub use fields::Options;
pub use gpus::Gpus;
pub use hosts::{ExtraHost, Link, MacAddress, SearchDomain};
pub use interval::Interval;
pub use modes::{CgroupnsMode, IpcMode, Isolation, PidMode, UsernsMode, UtsMode, Workdir};
pub use mount::{BindRecursive, Mount, MountKind};
pub use network::Network;
pub use pair::{Label, Pair, StorageOption, Sysctl, Variable};
pub use ports::{Expose, PortRange, Protocol, Publish};
pub use rate::{ByteRate, CountRate, Weight};
pub use restart::Restart;
pub use security::SecurityOption;
pub use size::{Bytes, SwapBytes};
pub use tmpfs::Tmpfs;
pub use ulimit::Ulimit;
pub use value::{Map, Value};
pub(crate) use value::{many, write_many};
pub use volume::Volume;
pub use written::parse_run;

/// The names of all fields of [`Options`].
pub fn field_names() -> impl Iterator<Item = &'static str> {
    fields::ROWS.iter().map(|row| row.field)
}
