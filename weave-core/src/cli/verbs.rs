//! From words to an [`Operation`]: each value is parsed by its own type, so that its errors are the core's own.

use std::convert::Infallible;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;

use serde_json::{Value, json};

use super::args::{AttachArgs, BuildArgs, UnitsArgs, Verb, When};
use super::launch::launch;
use super::publish;
use crate::kernel::machine;
use crate::ops::file::unreadable;
use crate::ops::status::Look;
use crate::ops::{Apply, Facts, Nothing, Operation, Ps, Schema};
use crate::spec::options::parse_run;
use crate::spec::run::{AttachWhen, Command};
use crate::spec::{
    Announce, Attach, Attached, Build, Connect, ContainerRef, Detach, Expose, Forget, Hide, IfName, InstallUnits, Ips,
    Item, List, Options, Remove, Run, UnitsState, from_value,
};
use crate::{Error, Result};

/// What of the surroundings an operation may be made from.
pub(super) trait Surroundings {
    /// A variable of the environment; nothing where it is not set or empty.
    fn variable(&self, name: &str) -> Option<String>;
    /// The name of this machine.
    fn hostname(&self) -> String;
    /// The text of a file, or of stdin for `-`.
    fn text(&self, file: &str) -> Result<String>;
}

/// The real ones.
pub(super) struct Process;

impl Surroundings for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn hostname(&self) -> String {
        machine().hostname
    }

    fn text(&self, file: &str) -> Result<String> {
        let mut text = String::new();
        let read = match file {
            "-" => std::io::stdin().read_to_string(&mut text),
            _ => std::fs::File::open(file).and_then(|mut open| open.read_to_string(&mut text)),
        };
        read.map(|_| text).map_err(|error| unreadable(if file == "-" { "stdin" } else { file }, error))
    }
}

/// The name of the operation, which errors carry.
pub(super) fn name(verb: &Verb) -> &'static str {
    match verb {
        Verb::Apply { .. } => "apply",
        Verb::Run { .. } => "run",
        Verb::Rm { .. } => "remove",
        Verb::Migrate(_) => "migrate",
        Verb::Launch(_) => "launch",
        Verb::Connect { .. } => "connect",
        Verb::Forget { .. } => "forget",
        Verb::Attach(_) => "attach",
        Verb::Detach { .. } => "detach",
        Verb::Announce { .. } => "announce",
        Verb::Expose { .. } => "expose",
        Verb::Hide { .. } => "hide",
        Verb::Publish(_) => "publish",
        Verb::Unpublish(_) => "unpublish",
        Verb::Build(_) => "build",
        Verb::Ps { .. } => "ps",
        Verb::Facts { .. } => "facts",
        Verb::Schema { .. } => "schema",
        Verb::Status { .. } => "status",
        Verb::Call { .. } => "call",
        Verb::InstallUnits(_) => "install_units",
        Verb::Watch(_) => "watch",
        Verb::Preflight => "preflight",
        Verb::Stop => "stop",
        Verb::Reset => "reset",
        Verb::Version => "version",
    }
}

/// The operation that `verb` asks for.
///
/// # Errors
/// `InvalidSpec` for a wrong value, `NotFound` for a document that does not exist.
pub(super) fn operation(verb: &Verb, from: &impl Surroundings) -> Result<Operation> {
    build(verb, from).map_err(|error| error.op(name(verb)))
}

