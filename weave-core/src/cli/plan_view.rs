//! What was planned and done, a line for each change.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::ops::Report;
use crate::plan::Change;

/// Green, for what is added.
const ADD: Style = AnsiColor::Green.on_default();
/// Red, for what goes.
const REMOVE: Style = AnsiColor::Red.on_default();
/// Yellow, for what changes.
const CHANGE: Style = AnsiColor::Yellow.on_default();
/// For what is beside the point.
const DIM: Style = Style::new().dimmed();
/// For the line that counts.
const BOLD: Style = Style::new().bold();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Add,
    Change,
    Remove,
}

/// The changes of `report`, its steps where `diff` asks for them, and a last line that sums up.
pub(super) fn render(report: &Report, subject: &str, diff: bool) -> String {
    let mut text = String::new();
    // A String takes everything.
    let _ = write_plan(&mut text, report, subject, diff);
    text
}

fn write_plan(text: &mut String, report: &Report, subject: &str, diff: bool) -> std::fmt::Result {
    if !report.changed {
        // With errors, not everything is as wanted.
        return if report.is_ok() {
            writeln!(text, "{BOLD}No changes.{BOLD:#} {subject} is as wanted.")
        } else {
            writeln!(text, "{BOLD}No changes.{BOLD:#}")
        };
    }
    let mut counts = [0_usize; 3];
    for change in grouped(&report.changes) {
        let sort = sort(change);
        counts[sort as usize] += 1;
        let (style, sign) = match sort {
            Sort::Add => (ADD, '+'),
            Sort::Change => (CHANGE, '~'),
            Sort::Remove => (REMOVE, '-'),
        };
        writeln!(text, "  {style}{sign}{style:#} {}: {}", path(change), values(change, sort))?;
    }
    if report.changes.is_empty() {
        let steps = report.steps.len();
        counts[Sort::Change as usize] = 1;
        let word = if steps == 1 { "step" } else { "steps" };
        writeln!(text, "  {CHANGE}~{CHANGE:#} repair: {steps} {word} (shown with --diff)")?;
    }
    if diff {
        for step in &report.steps {
            writeln!(text, "  {DIM}$ {step}{DIM:#}")?;
        }
    }
    let [add, change, remove] = counts;
    if report.check {
        writeln!(text, "{BOLD}Plan:{BOLD:#} {add} to add, {change} to change, {remove} to remove.")
    } else {
        writeln!(text, "{BOLD}Done:{BOLD:#} {add} added, {change} changed, {remove} removed.")
    }
}

/// Changes of one subject stand together, in the order in which the subjects come up.
fn grouped(changes: &[Change]) -> Vec<&Change> {
    let mut subjects: Vec<&str> = Vec::new();
    for change in changes {
        if !subjects.contains(&change.subject.as_str()) {
            subjects.push(&change.subject);
        }
    }
    subjects.into_iter().flat_map(|subject| changes.iter().filter(move |change| change.subject == subject)).collect()
}

fn path(change: &Change) -> String {
    if change.subject == change.field {
        change.field.to_string()
    } else {
        format!("{}.{}", change.subject, change.field)
    }
}

fn sort(change: &Change) -> Sort {
    match (is_nothing(&change.before), is_nothing(&change.after)) {
        (true, _) => Sort::Add,
        (false, true) => Sort::Remove,
        (false, false) => Sort::Change,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn values(change: &Change, sort: Sort) -> String {
    match (sort, &change.before, &change.after) {
        (Sort::Add, _, after) => word(after),
        (Sort::Remove, before, _) => word(before),
        (Sort::Change, Value::Array(before), Value::Array(after)) => {
            let new = after.iter().filter(|item| !before.contains(item)).map(|item| format!("+{}", word(item)));
            let gone = before.iter().filter(|item| !after.contains(item)).map(|item| format!("-{}", word(item)));
            new.chain(gone).collect::<Vec<_>>().join(" ")
        }
        (Sort::Change, before, after) => format!("{} -> {}", word(before), word(after)),
    }
}

/// A value as it would stand in a document.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let told = fields.iter().filter(|(_, value)| !is_nothing(value));
            told.map(|(name, value)| format!("{name} {}", word(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::tests::{plain, report};

    fn changed(changes: &[Change]) -> Report {
        Report { changed: true, changes: changes.to_vec(), ..report("launch") }
    }

    #[test]
    fn each_change_is_a_line_under_its_subject() {
        let mut report = changed(&[
            Change::new("router", "mtu", 1450, 1350),
            Change::new("peers", "peers", ["192.0.2.2", "192.0.2.3"], ["192.0.2.3", "192.0.2.4"]),
            Change::new("containers.web", "ips", (), ["10.2.1.4/24", "10.2.1.5/24"]),
            Change::new("router", "vxlan-6783", "down", "up"),
            Change::new("containers.db", "ips", ["10.2.1.6/24"], json!([])),
            Change::new("firewall", "ip filter DOCKER-USER", (), "accept"),
            Change::new("firewall", "table", json!({"port": 6783, "peers": ["192.0.2.2"], "masquerade": []}), ()),
        ]);
        report.steps = vec!["ip link set weave mtu 1350".into()];
        let lines = "  ~ router.mtu: 1450 -> 1350\n  \
                     ~ router.vxlan-6783: down -> up\n  \
                     ~ peers: +192.0.2.4 -192.0.2.2\n  \
                     + containers.web.ips: 10.2.1.4/24, 10.2.1.5/24\n  \
                     - containers.db.ips: 10.2.1.6/24\n  \
                     + firewall.ip filter DOCKER-USER: accept\n  \
                     - firewall.table: port 6783, peers 192.0.2.2\n";
        assert_eq!(
            plain(&render(&report, "The router", false)),
            format!("{lines}Done: 2 added, 3 changed, 2 removed.\n")
        );
        report.check = true;
        assert_eq!(
            plain(&render(&report, "The router", true)),
            format!("{lines}  $ ip link set weave mtu 1350\nPlan: 2 to add, 3 to change, 2 to remove.\n")
        );
    }

    #[test]
    fn nothing_to_do_is_one_line() {
        assert_eq!(plain(&render(&report("launch"), "The router", true)), "No changes. The router is as wanted.\n");
        let mut failed = report("apply");
        failed.errors = vec![crate::Error::invalid("containers.web", "no").report()];
        assert_eq!(plain(&render(&failed, "The host", false)), "No changes.\n");
    }

    #[test]
    fn a_repair_without_a_word_in_a_document_is_still_said() {
        let mut report = changed(&[]);
        report.steps = vec!["sysctl net.ipv6.conf.weave.accept_ra=0".into()];
        assert_eq!(
            plain(&render(&report, "The router", false)),
            "  ~ repair: 1 step (shown with --diff)\nDone: 0 added, 1 changed, 0 removed.\n"
        );
    }
}
