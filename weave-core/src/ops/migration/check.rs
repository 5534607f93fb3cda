//! What a move would do. Nothing is changed on either host, and a move that is under way goes on.

use super::act::Run;
use super::words::lines;
use super::{Report, report};
use crate::Result;
use crate::apply::Mode;
use crate::carry;
use crate::plan::migration::{Move, back, next};

/// Plans to the end on what both ends would show.
pub(super) async fn check(run: &mut Run<'_>) -> Result<Report> {
    run.look().await?;
    run.recognise(Mode::Check).await?;
    loop {
        let step = if run.spec.undo { back(&run.ends, &run.done) } else { next(&run.ends, &run.done, run.wishes())? };
        let Some(step) = step else { break };
        if step == Move::CarryImage {
            run.prepare().await?;
            if let Some(source) = &run.source {
                let there = carry::find_image(&run.from.end, &run.to.end, source).await?;
                run.image_was_there = Some(there.is_some());
            }
        }
        run.learn().await?;
        let lines = lines(run, &step);
        run.steps.extend(lines);
        run.ends.expect(&step);
        run.done.note(&step);
    }
    // They go by themselves a moment later; those of a move that is under way are known by another word.
    for side in [&run.from, &run.to] {
        carry::sweep(&side.end, &run.token()).await?;
    }
    Ok(report::checked(run))
}
