//! What tests share.

pub(crate) mod fixture;
pub(crate) mod memory_host;
