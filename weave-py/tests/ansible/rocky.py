"""A host like those of RHEL, as far as Debian has the parts: dnf, and rpm with packages of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lab import LIMIT, Host, sh
from stage import BUILT, PATH

#: What `/etc/os-release` says on Rocky Linux 9; Ansible takes the names of distribution and family from it.
OS_RELEASE = """\
NAME="Rocky Linux"
VERSION="9.4 (Blue Onyx)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.4"
PLATFORM_ID="platform:el9"
PRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"
CPE_NAME="cpe:/o:rocky:rocky:9::baseos"
"""
REDHAT_RELEASE = "Rocky Linux release 9.4 (Blue Onyx)\n"
# Debian's rpm keeps its database in the home of whoever calls it.
MACROS = "%_dbpath /var/lib/rpm\n"
REPOSITORY = """\
[baseos]
name=BaseOS
baseurl=file://{directory}
enabled=1
gpgcheck=0
"""

# The first process of the machine. All that it mounts, and every process besides, ends with it; and it ends with its
# standard input, that is, with the test.
INIT = r"""
set -eu
base=$1 release=$2
shift 2
mount -t tmpfs -o mode=755 tmpfs "$base"
mkdir "$base/root"
mount --bind "$base/root" "$base/root"
cd "$base/root"
# Of Debian there are the programs, and what they are set up with.
for name in usr etc; do
    mkdir -p "$name" "layers/upper/$name" "layers/work/$name"
    mount -t overlay -o "lowerdir=/$name,upperdir=layers/upper/$name,workdir=layers/work/$name" overlay "$name"
done
for name in bin sbin lib lib32 lib64 libx32; do
    [ ! -L "/$name" ] || cp -P "/$name" .
done
mkdir -p dev opt proc root run srv sys tmp usr/local/bin var/cache var/lib/rpm var/log var/tmp
chmod 1777 tmp var/tmp
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
for path; do
    mkdir -p "./$path"
    mount --bind "$path" "./$path"
done
# What is this machine's own, and what would say that it is a Debian.
mount -t tmpfs -o mode=755 tmpfs usr/local
mkdir usr/local/bin usr/local/sbin
rm -rf usr/bin/apt* usr/bin/dpkg* usr/bin/pip* usr/sbin/nft usr/lib/os-release
cd etc
rm -rf apt debian_version dpkg os-release redhat-release rpm systemd/system weave yum.repos.d NetworkManager
cd ..
mkdir -p etc/systemd/system etc/NetworkManager/conf.d
cp -R "$release/." .
ln -s ../usr/lib/os-release etc/os-release
pivot_root . .
umount -l .
rpm --initdb
echo ready
exec cat
"""

SPEC = """\
Name: {name}
Version: {version}
Release: 1.el9
Summary: What there is of {name} in a test
License: MIT
AutoReqProv: no
%global debug_package %{{nil}}
%global _build_id_links none
%global __os_install_post %{{nil}}
%description
%{{summary}}.
%install
install -D -m 0755 {source} %{{buildroot}}{path}
%files
{path}
"""


def repository(directory: Path) -> Path:
    """Make packages under the names that they have there, and what dnf reads of them, and return where they are."""
    directory.mkdir()
    nft = shutil.which("nft", path="/usr/sbin:/usr/bin")
    pip = directory / "pip3"
    pip.write_text('#!/bin/sh\nexec /usr/bin/python3 -m pip "$@"\n')
    for name, version, source, path in (
        ("nftables", "1.0.6", nft, "/usr/sbin/nft"),
        ("python3-pip", "21.3.1", pip, "/usr/bin/pip3"),
    ):
        spec = directory / f"{name}.spec"
        spec.write_text(SPEC.format(name=name, version=version, source=source, path=path))
        places = {"_topdir": directory / "build", "_rpmdir": directory, "_dbpath": directory / "build/db"}
        defined = [word for key, place in places.items() for word in ("--define", f"{key} {place}")]
        sh("rpmbuild", "--quiet", "-bb", *defined, str(spec))
    sh("createrepo_c", "--quiet", str(directory))
    return directory


class Rocky:
    """The machine of a lab host: files and processes of its own, and the lab host's network."""

    def __init__(self, host: Host, directory: Path) -> None:
        """Start it; `directory` and what playbooks bring are seen there under the same paths, and nothing else."""
        base, release = directory / "machine", directory / "release"
        base.mkdir()
        given = {
            "usr/lib/os-release": OS_RELEASE,
            "etc/redhat-release": REDHAT_RELEASE,
            "etc/rpm/macros": MACROS,
            "etc/yum.repos.d/baseos.repo": REPOSITORY.format(directory=repository(directory / "repository")),
        }
        for name, text in given.items():
            file = release / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        spaces = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
        (BUILT / "home/tmp").mkdir(parents=True, exist_ok=True)
        shared = [str(base), str(release), str(directory), str(BUILT / "home")]
        self._process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{host.name}", *spaces, "sh", "-c", INIT, "init", *shared],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            self.stop()
            message = "the machine did not start; what it said stands above"
            raise AssertionError(message)
        own = f"/proc/{self._process.pid}/ns"
        #: What it has to itself besides the network, as words of nsenter.
        self.spaces = [f"--mount={own}/mnt", f"--pid={own}/pid_for_children"]
        self._enter = ["nsenter", f"--net=/run/netns/{host.name}", *self.spaces]

    def __enter__(self) -> Rocky:
        """Return the machine, which runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()

    def sh(self, *words: str) -> str:
        """Run a program there and return what it printed."""
        return sh(*self._enter, "env", "-i", f"PATH={PATH}", "LC_ALL=C.UTF-8", *words)

    def packages(self) -> list[str]:
        """Return the names of the packages that rpm knows to be installed."""
        return sorted(self.sh("rpm", "-qa", "--queryformat", "%{NAME}\\n").split())

    def files(self) -> list[str]:
        """Return all that was written since it started, but what dnf, rpm and Python keep for themselves."""
        kept = ["/var/cache/*", "/var/log/*", "/var/lib/dnf*", "/var/lib/rpm/*", "*/__pycache__*"]
        words = [word for pattern in kept for word in ("-not", "-path", pattern)]
        form = ["(", "-type", "d", "-printf", "%y %p\\n", "-o", "-printf", "%y %p %s %m %l\\n", ")"]
        found = self.sh("find", "/layers/upper", "/usr/local", "/opt", "/root", "/srv", "/var", *words, *form)
        return sorted(found.splitlines())

    def stop(self) -> None:
        """End it, with all processes and mounts."""
        self._process.communicate(timeout=LIMIT)
