//! What the command line looks like. Verbs, their order of words and their options are those of the classic script.

use std::net::IpAddr;

use anstream::ColorChoice;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::launch::LaunchArgs;
use super::migrate::MigrateArgs;
use super::publish::{PublishArgs, UnpublishArgs};
use crate::spec::{IfName, Mac, Mtu, Route};

/// Joins the containers of many Docker hosts to one private network
#[derive(Debug, Clone, Parser)]
#[command(name = "weave", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Verb,
    /// Options of every verb.
    #[command(flatten)]
    pub(super) flags: Flags,
}

const EXIT_CODES: &str = "\
Every command looks first, does only what is missing, and says on stderr what it changed.

Exit codes: 0 done, or nothing to do; 1 failed. With --detailed-exitcodes, 2 says that
something changed, or with --check would change.

Environment: DOCKER_HOST, WEAVE_ENGINE_TIMEOUT and WEAVE_LOCK_TIMEOUT (seconds), WEAVE_RUN_DIR,
NO_COLOR, and for launch WEAVE_PORT and WEAVE_MTU.";

/// Options of every verb.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Flags {
    /// Say what would be done, and touch nothing
    #[arg(long, global = true)]
    pub(super) check: bool,
    /// Show each step as the command line that it equals
    #[arg(long, global = true)]
    pub(super) diff: bool,
    /// Print the report as one JSON object on stdout, and nothing on stderr
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Print neither plan nor warnings, only errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Exit with 2 when something changed, or with --check would change
    #[arg(long, global = true)]
    pub(super) detailed_exitcodes: bool,
    /// When to use colours on stderr; `auto` is on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,
}

/// When to use colours. Docs on the variants would blow up the help.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// When a container is attached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum When {
    #[default]
    AfterStart,
    BeforeStart,
}

/// Which document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Document {
    #[default]
    Host,
    Fleet,
}

impl From<Document> for crate::ops::Document {
    fn from(document: Document) -> Self {
        match document {
            Document::Host => Self::Host,
            Document::Fleet => Self::Fleet,
        }
    }
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// Which part of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    #[default]
    All,
    Network,
}

impl From<Part> for crate::spec::Part {
    fn from(part: Part) -> Self {
        match part {
            Part::All => Self::All,
            Part::Network => Self::Network,
        }
    }
}

