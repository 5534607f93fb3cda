//! What is asked of a router in a container: its command line, and the least that its container needs.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Map, Value, json};

use super::make::make;
use crate::apply::look;
use crate::host::Host;
use crate::observed::{Containers, Observed, RouterPortMark, Scope};
use crate::plan::container::ROUTES;
use crate::plan::{ClassicIntent, Intent, RouterIntent, known_by, own_address};
use crate::spec::run::{AttachWhen, Command, OnChange, RunState};
use crate::spec::{Options, Router, RouterKind, Settings, Underlay, from_value};
use crate::{Error, ErrorKind, Result, names};

/// Where the host's settings of the network are inside the container: a container may only read its own `/proc/sys`.
const PROC: &str = "/weave/proc";

/// Where it keeps its peers and its share of the addresses.
const DATA: &str = "/weavedb";

/// The longest password that is read.
const PASSWORD_MAX: u64 = 4096;

/// Enters into `intent` what the router's container shall be, where an image for it is given.
pub(super) async fn enter<H: Host>(host: &H, intent: &mut Intent) -> Result<()> {
    let RouterIntent::Present(router) = &intent.router else { return Ok(()) };
    if router.kind == Some(RouterKind::Vxlan) {
        return Ok(());
    }
    let Some(image) = router.image.clone() else {
        let Some(field) = router.image_settings().into_iter().find(|field| !matches!(*field, "name" | "control_port"))
        else {
            return Ok(());
        };
        let message = format!("missing, and `{field}` is given; allowed: such as weaveworks/weave:2.8.1");
        return Err(Error::invalid("image", message)
            .hint("a router's settings are given as a whole, with its image; without them it is kept as it is"));
    };
    let observed = look(host, &Scope { firewall: true, ..Scope::default() }).await?;
    let (password, mut warnings) = password(router)?;
    warnings.extend(Needs::of(&words(router)?).in_words());
    let settings = settings(router, image, &observed, password.as_deref())?;
    let make = make(&settings, &Containers::default())?;
    intent.classic = Some(Box::new(ClassicIntent {
        make,
        encrypted: password.is_some(),
        range: router.ipalloc_range.map(|range| range.0),
        default_subnet: router.ipalloc_default_subnet.map(|subnet| subnet.0),
        warnings,
    }));
    Ok(())
}

fn settings(router: &Router, image: String, observed: &Observed, password: Option<&str>) -> Result<Settings> {
    let name = known_by(router, observed).container;
    let extra = words(router)?;
    let needs = Needs::of(&extra);
    let options = options(router, &name, &needs, password)?;
    let pull = router.pull.or(options.pull).unwrap_or_default();
    Ok(Settings {
        name,
        image,
        command: Some(Command::Words(arguments(router, observed, extra, &needs)?)),
        options: Options { name: None, pull: None, ..options },
        state: RunState::Running,
        on_change: OnChange::Recreate,
        pull,
        attach: AttachWhen::AfterStart,
    })
}

fn words(router: &Router) -> Result<Vec<String>> {
    let Some(args) = &router.args else { return Ok(Vec::new()) };
    args.words().map_err(|_| Error::invalid("args", "has a quote or backslash without its end"))
}

/// What features that were chosen need besides the least.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Needs {
    /// The engine's socket.
    engine: bool,
    /// The processes of the host.
    pid: bool,
    /// The host's files.
    root: bool,
    /// The router's own name server.
    dns: bool,
}

impl Needs {
    fn of(args: &[String]) -> Self {
        let mut needs = Self::default();
        for (at, word) in args.iter().enumerate() {
            let (flag, value) = word.split_once('=').map_or((word.as_str(), None), |(flag, value)| (flag, Some(value)));
            let value = value.or_else(|| args.get(at + 1).map(String::as_str)).unwrap_or_default();
            match flag.trim_start_matches('-') {
                "docker-api" => needs.engine |= !value.is_empty(),
                "plugin" | "plugin-v2" => needs.engine = true,
                // It enters the namespaces of containers that others start.
                "proxy" => (needs.engine, needs.pid) = (true, true),
                "host-root" => needs.root = true,
                flag if flag.starts_with("dns-") => needs.dns = true,
                _ => {}
            }
        }
        needs
    }
}

impl Needs {
    /// What the operator should know: who takes over the router has that, too.
    fn in_words(self) -> Option<String> {
        let has = [
            (self.engine, "the engine's socket"),
            (self.pid, "the processes of the host"),
            (self.root, "the files of the host"),
        ];
        let has: Vec<&str> = has.into_iter().filter(|(needed, _)| *needed).map(|(_, what)| what).collect();
        (!has.is_empty()).then(|| format!("`args` ask for features that give the router {}", has.join(", ")))
    }
}

