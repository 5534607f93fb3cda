//! What the engine tells, and whether it is there.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use tokio::sync::mpsc::UnboundedSender;

use super::Told;
use crate::docker::{Engine, Events};
use crate::{Error, ErrorKind};

/// The first pause before the engine is asked again, and each time twice as long.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// So long its first word is waited for before it counts as away.
const SILENCE: Duration = Duration::from_secs(2);

/// After so long a silence it is asked whether it is still there: one that hangs keeps its connections open.
const QUIET: Duration = Duration::from_secs(10);

/// Whoever was connected for this long was connected for good.
const PROVEN: Duration = Duration::from_secs(1);

/// Listens for ever, and says what was told.
pub(super) async fn listen(engine: Engine, tell: UnboundedSender<Told>) {
    let mut pause = PAUSE;
    let mut since = SystemTime::now();
    let mut away: Option<String> = None;
    loop {
        let began = tokio::time::Instant::now();
        let mut answer = pin!(engine.events(since));
        let early = tokio::time::timeout(SILENCE, &mut answer).await;
        if early.is_err() && away.is_none() {
            // It may be about to start, and much can be done without it.
            let message = format!("has not answered for {} s", SILENCE.as_secs());
            let error = Error::new(ErrorKind::Timeout, engine.address(), message);
            away = Some(error.to_string());
            if tell.send(Told::Engine(Some(error))).is_err() {
                return;
            }
        }
        let answer = match early {
            Ok(answer) => answer,
            Err(_) => answer.await,
        };
        let error = match answer {
            Ok(events) => {
                away = None;
                if tell.send(Told::Engine(None)).is_err() {
                    return;
                }
                match hear(&engine, events, &tell).await {
                    Some(error) => error,
                    None => return,
                }
            }
            Err(error) => error,
        };
        // What happened meanwhile is told once more rather than not at all.
        since = SystemTime::now();
        if began.elapsed() > PROVEN + pause {
            pause = PAUSE;
        }
        // One line for each reason.
        let words = error.to_string();
        if away.as_ref() != Some(&words) {
            away = Some(words);
            if tell.send(Told::Engine(Some(error))).is_err() {
                return;
            }
        }
        tokio::time::sleep(pause + jitter(pause)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Hears events to their end; why it came, or nothing where nobody wants to know any more.
async fn hear(engine: &Engine, mut events: Events, tell: &UnboundedSender<Told>) -> Option<Error> {
    loop {
        let Ok(event) = tokio::time::timeout(QUIET, events.next()).await else {
            match engine.is_there().await {
                Ok(()) => continue,
                Err(error) => return Some(error),
            }
        };
        match event {
            Some(Ok(event)) => tell.send(Told::Container(event)).ok()?,
            Some(Err(error)) => return Some(error),
            None => {
                let message = "the Docker engine ended the connection";
                return Some(Error::new(ErrorKind::Docker, "engine", message));
            }
        }
    }
}

/// Up to a fifth more, so that hosts that lost a common thing do not come back all at once.
fn jitter(pause: Duration) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    pause.mul_f64(f64::from(now.subsec_nanos() % 1000) / 5000.0)
}
