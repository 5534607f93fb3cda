//! What stands on stdout, and how warnings and errors read.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::{status_view, table};
use crate::error::ErrorReport;
use crate::ops::{Operation, Report};
use crate::spec::{Attach, Attached, Cidr};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

/// What the classic script printed: nothing but what a script would read. In check mode a change prints nothing,
/// because no address was given or taken.
pub(super) fn stdout(operation: &Operation, report: &Report, targets: bool) -> String {
    let result = report.result.as_ref().unwrap_or(&Value::Null);
    match operation {
        Operation::Status(_) if targets => status_view::targets(result),
        Operation::Status(_) => status_view::render(result),
        Operation::Ps(_) => result.as_array().into_iter().flatten().map(ps_line).collect(),
        Operation::Preflight(_) => table::render(result),
        Operation::Version(_) => format!("weave {}\n", result["version"].as_str().unwrap_or_default()),
        Operation::Facts(_) => serde_saphyr::to_string(result).unwrap_or_default(),
        Operation::Schema(_) => format!("{result:#}\n"),
        _ if report.check => String::new(),
        Operation::Build(_) => result["id"].as_str().map(|id| format!("{id}\n")).unwrap_or_default(),
        Operation::Migrate(_) if report.changed => moved(result),
        Operation::Attach(attach) if !attach.ips.requests.is_empty() => line(allocated(attach, report)),
        Operation::Attach(attach) => line(given(&attach.ips)),
        Operation::Expose(expose) => line(given(&expose.ips)),
        Operation::Detach(detach) if !detach.ips.is_empty() => line(given(&detach.ips)),
        Operation::Hide(hide) if !hide.ips.is_empty() => line(given(&hide.ips)),
        Operation::Detach(_) | Operation::Hide(_) => line(gone(report)),
        _ => String::new(),
    }
}

/// How long a container was away, and what is still where it was.
fn moved(result: &Value) -> String {
    let mut text = String::new();
    if let Some(seconds) = result["away_seconds"].as_f64() {
        let _ = writeln!(text, "away for {seconds:.1} s");
    }
    let left: Vec<&str> = result["left"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if let (Some(host), false) = (result["from"].as_str(), left.is_empty()) {
        let _ = writeln!(text, "volumes left on {host}: {}", left.join(" "));
    }
    text
}

fn line(words: Vec<String>) -> String {
    words.join(" ") + "\n"
}

fn given(ips: &[Cidr]) -> Vec<String> {
    ips.iter().map(|ip| ip.ip().to_string()).collect()
}

/// All addresses of a container that asked for some: which of them were asked for, only the router knows.
fn allocated(attach: &Attach, report: &Report) -> Vec<String> {
    let containers = report.state.as_ref().and_then(|state| state.containers.as_ref());
    let own = containers.and_then(|containers| containers.0.get(&attach.container));
    given(own.map_or(&[], Attached::addresses))
}

/// The addresses that are not there any more.
fn gone(report: &Report) -> Vec<String> {
    let addresses = report.changes.iter().filter(|change| matches!(&*change.field, "ips" | "expose"));
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    addresses
        .flat_map(|change| {
            let after = items(&change.after);
            items(&change.before).into_iter().filter(move |item| !after.contains(item))
        })
        .filter_map(|item| item.as_str().map(|cidr| cidr.split('/').next().unwrap_or_default().to_owned()))
        .collect()
}

fn ps_line(row: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut words = vec![word(&row["id"]), word(&row["mac"])];
    words.extend(row["ips"].as_array().into_iter().flatten().map(word));
    line(words)
}

/// What is as wanted when nothing has to be done.
pub(super) fn subject(operation: &Operation) -> String {
    match operation {
        Operation::Launch(_) | Operation::Stop(_) => "The router".to_owned(),
        Operation::Connect(_) | Operation::Forget(_) => "The list of peers".to_owned(),
        Operation::Attach(attach) => attach.container.to_string(),
        Operation::Detach(detach) => detach.container.to_string(),
        Operation::Expose(_) | Operation::Hide(_) => "The exposure".to_owned(),
        Operation::InstallUnits(_) => "What systemd starts".to_owned(),
        Operation::Publish(publication) => format!("Port {}", publication.host_side()),
        Operation::Unpublish(port) => format!("Port {}/{}", port.host_port.unwrap_or_default(), port.protocol.name()),
        Operation::Migrate(migrate) => format!("Container {}", migrate.name),
        Operation::Build(build) => format!("Image {}", build.tag),
        _ => "The host".to_owned(),
    }
}

/// `warning: …`, a line each.
pub(super) fn warnings(warnings: &[String]) -> String {
    warnings.iter().map(|warning| format!("{WARNING}warning:{WARNING:#} {warning}\n")).collect()
}

/// `error: operation: subject: cause`, and below what is left of it and what to do.
pub(super) fn error(error: &ErrorReport) -> String {
    let mut text = format!("{ERROR}error:{ERROR:#} ");
    for word in error.op.iter().chain([&error.subject]).filter(|word| !word.is_empty()) {
        let _ = write!(text, "{word}: ");
    }
    let _ = writeln!(text, "{}", error.message);
    for left in &error.left {
        let _ = writeln!(text, "  not undone: {left}");
    }
    // One stands above already.
    if error.findings.len() > 1 {
        for finding in &error.findings {
            let _ = writeln!(text, "  {finding}");
        }
        return text;
    }
    if let Some(hint) = &error.hint {
        let _ = writeln!(text, "  {HINT}hint:{HINT:#} {hint}");
    }
    text
}
