//! The document's files: read anew when they change.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::Told;

/// How often is looked. Editors replace files, links are switched, and directories are mounted anew: all of that is
/// seen by who looks at the path, at the cost of a system call.
const EVERY: Duration = Duration::from_millis(500);

/// What tells one state of a file from another: device, number, size, and both times.
type State = Option<(u64, u64, u64, (i64, i64), (i64, i64))>;

fn states(files: &[String]) -> Vec<State> {
    let state = |file: &String| {
        let about = fs::metadata(file).ok()?;
        let times = ((about.mtime(), about.mtime_nsec()), (about.ctime(), about.ctime_nsec()));
        Some((about.dev(), about.ino(), about.size(), times.0, times.1))
    };
    files.iter().map(state).collect()
}

/// Says when any of `files` has changed and then stayed as it is for a moment: one that is half written may be a document
/// all the same.
pub(super) async fn watch(files: Vec<String>, tell: UnboundedSender<Told>) {
    let mut known = states(&files);
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
