//! What a run that was killed has ordered may still be under way in the engines.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::act::Run;
use crate::Result;
use crate::docker::stop_timeout;
use crate::plan::migration::Target;

/// How long an order may be on its way to an engine.
const ORDERS: Duration = Duration::from_secs(2);

/// How often is looked whether a container stops.
const AGAIN: Duration = Duration::from_millis(200);

/// Waits until both ends show what they will go on showing, where a move was begun before: until a container that was
/// asked to stop has stopped, or has had its time.
pub(super) async fn settle(run: &mut Run<'_>) -> Result<()> {
    let start = Instant::now();
    run.look_back().await?;
    let (Some(source), Target::Ours(target)) = (&run.ends.source, &run.ends.target) else { return Ok(()) };
    if target.journal.source != source.id {
        return Ok(());
    }
    let own = run.source.as_ref().map_or(0, stop_timeout);
    let patience = run.spec.timeout.map_or(own, i64::from).max(own);
    let time = ORDERS + Duration::from_secs(u64::try_from(patience).unwrap_or(0));
    sleep(ORDERS).await;
    loop {
        run.look_back().await?;
        let runs = run.ends.source.as_ref().is_some_and(|source| source.runs);
        let is_held = run.ends.source.as_ref().is_some_and(|source| !source.restart.starts());
        if !(runs && is_held) || start.elapsed() > time {
            return Ok(());
        }
        sleep(AGAIN).await;
    }
}