fn build(verb: &Verb, from: &impl Surroundings) -> Result<Operation> {
    Ok(match verb {
        Verb::Apply { files, host, only } => {
            let texts: Vec<String> = files.iter().map(|file| from.text(file)).collect::<Result<_>>()?;
            let files: Vec<(&str, &str)> =
                files.iter().zip(&texts).map(|(file, text)| (file.as_str(), text.as_str())).collect();
            Operation::Apply(Apply::from_files(&files, host.clone(), &from.hostname())?.only((*only).into()))
        }
        Verb::Run { attach, words } => Operation::Run(Box::new(run(*attach, words)?)),
        Verb::Rm { name } => Operation::Remove(Remove { name: name.clone() }),
        Verb::Migrate(args) => Operation::Migrate(Box::new(args.spec())),
        Verb::Launch(args) => Operation::Launch(Box::new(launch(args, from)?)),
        Verb::Connect { replace, peers } => Operation::Connect(Connect { peers: list(peers)?, replace: *replace }),
        Verb::Forget { peers } => Operation::Forget(Forget { peers: list(peers)? }),
        Verb::Attach(args) => Operation::Attach(attach(args)?),
        Verb::Detach { words, interface } => {
            let (ips, container) = addresses_and_container("detach", words)?;
            let interface = interface.clone().unwrap_or_else(IfName::interface);
            Operation::Detach(Detach { container, ips, interface })
        }
        Verb::Announce { words } => Operation::Announce(announce(words)?),
        Verb::Expose { ips, without_masquerade } => {
            if ips.is_empty() {
                return Err(Error::invalid("ips", "no address is given; allowed: one or more such as 10.2.1.1/24")
                    .hint("say which: `weave expose 10.2.1.1/24`"));
            }
            Operation::Expose(Expose { ips: list(ips)?, masquerade: !without_masquerade })
        }
        Verb::Hide { ips } => Operation::Hide(Hide { ips: list(ips)? }),
        Verb::Publish(args) => Operation::Publish(publish::publish(args)?),
        Verb::Unpublish(args) => Operation::Unpublish(publish::unpublish(args)?),
        Verb::Build(args) => Operation::Build(image(args, from)?),
        Verb::Ps { containers } => Operation::Ps(Ps { containers: containers.clone().into() }),
        Verb::Status { latest, what } => match what.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] | ["targets"] => Operation::Status(Look { latest: *latest }),
            other => {
                let message = format!("`{}` is no part of it; allowed: nothing, or `targets`", other.join(" "));
                return Err(Error::invalid("", message).hint("`weave status` shows everything, `--json` in full"));
            }
        },
        Verb::Facts { show_env } => Operation::Facts(Facts { mask_env: !show_env }),
        Verb::Schema { document } => Operation::Schema(Schema { document: (*document).into() }),
        Verb::Call { operation, arguments } => call(operation, arguments, from)?,
        Verb::InstallUnits(args) => Operation::InstallUnits(units(args)),
        // It does not end, so it has no report; the command runs it by itself.
        Verb::Watch(_) => return Err(Error::invalid("", "`watch` is no operation; allowed: as a command")),
        Verb::Preflight => Operation::Preflight(Nothing {}),
        Verb::Stop => Operation::Stop(Nothing {}),
        Verb::Reset => Operation::Reset(Nothing {}),
        Verb::Version => Operation::Version(Nothing {}),
    })
}

fn units(args: &UnitsArgs) -> InstallUnits {
    InstallUnits {
        file: args.file.clone().unwrap_or_else(|| InstallUnits::FILE.to_owned()),
        host: args.host.clone(),
        program: args.program.clone(),
        enable: !args.no_enable,
        start: !args.no_start,
        state: if args.remove { UnitsState::Absent } else { UnitsState::Present },
    }
}

/// An operation of the table, for programs that cannot load the library.
fn call(operation: &str, arguments: &str, from: &impl Surroundings) -> Result<Operation> {
    let (subject, text) = match arguments {
        "-" => ("stdin", from.text("-")?),
        word => ("ARGUMENTS", word.to_owned()),
    };
    let arguments: Value = serde_json::from_str(&text).map_err(|error| {
        Error::invalid(subject, format!("{error}; allowed: the operation's arguments, as one JSON object"))
    })?;
    Operation::from_parts(operation, arguments)
}

/// A word may hold several, as `"$PEERS"` of a shell does. Errors name the item as those of a document do.
pub(super) fn list<T: FromStr<Err = Error>>(words: &[String]) -> Result<List<T>> {
    let lists = words.iter().map(|word| word.parse().unwrap_or_else(|never: Infallible| match never {}));
    let items = lists.flat_map(|list: List<String>| list.0);
    items.enumerate().map(|(at, item)| item.parse().map_err(|error: Error| error.item(at))).collect()
}