/// The verbs.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Verb {
    /// Make this host what a document says
    Apply {
        /// YAML or JSON, of this host or of a fleet; `-` reads stdin. Several are data of the 2014 Puppet module, the
        /// most special first
        #[arg(value_name = "FILE", required = true)]
        files: Vec<String>,
        /// Which of a fleet's hosts this one is [default: by its name or address]
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
        /// Only this part of it: `network` runs and removes no container, and needs no engine
        #[arg(long, value_enum, value_name = "PART", default_value_t)]
        only: Part,
    },
    /// Run a container, and give it addresses on the network
    #[command(override_usage = "weave run [OPTIONS] [ADDRESS]... [DOCKER-RUN-OPTION]... IMAGE [COMMAND]...")]
    Run {
        /// When it gets its interface: `before_start` has it there when its process starts, after each restart too
        #[arg(long, value_enum, value_name = "WHEN", default_value_t, hide_possible_values = true)]
        attach: When,
        /// Addresses such as 10.2.1.4/24, then what `docker run` takes
        #[arg(value_name = "WORD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Remove containers that weave made
    #[command(alias = "remove")]
    Rm {
        /// Name of the container
        #[arg(value_name = "CONTAINER")]
        name: String,
    },
    /// Move a container between this host and another one, with its files and addresses
    Migrate(Box<MigrateArgs>),
    /// Start the router: bridge, tunnel, the guard of its port, first peers
    Launch(Box<LaunchArgs>),
    /// Add peers
    Connect {
        /// Forget all peers that are not named
        #[arg(long)]
        replace: bool,
        /// Underlay addresses or names of other hosts, with or without `:PORT`
        #[arg(value_name = "PEER")]
        peers: Vec<String>,
    },
    /// Remove peers
    Forget {
        /// Addresses or names of other hosts
        #[arg(value_name = "PEER")]
        peers: Vec<String>,
    },
    /// Give a container addresses on the network
    #[command(override_usage = "weave attach [OPTIONS] [ADDRESS]... CONTAINER")]
    Attach(AttachArgs),
    /// Take addresses from a container; all of them where none is given
    #[command(override_usage = "weave detach [OPTIONS] [ADDRESS]... CONTAINER")]
    Detach {
        /// Addresses such as 10.2.1.4/24, and last the container
        #[arg(value_name = "WORD", required = true)]
        words: Vec<String>,
        /// Interface in the container [default: ethwe]
        #[arg(long, value_name = "NAME")]
        interface: Option<IfName>,
    },
    /// Tell the network again where addresses are, and forget connections that this host remembers of them
    #[command(override_usage = "weave announce [ADDRESS]... [CONTAINER]")]
    Announce {
        /// Addresses such as 10.2.1.4/24, and last the container, whose addresses they are all of where none is given
        #[arg(value_name = "WORD", required = true)]
        words: Vec<String>,
    },
    /// Give this host addresses on the network
    Expose {
        /// Addresses such as 10.2.1.1/24
        #[arg(value_name = "ADDRESS")]
        ips: Vec<String>,
        /// Do not masquerade between these networks and everything else
        #[arg(long, alias = "no-masquerade")]
        without_masquerade: bool,
    },
    /// Take addresses from this host; all of them where none is given
    Hide {
        /// Addresses such as 10.2.1.1/24
        #[arg(value_name = "ADDRESS")]
        ips: Vec<String>,
    },
    /// Pass a port of this host on to a container, on this host or another
    Publish(PublishArgs),
    /// Take a published port back
    Unpublish(UnpublishArgs),
    /// Build an image, unless there is one that was built from the same
    Build(BuildArgs),
    /// List who is attached: id, MAC, addresses
    Ps {
        /// Only these; `weave:expose` is the host itself
        #[arg(value_name = "CONTAINER")]
        containers: Vec<String>,
    },
    /// Show router, peers, packet filter and attachments; exit 1 while no router runs
    Status {
        /// Ask the registry of the router's image whether it has a newer one
        #[arg(long)]
        latest: bool,
        /// `targets`: only the peers, one a line
        #[arg(value_name = "WHAT")]
        what: Vec<String>,
    },
    /// Print what config management wants to know of this host, as YAML
    Facts {
        /// Print values of containers' environment variables, too
        #[arg(long)]
        show_env: bool,
    },
    /// Print the JSON Schema of a document
    Schema {
        /// Whose document
        #[arg(value_enum, default_value_t)]
        document: Document,
    },
    /// Do an operation as the libraries do it: by its name, with its arguments as JSON
    Call {
        /// Such as attach; the names are those of the functions of the Python package
        #[arg(value_name = "OPERATION")]
        operation: String,
        /// Such as '{"container": "web", "ips": ["10.2.1.4/24"]}'; `-` reads stdin
        #[arg(value_name = "ARGUMENTS", default_value = "{}")]
        arguments: String,
    },
    /// Have systemd apply a document at each boot, and watch over it
    InstallUnits(UnitsArgs),
    /// Keep this host as a document says, or without one as it is, for as long as this runs
    Watch(WatchArgs),
    /// Check whether this host has what weave needs
    Preflight,
    /// Remove the tunnel; bridge, attachments and exposures stay
    Stop,
    /// Remove everything that weave made on this host
    Reset,
    /// Print the version
    Version,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Log {
    #[default]
    Text,
    Json,
}

/// Options of `watch`.
#[derive(Debug, Clone, Args)]
pub(super) struct WatchArgs {
    /// YAML or JSON, of this host or of a fleet, read anew when it changes and on SIGHUP; without any, what is there is
    /// kept
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<String>,
    /// Which of a fleet's hosts this one is [default: by its name or address]
    #[arg(long, value_name = "NAME")]
    pub(super) host: Option<String>,
    /// Serve metrics for Prometheus there, at /metrics; a port alone is on 127.0.0.1 [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) metrics: Option<String>,
    /// Look at everything this often, though nobody has told of a change
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) resync: u64,
    /// How logs are written on stderr
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(super) log: Log,
}

