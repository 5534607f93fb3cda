//! Keeping others out: only one container of an engine can have a name.
//!
//! The container waits until its input ends, and the engine ends that when whoever holds it is gone, however that came.
//! Then the container goes by itself.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::program::{Program, Reach, Running, start_as};
use super::{CARRIES, End};
use crate::observed::{Container, ContainerScope};
use crate::plan::container::ContainerStep;
use crate::{Error, ErrorKind, Result, names};

/// How long one that holds it may take to go: it may have been killed just now.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often is tried.
const AGAIN: Duration = Duration::from_millis(300);

/// A name that is held as long as this lives, and a moment longer.
pub(crate) struct Hold {
    end: End,
    name: String,
    _running: Running,
}

/// Keeps others from moving the container called `container`, from the engine of `end` or to it; `who` is for those
/// who find it so.
///
/// # Errors
/// `Conflict`, with who is at work; in the engine's words.
pub(crate) async fn hold(end: &End, container: &str, who: &str) -> Result<Hold> {
    let name = names::moving(container);
    let program = Program {
        what: format!("hold {name}"),
        script: "exec cat >/dev/null".to_owned(),
        words: Vec::new(),
        mounts: Vec::new(),
        reach: Reach::Files,
    };
    let mut start = Instant::now();
    loop {
        match start_as(Some(&name), end, who, &program, true).await {
            Ok(running) => return Ok(Hold { end: end.clone(), name, _running: running }),
            Err(error) if error.kind() != ErrorKind::Conflict => return Err(error),
            Err(_) if start.elapsed() < PATIENCE => sleep(AGAIN).await,
            Err(_) => {
                let scope = ContainerScope { names: vec![name.clone()], ..ContainerScope::default() };
                let mut seen = end.engine.look_at_containers(&scope).await?;
                match seen.containers.remove(&name) {
                    Some(holder) if holder.runs() => return Err(held(end, container, &holder)),
                    // Whoever made it was killed before it was started.
                    Some(holder) => remove(end, holder.id).await?,
                    None => {}
                }
                start = Instant::now();
            }
        }
    }
}

fn held(end: &End, container: &str, holder: &Container) -> Error {
    let who = holder.label(CARRIES).unwrap_or("somebody");
    let message = format!("is being moved by {who}");
    Error::new(ErrorKind::Conflict, container, message).hint(format!(
        "wait until that has ended; if nobody is at work any more, `docker rm -f {}` on {}",
        holder.name,
        end.name()
    ))
}

async fn remove(end: &End, name: String) -> Result<()> {
    end.engine.act(&ContainerStep::Remove { name, volumes: true }, &|_| {}).await.map(drop)
}

impl Hold {
    /// Lets go of it at once.
    pub(crate) async fn release(self) {
        // The engine does it by itself, a moment later.
        let _ = remove(&self.end, self.name).await;
    }
}
