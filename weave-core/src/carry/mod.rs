//! What a container needs to get from one host to another: its image, its volumes, and a container like it.
//!
//! Weave runs on one of the two hosts, and asks the engine of the other. What has to be done with files over there is
//! done by programs of that host, in a container that has nothing of its own; what has to be done with its network is
//! done by the weave that is installed there.

mod changes;
mod copy;
mod end;
mod far;
mod files;
mod hold;
mod image;
mod make;
mod mounts;
mod owners;
mod places;
mod program;
mod pump;
mod recreation;
mod scripts;
#[cfg(test)]
mod tests;
mod volume;

pub(crate) use changes::check_changes;
pub(crate) use copy::{Pass, check_tools, copy};
pub(crate) use end::End;
pub(crate) use far::far_weave;
pub(crate) use files::{FileKind, kinds};
pub(crate) use hold::{Hold, hold};
pub(crate) use image::{find_image, image, image_config};
pub(crate) use make::make;
pub(crate) use mounts::{Place, passages};
pub(crate) use owners::check_owners;
pub(crate) use places::{TAKES, check_device, check_free, drop_places, is_system, make_places, occupied};
pub(crate) use program::sweep;
pub(crate) use recreation::{Recreation, recreation};
pub(crate) use volume::{Device, check_volume, create_volume, device};

/// The label of what serves to carry one container, with the name of that as its value.
pub(crate) const CARRIES: &str = "weave.carries";
