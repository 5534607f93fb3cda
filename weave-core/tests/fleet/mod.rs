//! The fleet document: what is found wrong in it and where, what is cut out of it, and its schema.

mod cut;
mod findings;
mod hierarchy;
mod hosts;
mod laws;
mod schema;
mod slips;
mod together;

use weave_core::spec::Finding;
use weave_core::spec::fleet::{Fleet, read_fleet};

/// A fleet that needs no warning.
fn fleet(text: &str) -> Fleet {
    let (fleet, warnings) = read_fleet("fleet.yaml", text).accept().unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    fleet
}

/// What is expected of a finding: the line, the key, and what its text holds; `~` before the key is a warning.
type Expected<'a> = (u64, &'a str, &'a str);

/// Whether `findings` are exactly what is expected, in this order.
fn compare(findings: &[Finding], expected: &[Expected]) -> Result<(), String> {
    let fits = |finding: &Finding, (line, subject, text): &Expected| {
        let (warning, subject) = subject.strip_prefix('~').map_or((false, *subject), |subject| (true, subject));
        let (place, file) = ((finding.line, finding.subject.as_str()), finding.file.as_deref());
        let hint = finding.hint.as_deref().unwrap_or_default();
        place == (Some(*line), subject)
            && file == Some("fleet.yaml")
            && finding.column.is_some_and(|column| column > 0)
            && finding.is_error() != warning
            && (finding.message.contains(text) || hint.contains(text))
    };
    if findings.len() == expected.len() && findings.iter().zip(expected).all(|(one, other)| fits(one, other)) {
        return Ok(());
    }
    Err(findings.iter().map(|finding| format!("    {finding}\n")).collect())
}
