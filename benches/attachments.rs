//! Containers, played by bare network namespaces: attaching, finding nothing to do, taking everything down.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use weave_core::spec::{Attach, Attached, Cidr, ContainerRef, Detach, Firewall, HostDocument, Launch, Named, Router};
use weave_core::{Kernel, Mode, Report, ops};

use crate::Bench;
use crate::by_hand::{self, End, PREFIX, address};
use crate::measure::{Contender, medians};
use crate::raw::Result;
use crate::sandbox::{self, Sandbox, UNDERLAY};
use crate::table::{Aim, Row};

/// How often `ip -batch` takes part where a round of it takes seconds.
const SELDOM: usize = 1;

/// Measures all of it.
pub(crate) fn measure(bench: &Bench) -> Result<()> {
    let sizes: &[usize] = if bench.quick { &[1, 100] } else { &[1, 100, 1000] };
    let most = *sizes.last().unwrap_or(&1);
    let names: Vec<String> = sizes.iter().map(|size| format!("attach {size}")).collect();
    let rest = [format!("attach {most}, probe"), unchanged(most, true), unchanged(most, false), reset(most)];
    if !names.iter().chain(&rest).any(|what| bench.wants(what)) {
        return Ok(());
    }
    sandbox::inside(most, |sandbox| {
        by_hand::make_bridge()?;
        let _ = run_on_host!(|host| launch(host, true))?;
        for (size, what) in sizes.iter().zip(&names) {
            if bench.wants(what) {
                attach(bench, what, &sandbox.targets[..*size])?;
            }
        }
        if bench.wants(&rest[0]) {
            probed(bench, &rest[0], &sandbox.targets)?;
        }
        for manage in [true, false] {
            if bench.wants(&unchanged(most, manage)) {
                apply_unchanged(bench, sandbox, manage)?;
            }
        }
        if bench.wants(&rest[3]) {
            take_down(bench, sandbox)?;
        }
        Ok(())
    })
}

fn unchanged(count: usize, manage: bool) -> String {
    format!("apply {count}, unchanged{}", if manage { "" } else { ", no nft" })
}

fn reset(count: usize) -> String {
    format!("reset {count}")
}

/// Runs an operation as a program would that calls the library now and then: everything is made for it and dropped after
/// it, but for the runtime, which the library keeps.
macro_rules! run_on_host {
    (|$host:ident| $job:expr) => {
        crate::attachments::without_errors(crate::measure::time(|| {
            let $host = &weave_core::Kernel::new(weave_core::KernelOptions::default())?;
            Ok(weave_core::blocking::run($job)?)
        }))
    };
}
pub(crate) use run_on_host;

/// A report that holds errors is one.
pub(crate) fn without_errors(run: Result<(Duration, Report)>) -> Result<(Duration, Report)> {
    let (spent, report) = run?;
    match report.errors.first() {
        None => Ok((spent, report)),
        Some(error) => Err(format!("{} reports {error:?}", report.operation).into()),
    }
}

/// A router, as the other operations need it.
pub(crate) async fn launch(host: &Kernel, manage: bool) -> weave_core::Result<Report> {
    let underlay = Some(UNDERLAY.parse()?);
    let spec = Launch { underlay, firewall: Some(Firewall { manage }), ..Launch::default() };
    ops::router::launch(host, &spec, Mode::Apply).await
}

fn cidr(index: usize) -> weave_core::Result<Cidr> {
    format!("{}/{PREFIX}", address(index)).parse()
}

fn specs(targets: &[PathBuf], probe: bool) -> Result<Vec<Attach>> {
    let spec = |(index, target): (usize, &PathBuf)| {
        let attach = Attach::new(ContainerRef::Netns(target.as_path().into()), [cidr(index)?]);
        Ok(Attach { probe, ..attach })
    };
    targets.iter().enumerate().map(spec).collect()
}

pub(crate) fn attach_ours(targets: &[PathBuf], probe: bool) -> Result<Duration> {
    let specs = specs(targets, probe)?;
    let (spent, report) = run_on_host!(|host| ops::attachment::attach_all(host, &specs, Mode::Apply))?;
    let there = by_hand::addresses(targets)?;
    if !report.changed || there != targets.len() {
        return Err(format!("{there} of {} targets have an address after attaching them", targets.len()).into());
    }
    Ok(spent)
}

pub(crate) fn detach_ours(targets: &[PathBuf]) -> Result<Duration> {
    let specs: Vec<Detach> =
        targets.iter().map(|target| Detach::new(ContainerRef::Netns(target.as_path().into()))).collect();
    let (spent, _) = run_on_host!(|host| ops::attachment::detach_all(host, &specs, Mode::Apply))?;
    gone(targets)?;
    Ok(spent)
}

