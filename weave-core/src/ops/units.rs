//! What systemd starts: the network before the engine, and the watch over it.

use std::path::Path;

use super::{Apply, Report, checked};
use crate::apply::{Mode, look as look_at};
use crate::host::Host;
use crate::kernel::machine;
use crate::observed::Scope;
use crate::spec::{Ensure, HostDocument, InstallUnits, Router, UnitsState};
use crate::units::plan::{UnitPlan, install as plan, remove, remove_services};
use crate::units::{Units, UnitsDone, Wanted, carry_out};
use crate::{Error, ErrorKind, Result, names};

const INSTALL: &str = "install_units";

/// Writes two units of systemd, enables and starts them, and writes what keeps others off weave's interfaces:
///
/// - `weave-net.service` runs `weave apply --only network FILE` before the engine starts, so that bridge, tunnel and
///   packet filter are there when containers do;
/// - `weave-watch.service` runs `weave watch FILE` as long as the host is up;
/// - for NetworkManager, systemd-networkd and udev, where they are installed, a file that has them leave the bridge, the
///   tunnel and the host ends of containers alone.
///
/// Files begin with a line that says whose they are. Those of others are never touched, nor are drop-ins
/// (`weave-watch.service.d/*.conf`). [`reset`](super::host::reset) takes the units away again, as `apply` does with
/// `ensure: absent`. A watch that reads so in its document takes the network away and stays, to see it change again.
///
/// # Errors
/// `InvalidSpec` for a bad value or document; `NotFound` for a document that is not there, unless the units are not
/// started, and for a `program` that is nowhere; `Conflict` where somebody else has a file in weave's place;
/// `Unsupported` where systemd does not start the host; `VerifyFailed` for a unit that does not come up. Then everything
/// is as it was.
pub async fn install<H: Host>(host: &H, spec: &InstallUnits, mode: Mode) -> Result<Report> {
    checked(INSTALL, spec.validate())?;
    let done = match spec.state {
        UnitsState::Present => present(host, spec, mode).await,
        UnitsState::Absent => absent(host, mode).await,
    };
    let done = done.map_err(|error| error.op(INSTALL))?;
    Ok(Report::of_units(INSTALL, mode, &done))
}

async fn present<H: Host>(host: &H, spec: &InstallUnits, mode: Mode) -> Result<UnitsDone> {
    let (wanted, warnings) = wanted(spec)?;
    let _guard = match mode {
        Mode::Apply => host.lock_units(INSTALL).await?,
        Mode::Check => None,
    };
    let before = host.units().await?.ok_or_else(|| {
        let message = "this is not the network namespace of process 1, or it cannot be seen: no boot makes it";
        Error::new(ErrorKind::Unsupported, "units", message)
            .hint("run it as root on the host itself; WEAVE_ROOT=/ says that this is it")
    })?;
    let mut planned = plan(&wanted, &before)?;
    planned.warnings.splice(0..0, warnings);
    if mode == Mode::Check {
        return Ok(UnitsDone::planned(planned));
    }
    let done = carry_out(host, planned, before).await?;
    match verify(host, &wanted).await {
        Ok(()) => Ok(done),
        Err(error) => Err(done.undo(host, error).await),
    }
}

/// Stops, disables and removes the units that are weave's, and the files for other programs.
pub(super) async fn remove_all<H: Host>(host: &H, operation: &str, mode: Mode) -> Result<UnitsDone> {
    away(host, operation, mode, remove).await.map_err(|error| error.op(operation))
}

async fn absent<H: Host>(host: &H, mode: Mode) -> Result<UnitsDone> {
    let removal = removal(host).await?;
    away(host, INSTALL, mode, removal).await
}

/// What takes the units away: what keeps others off the network stays as long as there is any of it. Where the units are
/// those of an image that is being made, this host's network says nothing of it.
async fn removal<H: Host>(host: &H) -> Result<fn(&Units) -> UnitPlan> {
    let runs = host.units().await?.is_some_and(|units| units.running);
    let stays = runs && look_at(host, &Scope::default()).await?.links.iter().any(|link| link.mark().is_some());
    Ok(if stays { remove_services } else { remove })
}

