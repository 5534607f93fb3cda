//! What stands at a path of a host.

use std::collections::BTreeMap;

use super::End;
use super::program::{Program, Reach, run_there};
use crate::Result;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// A directory.
    Directory,
    /// A file with contents.
    File,
    /// A socket, pipe or device.
    Special,
    /// Nothing is there.
    Missing,
}

/// What stands at each of these paths of an end's host; a link is what it points to.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) async fn kinds(end: &End, token: &str, paths: &[String]) -> Result<BTreeMap<String, FileKind>> {
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let program = Program {
        what: "look at files".to_owned(),
        script: "for path do
                     if [ -d \"$path\" ]; then printf d; elif [ -f \"$path\" ]; then printf f
                     elif [ -e \"$path\" ]; then printf s; else printf m; fi
                 done"
            .to_owned(),
        words: paths.to_vec(),
        mounts: Vec::new(),
        reach: Reach::Host,
    };
    let said = run_there(end, token, &program, None).await?;
    let kind = |letter: &u8| match letter {
        b'd' => FileKind::Directory,
        b'f' => FileKind::File,
        b's' => FileKind::Special,
        _ => FileKind::Missing,
    };
    Ok(paths.iter().cloned().zip(said.iter().map(kind)).collect())
}
