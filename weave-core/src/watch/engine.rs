//! What the engine tells, and whether it is there.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use tokio::sync::mpsc::UnboundedSender;

use super::Told;
use crate::Error;
use crate::docker::{Engine, Events};

/// The first pause before the engine is asked again, and each time twice as long.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Whoever hears this many events without a break has been connected for good.
const PROVEN: Duration = Duration::from_secs(1);

/// Listens for ever, and says what was told.
pub(super) async fn listen(engine: Engine, tell: UnboundedSender<Told>) {
    let mut pause = PAUSE;
    let mut since = SystemTime::now();
    let mut away: Option<String> = None;
    loop {
        let began = tokio::time::Instant::now();
        let error = match engine.events(since).await {
            Ok(events) => {
                away = None;
                if tell.send(Told::Engine(None)).is_err() {
                    return;
                }
                match hear(events, &tell).await {
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
async fn hear(mut events: Events, tell: &UnboundedSender<Told>) -> Option<Error> {
    loop {
        match events.next().await {
            Some(Ok(event)) => tell.send(Told::Container(event)).ok()?,
            Some(Err(error)) => return Some(error),
            None => {
                let message = "the Docker engine ended the connection";
                return Some(Error::new(crate::ErrorKind::Docker, "engine", message));
            }
        }
    }
}

/// Up to a fifth more, so that hosts that lost a common thing do not come back all at once.
fn jitter(pause: Duration) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    pause.mul_f64(f64::from(now.subsec_nanos() % 1000) / 5000.0)
}
