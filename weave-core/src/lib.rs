//! weave joins the containers of many plain Docker hosts to one private network.
//!
//! Say what should be; every operation looks, plans, does only what is missing, and reports. Configuration management
//! is the control plane, the Linux kernel is the data plane, and no daemon has to run; one that keeps it so is in [`watch`].
//!
//! ```text
//! Spec --validate--> Intent --scope--> observe --> Observed
//! (Intent, Observed) --plan--> Plan { steps, changes }             pure
//! Plan --Mode::Check--> Report      Plan --Mode::Apply--> steps, undone backwards on an error
//!                                        --> observe, plan again: nothing may be left --> Report
//! ```
//!
//! The verbs are in [`ops`], one module for each noun:
//!
//! ```no_run
//! use weave_core::{Kernel, KernelOptions, Mode, blocking, ops, spec};
//!
//! fn main() -> weave_core::Result<()> {
//!     let host = Kernel::new(KernelOptions::default())?;
//!     let document: spec::HostDocument = spec::from_yaml(
//!         "
//!         peers: [192.0.2.1, 192.0.2.2]
//!         containers:
//!           web: {ips: [10.2.1.4/24]}
//!         ",
//!     )?;
//!     let report = blocking::run(ops::host::apply(&host, &document, Mode::Apply))?;
//!     assert!(report.is_ok());
//!     Ok(())
//! }
//! ```
//!
//! Callers that hold a name and a table of arguments use [`ops::Operation`]. Everything can be run again at any time,
//! also after a run that was killed: what is there is left, what is missing is done.

pub mod apply;
pub mod blocking;
mod cancel;
mod carry;
mod classic;
#[cfg(feature = "cli")]
pub mod cli;
mod docker;
pub mod error;
mod ethtool;
mod firewall;
pub mod host;
pub mod kernel;
pub mod names;
mod netlink;
mod netns;
pub mod observed;
pub mod ops;
mod packet;
pub mod plan;
pub mod progress;
mod readable;
pub mod spec;
mod sysctl;
pub mod units;
pub mod watch;

pub use apply::Mode;
pub use cancel::Cancel;
pub use error::{Error, ErrorKind, Result};
pub use kernel::{Kernel, KernelOptions};
pub use ops::{Operation, Report};
pub use progress::Progress;
