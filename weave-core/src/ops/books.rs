//! What containers that go for good had from a router that allocates addresses goes back to it.

use std::sync::Arc;

use super::Report;
use crate::Result;
use crate::apply::containers::LaneDone;
use crate::apply::{Mode, in_words, look};
use crate::host::{Host, OnError, Outcome};
use crate::observed::Scope;
use crate::plan::{Books, ControlStep, Step};

/// Gives it back, or in a check says so.
///
/// # Errors
/// When the host cannot be looked at. A router that does not answer is a warning: the containers are gone.
pub(super) async fn close<H: Host>(host: &H, lanes: &[LaneDone], mode: Mode, report: &mut Report) -> Result<()> {
    let gone = lanes.iter().filter(|lane| lane.error.is_none() && !lane.lane.gone.is_empty());
    let gone: Vec<&String> = gone.flat_map(|lane| &lane.lane.gone).collect();
    if gone.is_empty() || look(host, &Scope::default()).await?.router_port().is_none() {
        return Ok(());
    }
    let observed = look(host, &Scope { router: true, ..Scope::default() }).await?;
    let Some(books) = Books::of(&observed) else { return Ok(()) };
    let control = books.control;
    let release = |id: &String| {
        let step = |address| ControlStep::Release { control, id: id.clone(), address };
        books.held(id).into_iter().map(|address| Step::Control(Box::new(step(address)))).collect::<Vec<_>>()
    };
    let steps: Arc<Vec<Step>> = Arc::new(gone.into_iter().flat_map(release).collect());
    report.steps.extend(in_words(steps.iter()));
    if mode == Mode::Apply {
        let outcomes = host.execute(Arc::clone(&steps), OnError::Continue).await;
        for (step, outcome) in steps.iter().zip(outcomes) {
            if let Outcome::Failed(error) = outcome {
                report
                    .warnings
                    .push(format!("the router keeps an address of a container that is gone: {step} ({error})"));
            }
        }
    }
    Ok(())
}