async fn away<H: Host>(host: &H, operation: &str, mode: Mode, removal: fn(&Units) -> UnitPlan) -> Result<UnitsDone> {
    let look = async || Ok::<_, Error>(host.units().await?.unwrap_or_default());
    let planned = removal(&look().await?);
    if mode == Mode::Check || planned.steps.is_empty() {
        return Ok(UnitsDone::planned(planned));
    }
    // Whoever held it may have changed them.
    let _guard = host.lock_units(operation).await?;
    let before = look().await?;
    carry_out(host, removal(&before), before).await
}

/// Looks again: planning once more must find nothing to do.
async fn verify<H: Host>(host: &H, wanted: &Wanted) -> Result<()> {
    let now: Units = host.units().await?.unwrap_or_default();
    let UnitPlan { steps, .. } = plan(wanted, &now)?;
    let Some(step) = steps.first() else { return Ok(()) };
    let message = format!("after all steps this is still to do: {step}");
    Err(Error::new(ErrorKind::VerifyFailed, "units", message)
        .hint("`journalctl -eu weave-watch -u weave-net` says what became of them"))
}

/// What is wanted, with what the document says of names; and what to warn of.
fn wanted(spec: &InstallUnits) -> Result<(Wanted, Vec<String>)> {
    let absolute = std::path::absolute(&spec.file).map_err(|error| Error::os("file", "find it", error))?;
    let file = in_words("file", &absolute)?;
    let (document, warnings) = match read(spec) {
        Err(error) if error.kind() == ErrorKind::NotFound && error.subject() == "file" && !spec.start => {
            let later =
                format!("{file} is not there yet: the names of its bridge and its port are taken to be the usual ones");
            (HostDocument::default(), vec![later])
        }
        read => read?,
    };
    if document.ensure != Ensure::Present {
        let message = "the document says that weave should not be on this host, which removes the units, too";
        return Err(Error::new(ErrorKind::Conflict, "file", message).hint("`weave apply` with it does that"));
    }
    let Router { bridge, port, .. } = document.router.unwrap_or_default();
    let program = program(spec)?;
    let wanted = Wanted {
        built: built(&program)?,
        program,
        file,
        host: spec.host.clone(),
        bridge: bridge.map_or_else(|| names::BRIDGE.to_owned(), |bridge| bridge.to_string()),
        port: port.unwrap_or(names::PORT),
        enable: spec.enable,
        start: spec.start,
    };
    Ok((wanted, warnings))
}

fn read(spec: &InstallUnits) -> Result<(HostDocument, Vec<String>)> {
    let text = super::file::named("file", &spec.file)?;
    let machine = machine();
    let apply = Apply::from_text(&spec.file, &text, spec.host.clone(), &machine.hostname)?;
    let document = apply.document(&machine)?.into_owned();
    document.validate()?;
    Ok((document, apply.warnings))
}

/// The command that units run: a process that is it knows where it is, and Python and Lua have none.
fn program(spec: &InstallUnits) -> Result<String> {
    if let Some(program) = &spec.program {
        return if Path::new(program).is_file() {
            Ok(program.clone())
        } else {
            Err(Error::new(ErrorKind::NotFound, "program", format!("{program}: there is no such file")))
        };
    }
    let own = std::env::current_exe().ok().filter(|path| path.file_name().is_some_and(|name| name == "weave"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others: Vec<_> =
        std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join("weave")).collect();
    // One that was replaced meanwhile is not where it says.
    let found = own.into_iter().chain(others).find(|path| path.is_file());
    let found = found.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "program", "the command `weave` is not on PATH, and units run nothing else")
            .hint("say where it is: `program: /opt/weave/bin/weave`")
    })?;
    in_words("program", &found)
}

/// What tells a program from the one that will be in its place: a wrapper that stays the same runs another version.
fn built(program: &str) -> Result<String> {
    let failed = |error| Error::os("program", "look at it", error);
    let found = std::fs::metadata(program).map_err(failed)?;
    let since = found.modified().map_err(failed)?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{}: {} bytes, of {}", env!("CARGO_PKG_VERSION"), found.len(), since.as_secs()))
}

fn in_words(field: &str, path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    text.map(str::to_owned).ok_or_else(|| {
        let message = format!("{} cannot stand in a unit; allowed: UTF-8 without control characters", path.display());
        Error::invalid(field, message)
    })
}