fn gone(targets: &[PathBuf]) -> Result<()> {
    match by_hand::addresses(targets)? {
        0 => Ok(()),
        left => Err(format!("{left} targets still have an address after detaching them").into()),
    }
}

fn attach(bench: &Bench, what: &str, targets: &[PathBuf]) -> Result<()> {
    let rounds = bench.rounds(match targets.len() {
        // They take a millisecond, and others on the machine as much of it as they like.
        ..=10 => 99,
        11..=100 => 9,
        _ => 5,
    });
    let by_ip = || {
        let spent = by_hand::attach_by_ip(targets)?;
        by_hand::detach()?;
        Ok(spent)
    };
    let by_hand = |end| {
        let spent = by_hand::attach(targets, end)?;
        by_hand::look(targets)?;
        by_hand::detach()?;
        Ok(spent)
    };
    let [limit, bare, one_queue, ours, ip] = medians(
        rounds,
        [
            Contender::new(|| by_hand(End::Same)),
            Contender::new(|| by_hand(End::Bare)),
            Contender::new(|| by_hand(End::OneQueue)),
            Contender::new(|| {
                let spent = attach_ours(targets, false)?;
                detach_ours(targets)?;
                Ok(spent)
            }),
            if targets.len() > 100 { Contender::seldom(SELDOM, by_ip) } else { Contender::new(by_ip) },
        ],
    )?;
    bench.report(&Row::times(what, limit, ours, Some(ip), Aim::AtMost(1.3)));
    bench.report(&Row::times(&format!("{what}, bare limit"), bare, ours, None, Aim::None));
    bench.report(&Row::times(&format!("{what}, one queue"), one_queue, ours, None, Aim::None));
    Ok(())
}

fn probed(bench: &Bench, what: &str, targets: &[PathBuf]) -> Result<()> {
    let [limit, ours] = medians(
        bench.rounds(3),
        [
            Contender::new(|| {
                let spent = by_hand::attach(targets, End::Same)?;
                by_hand::detach()?;
                Ok(spent)
            }),
            Contender::new(|| {
                let spent = attach_ours(targets, true)?;
                detach_ours(targets)?;
                Ok(spent)
            }),
        ],
    )?;
    bench.report(&Row::times(what, limit, ours, None, Aim::None));
    Ok(())
}

/// A document with a router and all targets as containers.
pub(crate) fn document(targets: &[PathBuf], manage: bool) -> Result<HostDocument> {
    let mut containers = BTreeMap::new();
    for (index, target) in targets.iter().enumerate() {
        let attached: Attached = serde_json::from_value(serde_json::json!({ "ips": [cidr(index)?], "probe": false }))?;
        containers.insert(ContainerRef::Netns(target.as_path().into()), attached);
    }
    Ok(HostDocument {
        router: Some(Router { underlay: Some(UNDERLAY.parse()?), ..Router::default() }),
        firewall: Some(Firewall { manage }),
        containers: Some(Named(containers)),
        ..HostDocument::default()
    })
}

/// Applies a document, and refuses a report that does not say `changed`.
pub(crate) fn apply(document: &HostDocument, changed: bool) -> Result<Duration> {
    let (spent, report) = run_on_host!(|host| ops::host::apply(host, document, Mode::Apply))?;
    if report.changed != changed {
        return Err(format!("apply reports changed={}: {:?}", report.changed, report.steps.first()).into());
    }
    Ok(spent)
}

fn apply_unchanged(bench: &Bench, sandbox: &Sandbox, manage: bool) -> Result<()> {
    let targets = &sandbox.targets;
    let document = document(targets, manage)?;
    apply(&document, true)?;
    let [limit, ours] = medians(
        bench.rounds(11),
        [Contender::new(|| by_hand::look(targets)), Contender::new(|| apply(&document, false))],
    )?;
    detach_ours(targets)?;
    bench.report(&Row::times(&unchanged(targets.len(), manage), limit, ours, None, Aim::AtMost(3.0)));
    Ok(())
}

fn take_down(bench: &Bench, sandbox: &Sandbox) -> Result<()> {
    let targets = &sandbox.targets;
    let document = document(targets, true)?;
    let _ = run_on_host!(|host| ops::host::reset(host, Mode::Apply))?;
    let before = by_hand::links()?;
    let [limit, ours] = medians(
        bench.rounds(5),
        [
            Contender::new(|| {
                by_hand::attach(targets, End::Same)?;
                by_hand::detach()
            }),
            Contender::new(|| {
                apply(&document, true)?;
                let (spent, _) = run_on_host!(|host| ops::host::reset(host, Mode::Apply))?;
                gone(targets)?;
                match by_hand::links()? {
                    after if after == before => Ok(spent),
                    after => Err(format!("{after} links after the reset, {before} before").into()),
                }
            }),
        ],
    )?;
    bench.report(&Row::times(&reset(targets.len()), limit, ours, None, Aim::AtMost(1.3)));
    Ok(())
}
