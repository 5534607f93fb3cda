//! What has to be done with containers. Pure.
//!
//! ```text
//! (Run, request) -> Wish          what was asked: path -> value
//! (Wish, Container) -> [Difference]    compared by the table in `paths.rs`
//! [Difference] -> InPlace         if `docker update` can make all of it good
//! (Wish, Container) -> [Kept]     nameless volumes that a new container takes over
//! ```

mod alike;
mod compare;
mod keep;
mod label;
mod lookup;
mod mounts;
mod paths;
mod shape;
mod step;
#[cfg(test)]
mod tests;
mod update;
mod wish;

pub use compare::{Difference, compare};
pub use keep::{Kept, carry, kept};
pub use label::{ASKED, MADE, is_ours};
pub use step::ContainerStep;
pub use update::{InPlace, in_place};
pub use wish::Wish;
