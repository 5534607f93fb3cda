//! What a move did.

use serde_json::{Value, json};

use super::act::Run;
use crate::ops::Report;
use crate::plan::Change;

/// After the work.
pub(super) fn done(run: Run<'_>) -> Report {
    let result = (!run.spec.undo).then(|| result(&run));
    report(&run, false, result)
}

/// Of a plan.
pub(super) fn checked(run: &Run<'_>) -> Report {
    let result = (!run.spec.undo).then(|| result(run));
    report(run, true, result)
}

fn report(run: &Run<'_>, check: bool, result: Option<Value>) -> Report {
    let changed = !run.steps.is_empty();
    let subject = format!("containers.{}", run.spec.name);
    let (from, to) = (&run.from.name, &run.to.name);
    let change =
        if run.spec.undo { Change::new(subject, "host", to, from) } else { Change::new(subject, "host", from, to) };
    Report {
        check,
        changed,
        changes: if changed { vec![change] } else { Vec::new() },
        steps: run.steps.clone(),
        warnings: run.warnings.clone(),
        result,
        ..Report::read("migrate", None, Value::Null)
    }
}

fn result(run: &Run<'_>) -> Value {
    let image = run.image_was_there.map(|there| if there { "there" } else { "transferred" });
    json!({
        "from": run.from.name, "to": run.to.name, "image": image, "bytes": run.bytes, "away_seconds": run.away(),
        "volumes": run.copied, "left": run.left,
    })
}
