//! What tests share.

pub(crate) mod classic;
pub(crate) mod fixture;
pub(crate) mod memory_host;