/// Options of `attach`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct AttachArgs {
    /// Addresses such as 10.2.1.4/24, or net:default for one that the router allocates (which is what no address means),
    /// and last the container: its name or id, netns:PATH, or pid:N
    #[arg(value_name = "WORD", required = true)]
    pub(super) words: Vec<String>,
    /// Interface in the container [default: ethwe]
    #[arg(long, value_name = "NAME")]
    pub(super) interface: Option<IfName>,
    /// MTU of the interface in bytes [default: the network's]
    #[arg(long)]
    pub(super) mtu: Option<Mtu>,
    /// MAC of the interface [default: made from the first address]
    #[arg(long)]
    pub(super) mac: Option<Mac>,
    /// Next hop of the container's default route [default: none]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) gateway: Option<IpAddr>,
    /// A further route such as '10.9.0.0/16 via 10.2.1.1'; may be repeated
    #[arg(long = "route", value_name = "ROUTE")]
    pub(super) routes: Vec<Route>,
    /// Do not route multicast to the network; a route that is there is removed
    #[arg(long, alias = "no-multicast")]
    pub(super) no_multicast_route: bool,
    /// Do not ask the network first whether somebody has the addresses
    #[arg(long)]
    pub(super) no_probe: bool,
}

/// Options of `install-units`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct UnitsArgs {
    /// The document, of this host or of a fleet [default: /etc/weave/host.yaml]
    #[arg(value_name = "FILE")]
    pub(super) file: Option<String>,
    /// Which of a fleet's hosts this one is [default: by its name or address]
    #[arg(long, value_name = "NAME")]
    pub(super) host: Option<String>,
    /// The command that the units run [default: this one]
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<String>,
    /// Write the units, and leave it to you when the boot starts them
    #[arg(long)]
    pub(super) no_enable: bool,
    /// Leave starting them to the next boot
    #[arg(long)]
    pub(super) no_start: bool,
    /// Stop, disable and remove them
    #[arg(long, conflicts_with_all = ["file", "host", "program", "no_enable", "no_start"])]
    pub(super) remove: bool,
}

/// Options of `build`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct BuildArgs {
    /// Name of the image, such as app:1.2
    #[arg(short, long)]
    pub(super) tag: String,
    /// The Dockerfile, in the context; `-` reads it from stdin [default: Dockerfile]
    #[arg(short, long)]
    pub(super) file: Option<String>,
    /// Value of an ARG as NAME=VALUE; NAME alone takes it from the environment; may be repeated
    #[arg(long = "build-arg", value_name = "ARG")]
    pub(super) build_args: Vec<String>,
    /// Label of the image as NAME=VALUE; may be repeated
    #[arg(long = "label", value_name = "LABEL")]
    pub(super) labels: Vec<String>,
    /// Stage to stop after
    #[arg(long, value_name = "STAGE")]
    pub(super) target: Option<String>,
    /// Platform such as linux/arm64 [default: the engine's]
    #[arg(long)]
    pub(super) platform: Option<String>,
    /// Ask the registry for newer base images, when it has to be built
    #[arg(long)]
    pub(super) pull: bool,
    /// Use no layers of earlier builds, when it has to be built
    #[arg(long)]
    pub(super) no_cache: bool,
    /// Directory to build from; `-` is none, and the Dockerfile is read from stdin
    #[arg(value_name = "DIRECTORY")]
    pub(super) context: String,
}
