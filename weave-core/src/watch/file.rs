//! The document's files: read anew when they change.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::Told;

/// How often is looked. Editors replace files, links are switched, and directories are mounted anew: all of that is
/// seen by who looks at the path, at the cost of a system call.
const EVERY: Duration = Duration::from_millis(500);

/// What tells one state of a file from another: device, number, size, and both times.
pub(super) type State = Option<(u64, u64, u64, (i64, i64), (i64, i64))>;

/// The states of all files of a document.
pub(super) type States = Vec<State>;

/// A document that was not taken.
#[derive(Debug)]
pub(super) struct Refused {
    /// Why.
    pub(super) words: String,
    /// When it is read again: the reason may be another than the file, and go without a change of it.
    pub(super) again: Instant,
}

/// As they are now.
pub(super) fn states(files: &[String]) -> States {
    let state = |file: &String| {
        let about = fs::metadata(file).ok()?;
        let times = ((about.mtime(), about.mtime_nsec()), (about.ctime(), about.ctime_nsec()));
        Some((about.dev(), about.ino(), about.size(), times.0, times.1))
    };
    files.iter().map(state).collect()
}

/// Says when any of `files` is not as it was `known` any more and then stayed as it is for a moment: one that is half
/// written may be a document all the same.
pub(super) async fn watch(files: Vec<String>, mut known: States, tell: UnboundedSender<Told>) {
    let mut last = known.clone();
    loop {
        tokio::time::sleep(EVERY).await;
        let now = states(&files);
        if now != known && now == last {
            known.clone_from(&now);
            if tell.send(Told::File).is_err() {
                return;
            }
        }
        last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_before_the_first_look_is_told() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let files = vec![file.path().to_str().expect("a path in UTF-8").to_owned()];
        let known = states(&files);
        fs::write(file.path(), "peers: []\n").expect("a file");
        crate::blocking::run(async {
            let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
            let watching = tokio::spawn(watch(files, known, tell));
            assert!(matches!(told.recv().await, Some(Told::File)));
            watching.abort();
        });
    }
}