/// `-` in the place of the context is a Dockerfile on stdin, as for docker; `-f -` is one besides a context.
fn image(args: &BuildArgs, from: &impl Surroundings) -> Result<Build> {
    let pairs = |words: &[String]| Value::from(words.to_vec());
    let mut fields = json!({
        "tag": args.tag, "build_args": pairs(&args.build_args), "labels": pairs(&args.labels), "target": args.target,
        "platform": args.platform, "pull": args.pull, "no_cache": args.no_cache,
    });
    let file = args.file.as_deref();
    if args.context != "-" {
        fields["context"] = Value::from(args.context.as_str());
    }
    if args.context == "-" || file == Some("-") {
        fields["content"] = Value::from(from.text("-")?);
    } else if let Some(file) = file {
        // docker takes a path from where it stands; in a document it is one in the context.
        let inside = Path::new(file).strip_prefix(&args.context).unwrap_or(Path::new(file));
        fields["dockerfile"] = Value::from(inside.to_string_lossy());
    }
    from_value(fields)
}

fn attach(args: &AttachArgs) -> Result<Attach> {
    let (items, container): (List<Item>, _) = addresses_and_container("attach", &args.words)?;
    let mut spec = Attach::new(container, []);
    spec.ips = if items.is_empty() { Ips::any() } else { items.into_iter().collect() };
    if let Some(interface) = &args.interface {
        spec.interface = interface.clone();
    }
    spec.mtu = args.mtu;
    spec.mac = args.mac;
    spec.gateway = args.gateway;
    spec.routes = (!args.routes.is_empty()).then(|| args.routes.clone().into());
    spec.multicast = !args.no_multicast_route;
    spec.probe = !args.no_probe;
    Ok(spec)
}

/// Addresses alone are enough: who has them here is found out.
fn announce(words: &[String]) -> Result<Announce> {
    if words.iter().all(|word| looks_like_address(word)) {
        return Ok(Announce { container: None, ips: list(words)? });
    }
    let (ips, container) = addresses_and_container("announce", words)?;
    Ok(Announce { container: Some(container), ips })
}

/// Splits `[ADDRESS…] DOCKER-RUN-OPTIONS… IMAGE [COMMAND…]`.
fn run(when: When, words: &[String]) -> Result<Run> {
    let at = words.iter().position(|word| !looks_like_address(word)).unwrap_or(words.len());
    let (addresses, rest) = words.split_at(at);
    let (options, rest) = parse_run(rest)?;
    let Some((image, command)) = rest.split_first() else {
        return Err(
            Error::invalid("image", "no image is given").hint("say which: `weave run 10.2.1.4/24 --name web nginx`")
        );
    };
    let Some(name) = options.name.clone() else {
        return Err(Error::invalid(
            "--name",
            "no name is given, and without one every run would make another container",
        )
        .hint(format!("give it one: `weave run {} --name NAME {image}`", addresses.join(" "))));
    };
    let attached = Attached {
        ips: if addresses.is_empty() { None } else { Some(list::<Item>(addresses)?.into_iter().collect()) },
        image: Some(image.clone()),
        command: (!command.is_empty()).then(|| Command::Words(command.to_vec())),
        pull: options.pull,
        options: Some(Box::new(Options { name: None, pull: None, ..options })),
        attach: (when == When::BeforeStart).then_some(AttachWhen::BeforeStart),
        ..Attached::default()
    };
    Ok(Run { name, attached })
}

/// Splits `ADDRESS… CONTAINER`.
fn addresses_and_container<T: FromStr<Err = Error>>(verb: &str, words: &[String]) -> Result<(List<T>, ContainerRef)> {
    let Some((last, before)) = words.split_last() else {
        return Err(Error::invalid("container", "no container is given"));
    };
    if looks_like_address(last) {
        let (addresses, others): (Vec<&str>, Vec<&str>) =
            words.iter().map(String::as_str).partition(|word| looks_like_address(word));
        let [container] = others.as_slice() else {
            let message = format!("the last word is the container, and `{last}` is an address");
            return Err(Error::invalid("container", message).hint(format!(
                "addresses first, the container last: `weave {verb} {} CONTAINER`",
                addresses.join(" ")
            )));
        };
        return Err(Error::invalid("container", "the container comes last")
            .hint(format!("addresses first, the container last: `weave {verb} {} {container}`", addresses.join(" "))));
    }
    let order = |error: Error| error.hint("addresses first, then one container");
    let ips = list(before).map_err(order)?;
    Ok((ips, last.parse()?))
}

fn looks_like_address(word: &str) -> bool {
    let bare = word.strip_prefix("ip:").or_else(|| word.strip_prefix("net:")).unwrap_or(word);
    bare != word || bare.split_once('/').map_or(bare, |(ip, _)| ip).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
#[path = "verbs_tests.rs"]
mod tests;
