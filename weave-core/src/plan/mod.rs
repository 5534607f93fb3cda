//! WILL: what has to be done, decided from what is wanted and what is. Pure.

mod change;
mod step;

pub use change::Change;
pub use step::{NewBridge, NewVeth, NewVxlan, Place, Step};
