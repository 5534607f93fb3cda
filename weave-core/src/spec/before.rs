//! What can be said against containers that are attached before their start.

use super::run::AttachWhen;
use super::{Attached, HostDocument, Options};
use crate::Error;

impl Attached {
    /// Whether it is to be attached before its start.
    pub(crate) fn is_before_start(&self) -> bool {
        self.ensure.is_there() && self.attach == Some(AttachWhen::BeforeStart)
    }
}

/// Options that cannot be had together with an interface that is there before the start.
pub(super) fn problems(options: &Options) -> Vec<Error> {
    let refuse = |field: &str, message: String| Error::invalid(format!("options.{field}"), message);
    let foreign = options.network.iter().find(|network| network.name == "host" || network.is_container());
    let network = foreign.map(|network| {
        let message = "is no network namespace of its own, which `attach: before_start` needs";
        let allowed = "allowed: none, bridge, networks of the engine, or `attach: after_start`";
        refuse("network", format!("`{}` {message}; {allowed}", network.name))
    });
    let publish_all = (options.publish_all == Some(true)).then(|| {
        let message = "the ports of the image are not known where `attach: before_start` publishes them";
        refuse("publish_all", format!("{message}; allowed: `publish` with each port"))
    });
    let rm = (options.rm == Some(true)).then(|| {
        let message = "what holds the network for `attach: before_start` would stay when the container goes by itself";
        refuse("rm", format!("{message}; allowed: false, or `attach: after_start`"))
    });
    network.into_iter().chain(publish_all).chain(rm).collect()
}

/// Containers that need one to run which starts later than they do.
pub(super) fn too_early(document: &HostDocument) -> Vec<Error> {
    let entries = || document.containers.iter().flat_map(|named| &named.0);
    let before =
        |name: &str| entries().any(|(container, attached)| attached.is_before_start() && container.to_string() == name);
    let mut problems = Vec::new();
    for (container, attached) in entries().filter(|(_, attached)| attached.ensure.is_there()) {
        let bonds = attached.options.iter().flat_map(|options| options.bound_to());
        for (option, names) in bonds.filter(|(option, _)| *option != "volumes_from") {
            // A link leads to a network, which is there before all of them start, but only of one that runs.
            let together = attached.is_before_start() && ["pid", "ipc"].contains(&option);
            for name in names.iter().filter(|name| !together && before(name)) {
                let message = format!("{name} is attached before its start, and starts after this one");
                let allowed = match option {
                    "pid" | "ipc" => "`attach: before_start` here, too",
                    _ => "its address on the network",
                };
                let field = format!("containers.{container}.options.{option}");
                problems
                    .push(Error::invalid(field, format!("{message}; allowed: {allowed}, or `attach: after_start`")));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::from_yaml;

    fn subjects(containers: &str) -> Vec<String> {
        let document: HostDocument = from_yaml(&format!("containers: {{{containers}}}")).expect(containers);
        document.problems().iter().map(|error| error.subject().to_owned()).collect()
    }

    #[test]
    fn what_leaves_no_namespace_of_its_own_is_refused() {
        for (options, wrong) in [
            ("--net host", Some("network")),
            ("--net container:db", Some("network")),
            ("-P", Some("publish_all")),
            ("--rm", Some("rm")),
            ("--net none", None),
            ("--net own --rm=false --publish-all=false", None),
        ] {
            let web = |attach: &str| format!("web: {{image: app, attach: {attach}, options: '{options}'}}");
            let wrong: Vec<_> = wrong.iter().map(|field| format!("containers.web.options.{field}")).collect();
            assert_eq!(subjects(&web("before_start")), wrong, "{options}");
            assert_eq!(subjects(&web("after_start")), [""; 0], "{options}");
        }
    }

    #[test]
    fn nobody_needs_what_starts_after_him() {
        let web = "web: {image: app, attach: before_start}";
        for (option, value, alone, together) in [
            ("link", "web:w", false, false),
            ("network", "container:web", false, false),
            ("pid", "container:web", false, true),
            ("ipc", "container:web", false, true),
            ("volumes_from", "web:ro", true, true),
        ] {
            for (attach, fine) in [("after_start", alone), ("before_start", together)] {
                let db = format!("db: {{image: app, attach: {attach}, options: {{{option}: '{value}'}}}}");
                let wrong = subjects(&format!("{db}, {web}"));
                assert_eq!(wrong.is_empty(), fine, "{option} {attach}: {wrong:?}");
                assert!(fine || wrong.contains(&format!("containers.db.options.{option}")), "{wrong:?}");
            }
        }
    }
}
