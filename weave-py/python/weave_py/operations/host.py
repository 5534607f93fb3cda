"""The host as a whole."""

from __future__ import annotations

import os
from typing import Literal, Optional

from weave_py.operations._do import Path, do
from weave_py.types import Document, Report, Words


def apply(
    document: Document,
    *,
    host: Optional[str] = None,
    only: Optional[Literal["all", "network"]] = None,
    check: bool = False,
) -> Report:
    """Bring this host to what a document says of it.

    ``document`` is a host's document or a whole fleet's: its data, or the path of its file (``pathlib.Path``).
    ``host`` says which of a fleet's hosts this one is, where its name and addresses do not tell.
    ``only``: ``"network"`` runs and removes no container, and needs no engine (``"all"``).
    """
    if isinstance(document, str):
        # It is not shown, since it may be a whole document, with secrets.
        message = "document: text is no document; allowed: its data, or the path of its file as pathlib.Path"
        raise TypeError(message)
    where = "file" if isinstance(document, os.PathLike) else "document"
    return do("apply", {where: document, "host": host, "only": only}, check)


def reset(*, check: bool = False) -> Report:
    """Remove everything that weave made on this host, and nothing else."""
    return do("reset", None, check)


def install_units(
    file: Optional[Path] = None,
    *,
    host: Optional[str] = None,
    program: Optional[Path] = None,
    enable: Optional[bool] = None,
    start: Optional[bool] = None,
    state: Optional[Literal["present", "absent"]] = None,
    check: bool = False,
) -> Report:
    """Have systemd apply a document at each boot, and watch over it.

    ``file`` is the document (``/etc/weave/host.yaml``), ``host`` which of a fleet's hosts this one is, ``program`` the
    command ``weave`` (the one on ``PATH``). ``enable`` (true) is about the next boot, ``start`` (true) about now;
    ``state="absent"`` takes the units away.
    """
    arguments = {
        "file": file,
        "host": host,
        "program": program,
        "enable": enable,
        "start": start,
        "state": state,
    }
    return do("install_units", arguments, check)


def preflight() -> Report:
    """Look whether this host is fit; ``result`` is a list of findings."""
    return do("preflight")


def status(*, latest: Optional[bool] = None) -> Report:
    """Tell what the network is like on this host; ``state`` reads like a document.

    With ``latest`` (false) the registry is asked for the image of a router in a container, and
    ``result["router"]["latest"]`` has the answer.
    """
    return do("status", {"latest": latest})


def ps(containers: Optional[Words] = None) -> Report:
    """List the attachments of this host: id, hardware address and addresses of each."""
    return do("ps", {"containers": containers})


def facts(*, mask_env: Optional[bool] = None) -> Report:
    """Tell everything about the containers of this host; ``mask_env`` (true) hides values of environment variables."""
    return do("facts", {"mask_env": mask_env})


def schema(document: Optional[Literal["host", "fleet"]] = None) -> Report:
    """Return the JSON Schema of a document (``host``) as ``result``."""
    return do("schema", {"document": document})


def version() -> Report:
    """Tell versions as ``result``."""
    return do("version")
