//! What has to be done with containers. Pure.

mod step;

pub use step::ContainerStep;
