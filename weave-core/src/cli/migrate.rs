//! `weave migrate`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::spec::Migrate;

/// Options of `migrate`.
#[derive(Debug, Clone, Default, Args)]
#[command(group(ArgGroup::new("other").required(true).args(["from", "to"])))]
pub(super) struct MigrateArgs {
    /// The container's name
    #[arg(value_name = "CONTAINER")]
    name: String,
    /// Engine of the host that it comes from, to this one: ssh://root@HOST, tcp://HOST:2376
    #[arg(long, value_name = "ENGINE")]
    from: Option<String>,
    /// Engine of the host that it goes to, from this one
    #[arg(long, value_name = "ENGINE")]
    to: Option<String>,
    /// Directory of ca.pem, cert.pem and key.pem for an engine behind TCP
    #[arg(long, value_name = "DIRECTORY")]
    tls: Option<PathBuf>,
    /// Ask an engine behind TCP without TLS
    #[arg(long)]
    insecure: bool,
    /// Do not copy the files of volumes
    #[arg(long)]
    without_volumes: bool,
    /// Copy directories and files of the host that the container has, too
    #[arg(long)]
    binds: bool,
    /// Move it although it has written something outside of its volumes, which is lost
    #[arg(long)]
    without_changes: bool,
    /// Copy only after the container has stopped
    #[arg(long)]
    no_live_copy: bool,
    /// Seconds until the container is killed that was asked to stop [default: its own, or 10]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u32>,
    /// Keep the old container, stopped, as CONTAINER.weave-moved
    #[arg(long)]
    keep_source: bool,
    /// Give up a move that was begun: the container is where it was
    #[arg(long)]
    undo: bool,
}

impl MigrateArgs {
    /// The operation's arguments.
    pub(super) fn spec(&self) -> Migrate {
        Migrate {
            name: self.name.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            tls: self.tls.clone(),
            insecure: self.insecure,
            volumes: !self.without_volumes,
            binds: self.binds,
            changes: !self.without_changes,
            live_copy: !self.no_live_copy,
            timeout: self.timeout,
            remove_source: !self.keep_source,
            undo: self.undo,
        }
    }
}
