//! Containers that are bound to one that goes, and that nobody said anything of.

use super::{ContainerLane, ContainerStep};
use crate::names;
use crate::observed::Bond;

impl ContainerLane {
    /// Whether the container that is there now is removed, or another one takes its place.
    pub fn ends(&self) -> bool {
        let own = |step: &ContainerStep| matches!(step, ContainerStep::Remove { name, .. } if *name == self.name);
        self.replaces || self.after.iter().any(own)
    }
}

/// Warns of containers that stay and are bound to one that ends: the engine binds them to the container itself, so
/// that they do not reach its successor, and do not start any more.
pub fn warn_of_bonds(lanes: &mut [ContainerLane], bonds: &[Bond]) {
    let ends = |name: &str, lanes: &[ContainerLane]| lanes.iter().any(|lane| lane.name == name && lane.ends());
    let mut bonds: Vec<&Bond> = bonds.iter().collect();
    bonds.sort();
    for bond in bonds {
        let to = names::swapped(&bond.to);
        if names::swapped(&bond.container) == to || ends(names::swapped(&bond.container), lanes) {
            continue;
        }
        let Some(lane) = lanes.iter_mut().find(|lane| lane.name == to && lane.ends()) else { continue };
        let Bond { container, option, .. } = bond;
        let becomes = if lane.replaces { "is made anew" } else { "goes" };
        let warning = format!(
            "container {container} is bound to {to} by `--{option}`, and {to} {becomes}: {container} loses it, and does \
             not start again until it is made anew, too"
        );
        if !lane.warnings.contains(&warning) {
            lane.warnings.push(warning);
        }
    }
}
