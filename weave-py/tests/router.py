"""The stand-in for the classic router, as an image for the engine of a lab host."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine import Engine
from lab import Host, sh, soon
from paths import TARGET

#: The image, in the engines that it was given to.
ROUTER_IMAGE = "weave-router:test"
_PROGRAM = TARGET / "debug/examples/router"
# Where the real image has its program.
_PLACE = "home/weave/weaver"


def import_router(engine: Engine, name: str = ROUTER_IMAGE) -> None:
    """Make the image in the engine: the program, the libraries that it loads, and an empty `/weavedb`."""
    root, tar = engine.directory / "router", engine.directory / "router.tar"
    _make_root(root)
    sh("tar", "-C", str(root), "-cf", str(tar), ".")
    changes = [f'ENTRYPOINT ["/{_PLACE}"]', "WORKDIR /home/weave", "VOLUME /weavedb"]
    engine.docker("import", *(word for change in changes for word in ("--change", change)), str(tar), name)


def asked(host: Host, path: str) -> str:
    """Return what the router of the host answers, whoever made it."""
    return host.sh("curl", "-sS", f"http://127.0.0.1:6784/{path}")


def targets(host: Host) -> list[str]:
    """Return whom the router connects to."""
    return sorted(asked(host, "status/targets").split())


def joined(*hosts: Host) -> bool:
    """Wait until the routers are connected to each other."""
    return soon(lambda: all("established" in asked(host, "status/connections") for host in hosts))


def _make_root(root: Path) -> None:
    assert _PROGRAM.is_file(), f"{_PROGRAM} is missing: run `cargo build -p weave-core --example router`"
    for name in ("home/weave", "weavedb", "etc", "proc", "sys", "dev", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(_PROGRAM, root / _PLACE)
    for library in (word for word in sh("ldd", str(_PROGRAM)).split() if word.startswith("/")):
        copy = root / library.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, copy)


__all__ = ["ROUTER_IMAGE", "asked", "import_router", "joined", "soon", "targets"]