/// The router's command line. Peers are not in it: they are told to it, so that a change of them makes nothing anew.
fn arguments(router: &Router, observed: &Observed, extra: Vec<String>, needs: &Needs) -> Result<Vec<String>> {
    let underlay = router.underlay.as_ref().filter(|underlay| **underlay != Underlay::Auto);
    let underlay = underlay.map(|underlay| own_address(underlay, observed)).transpose()?;
    let bridge = observed.bridge().and_then(|(link, ..)| link.mac);
    let name = router.peer_name.or(bridge).unwrap_or_else(|| names::bridge_mac(&observed.host_id));
    let RouterPortMark { control, port, .. } = known_by(router, observed);
    let nickname = router.nickname.clone().unwrap_or_else(hostname);
    let bridge = router.bridge.as_ref().map_or(names::BRIDGE, |bridge| bridge.as_str());
    let mut line: Vec<String> = Vec::new();
    let mut say = |flag: &str, value: String| line.extend([format!("--{flag}"), value]);
    say("port", port.to_string());
    say("name", name.to_string());
    say("nickname", nickname);
    say("weave-bridge", bridge.to_owned());
    say("http-addr", format!("127.0.0.1:{control}"));
    // Next to the control port, on the other side of it than the port of the fast datapath.
    say("status-addr", format!("127.0.0.1:{}", status_port(control)));
    say("proc-path", PROC.to_owned());
    if let Some(address) = underlay {
        say("host", address.to_string());
    }
    if let Some(range) = router.ipalloc_range {
        say("ipalloc-range", range.to_string());
    }
    if let Some(subnet) = router.ipalloc_default_subnet {
        say("ipalloc-default-subnet", subnet.to_string());
    }
    if let Some(subnets) = router.trusted_subnets.as_ref().filter(|subnets| !subnets.is_empty()) {
        let subnets: Vec<String> = subnets.iter().map(ToString::to_string).collect();
        say("trusted-subnets", subnets.join(","));
    }
    line.push("--no-fastdp".to_owned());
    if router.discovery == Some(false) {
        line.push("--no-discovery".to_owned());
    }
    if !needs.dns {
        line.push("--no-dns".to_owned());
    }
    // It speaks versions of the engine's API that engines from 25 on refuse.
    if !extra.iter().any(|word| word.trim_start_matches('-').starts_with("docker-api")) && !needs.engine {
        line.push("--docker-api=".to_owned());
    }
    line.extend(extra);
    Ok(line)
}

/// Where the router answers questions only: the classic script's 6782 for 6784.
fn status_port(control: u16) -> u16 {
    control.checked_sub(2).filter(|port| *port > 0).unwrap_or(control.saturating_add(2))
}

fn hostname() -> String {
    nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned()
}

/// The options of its container: the least that it needs, then what the operator says.
fn options(router: &Router, name: &str, needs: &Needs, password: Option<&str>) -> Result<Options> {
    let given = router.docker_options.as_deref().map(serde_json::to_value).transpose();
    let given = given.map_err(|error| Error::invalid("docker_options", error.to_string()))?;
    let mut volumes = vec![format!("/proc/sys/net:{PROC}/sys/net")];
    // What it knows stays when it is made anew, and goes with it.
    let elsewhere =
        |options: &Value| [&options["volume"], &options["mount"]].iter().any(|of| of.to_string().contains(DATA));
    if !given.as_ref().is_some_and(elsewhere) {
        volumes.push(DATA.to_owned());
    }
    if needs.engine {
        volumes.push("/var/run/docker.sock:/var/run/docker.sock".to_owned());
        volumes.push("/run/docker/plugins:/run/docker/plugins".to_owned());
    }
    if needs.root {
        volumes.push("/:/host".to_owned());
    }
    let own = json!({
        "network": "host",
        "restart": "unless-stopped",
        "cap_drop": ["ALL"],
        "cap_add": ["NET_ADMIN", "NET_RAW"],
        "security_opt": ["no-new-privileges"],
        "volume": volumes,
        "label": [format!("{ROUTES}={name}")],
    });
    let Value::Object(mut all) = own else { return Ok(Options::default()) };
    if needs.pid {
        all.insert("pid".to_owned(), "host".into());
    }
    // Else it tells its vendor of host and network every few hours.
    let mut variables = vec![names::SILENT.to_owned()];
    variables.extend(password.map(|password| format!("{}={password}", names::PASSWORD_VARIABLE)));
    all.insert("env".to_owned(), variables.into());
    if let Some(Value::Object(given)) = given {
        if given.get("privileged").is_some_and(|privileged| *privileged == true) {
            // It would take away what it is given.
            for option in ["cap_drop", "cap_add", "security_opt"] {
                all.remove(option);
            }
        }
        add(&mut all, given);
    }
    from_value(Value::Object(all)).map_err(|error| error.within("docker_options"))
}

/// Adds what the operator says: lists add up, all else takes the place of ours.
fn add(all: &mut Map<String, Value>, given: Map<String, Value>) {
    for (option, value) in given {
        match (all.get_mut(&option), value) {
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            (_, value) => {
                all.insert(option, value);
            }
        }
    }
}

/// The password, and what is to be said of its file.
fn password(router: &Router) -> Result<(Option<String>, Vec<String>)> {
    let Some(path) = &router.password_file else { return Ok((None, Vec::new())) };
    let wrong = |kind: ErrorKind, why: String| Err(Error::new(kind, "password_file", format!("{path}: {why}")));
    let read = || -> io::Result<(String, u32)> {
        let file = fs::File::open(path)?;
        let mode = file.metadata()?.permissions().mode();
        let mut text = String::new();
        file.take(PASSWORD_MAX).read_to_string(&mut text)?;
        Ok((text, mode))
    };
    match read() {
        Ok((text, mode)) => {
            let password = text.trim();
            if password.is_empty() {
                return wrong(ErrorKind::InvalidSpec, "the file holds no password; allowed: one line".to_owned());
            }
            let readable = mode & 0o077 != 0;
            let warning = || format!("{path} can be read by others than its owner: `chmod 600 {path}`");
            Ok((Some(password.to_owned()), readable.then(warning).into_iter().collect()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => wrong(ErrorKind::NotFound, "no such file".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            wrong(ErrorKind::PermissionDenied, "may not be read".to_owned())
        }
        Err(error) => wrong(ErrorKind::InvalidSpec, error.to_string()),
    }
}
