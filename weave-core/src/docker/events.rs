//! What happens to containers, as the engine tells it: `docker events --filter type=container`.

use std::collections::HashMap;
use std::pin::Pin;
use std::time::{SystemTime, UNIX_EPOCH};

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptions;
use futures_util::{Stream, StreamExt};

use super::client::Engine;
use crate::Result;
use crate::plan::container::HOLDS;

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerEvent {
    /// What it was.
    pub(crate) what: Happened,
    /// The container's full id.
    pub(crate) id: String,
    /// Its name; after a rename the new one.
    pub(crate) name: String,
    /// The name of the container whose network it holds, if that is what it is for.
    pub(crate) holds: Option<String>,
}

/// What may happen to a container that concerns its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It was started: it has a new network namespace.
    Started,
    /// It has another name.
    Renamed,
    /// It was removed.
    Removed,
}

impl Happened {
    /// The engine's own words for it, which are also what it is asked for: it keeps the others to itself.
    const WORDS: [(&'static str, Self); 3] =
        [("start", Self::Started), ("rename", Self::Renamed), ("destroy", Self::Removed)];
}

/// Events as they come. It ends when the engine does.
pub(crate) type Events = Pin<Box<dyn Stream<Item = Result<ContainerEvent>> + Send>>;

impl Engine {
    /// Everything that happened since then and will happen. The engine remembers some 256 events, so nothing is lost
    /// between a look and this.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(crate) async fn events(&self, since: SystemTime) -> Result<Events> {
        const WHAT: &str = "listen to events";
        // Whether it is there is told at once; the answer to the question itself comes with the first event.
        self.ping(WHAT).await?;
        let docker = self.newest(self.patience().answer).await.map_err(|failure| failure.error)?;
        let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
        let words = Happened::WORDS.iter().map(|(word, _)| (*word).to_owned()).collect();
        let filters = HashMap::from([("type".to_owned(), vec!["container".to_owned()]), ("event".to_owned(), words)]);
        let options = EventsOptions {
            since: Some(format!("{}.{:09}", since.as_secs(), since.subsec_nanos())),
            until: None,
            filters: Some(filters),
        };
        let engine = self.clone();
        let events = docker.events(Some(options)).filter_map(move |message| {
            let event = message.map(event).map_err(|cause| engine.failed(WHAT, cause).error).transpose();
            std::future::ready(event)
        });
        Ok(Box::pin(events))
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) async fn is_there(&self) -> Result<()> {
        self.ping("ask whether it is there").await
    }

    async fn ping(&self, what: &str) -> Result<()> {
        self.ask(what, |docker| async move { docker.ping().await }).await.map_err(|failure| failure.error).map(drop)
    }
}

/// Reads an event; nothing of one that was not asked for.
fn event(message: EventMessage) -> Option<ContainerEvent> {
    let action = message.action?;
    let (_, what) = Happened::WORDS.into_iter().find(|(word, _)| *word == action)?;
    let actor = message.actor?;
    let mut attributes = actor.attributes.unwrap_or_default();
    let name = attributes.remove("name").unwrap_or_default().trim_start_matches('/').to_owned();
    Some(ContainerEvent { what, id: actor.id?, name, holds: attributes.remove(HOLDS) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_the_engine_writes_them() {
        let read = |text: &str| event(serde_json::from_str(text).expect("an event"));
        let web = |what| Some(ContainerEvent { what, id: "0f00d".to_owned(), name: "web".to_owned(), holds: None });
        let told = |action: &str| {
            format!(
                r#"{{"status":"{action}","id":"0f00d","from":"nginx","Type":"container","Action":"{action}","Actor":
                {{"ID":"0f00d","Attributes":{{"image":"nginx","name":"web"}}}},"scope":"local","time":1,"timeNano":2}}"#
            )
        };
        assert_eq!(read(&told("start")), web(Happened::Started));
        assert_eq!(read(&told("rename")), web(Happened::Renamed));
        assert_eq!(read(&told("destroy")), web(Happened::Removed));
        assert_eq!(read(&told("die")), None);
        let holder = r#"{"Type":"container","Action":"start","Actor":{"ID":"1","Attributes":
            {"name":"web.weave-net","weave.holds":"web"}}}"#;
        assert_eq!(read(holder).and_then(|event| event.holds).as_deref(), Some("web"));
        assert_eq!(read(r#"{"Type":"container","Action":"start"}"#), None);
    }
}
