//! What is owed to containers, in a file beside the lock.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::host::Owed;
use crate::{Error, Result};

const FILE: &str = "owed.json";

/// Reads it; no file is nothing.
pub(super) fn read(dir: &Path) -> Result<Owed> {
    let path = dir.join(FILE);
    match fs::read(&path) {
        // It is written whole or not at all; what another version wrote must not stop this one.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Owed::default()),
        Err(error) => Err(Error::os(path.display().to_string(), "read what is owed to containers", error)),
    }
}

/// Writes it, in one step for whoever reads it. The directory is there since the lock was taken.
pub(super) fn write(dir: &Path, owed: &Owed) -> Result<()> {
    let (path, new) = (dir.join(FILE), dir.join(format!("{FILE}.new")));
    let done = if owed.is_empty() {
        fs::remove_file(&path).or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
    } else {
        let text = serde_json::to_vec(owed).map_err(std::io::Error::from);
        text.and_then(|text| fs::write(&new, text)).and_then(|()| fs::rename(&new, &path))
    };
    done.map_err(|error| Error::os(path.display().to_string(), "write down what is owed to containers", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Attach;

    #[test]
    fn what_is_owed_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(read(dir.path()).expect("no file"), Owed::default());
        write(dir.path(), &Owed::default()).expect("no file to remove");
        let ips = ["10.2.1.4/24", "fd00::4/64"].map(|ip| ip.parse().expect("an address"));
        let mut attach = Attach::new("web".parse().expect("a name"), ips);
        attach.gateway = Some("10.2.1.1".parse().expect("an address"));
        attach.probe = false;
        let owed = Owed::from([("0123".to_owned(), vec![attach])]);
        write(dir.path(), &owed).expect("written");
        assert_eq!(read(dir.path()).expect("read"), owed);
        fs::write(dir.path().join(FILE), "{\"0123\": [{\"what\": 1}]}").expect("a file of the future");
        assert_eq!(read(dir.path()).expect("read"), Owed::default());
        write(dir.path(), &Owed::default()).expect("removed");
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0);
    }
}
