//! The scripts that copy and compare files, for the shell and GNU's programs of a host.

/// Reads a directory. Its list of what it read serves the second pass, and is kept in a volume until then. What is
/// written through memory is only seen to have changed when it was on the disk before, so that comes first, and the time
/// from which on the second pass looks is that before it; and that looks back a little, because the kernel's clock for
/// files goes in steps. A disk may take its time, with nothing to be read meanwhile: an empty line now and then tells that
/// somebody is at work.
pub(super) const READ: &str = "
    list=/state/$1
    now=$(date +%s)
    if [ \"$2\" = first ]; then
        rm -f \"$list\"
        while sleep 60; do echo >&2; done >/dev/null &
        sync -f /from
        { kill $! && wait $!; } 2>/dev/null
    fi
    tar --create --file=- --directory=/from --listed-incremental=\"$list\" --no-check-device --format=posix \\
        --numeric-owner --sparse --acls --xattrs --xattrs-include='*' .
    code=$?
    [ \"$2\" = first ] || exit $code
    [ $code -le 1 ] || exit $code
    sed -z -i \"1s/[0-9]*\\$/$((now - 2))/\" \"$list\"";

/// Writes a directory, and removes from it what was not read.
pub(super) const WRITE: &str = "
    exec tar --extract --file=- --directory=/to --listed-incremental=/dev/null --numeric-owner --same-owner \\
        --preserve-permissions --acls --xattrs --xattrs-include='*' --delay-directory-restore --warning=no-timestamp";

/// A file alone, out of its directory; of a link what it points to. It may change while the container runs.
pub(super) const READ_FILE: &str = "
    tar --create --file=- --directory=/from --format=posix --numeric-owner --sparse --acls --xattrs \\
        --xattrs-include='*' --dereference -- \"$1\"
    code=$?
    if [ \"$2\" = first ] && [ $code -eq 1 ]; then exit 0; fi
    exit $code";

pub(super) const WRITE_FILE: &str = "
    exec tar --extract --file=- --directory=/to --numeric-owner --same-owner --preserve-permissions --acls --xattrs \\
        --xattrs-include='*' --unlink-first --warning=no-timestamp";

/// All that tells one tree (`.`) or file from another without reading it. Not all file systems know parts of seconds.
/// Millions of files take their time, so that an empty line now and then tells that somebody is at work.
pub(super) const TREE: &str = "
    cd \"$1\" || exit
    { find -H \"$2\" ! -type s \\( -type d -printf 'd %m %U %G %p\\0' -o -type l -printf 'l %U %G %l %p\\0' \\
        -o -printf '%y %m %U %G %s %T@ %p\\0' \\) || printf %s \"$1\"; } \\
        | sed -z -E -e 's/^(f( [0-9]+){4} -?[0-9]+)\\.[0-9]+/\\1/' -e '0~10000e echo >&2' \\
        | LC_ALL=C sort -z --temporary-directory=/ | sha256sum";

#[cfg(test)]
#[path = "scripts_tests.rs"]
mod tests;
