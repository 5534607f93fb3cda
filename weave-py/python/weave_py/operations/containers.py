"""Containers and images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, Optional, Union

from weave_py.operations._do import Path, do
from weave_py.types import Address, Addresses, Options, Report, Words


def run(
    name: str,
    image: str,
    *,
    command: Optional[Words] = None,
    options: Optional[Options] = None,
    ips: Optional[Addresses] = None,
    state: Optional[Literal["running", "stopped", "created"]] = None,
    on_change: Optional[Literal["recreate", "report", "ignore"]] = None,
    pull: Optional[Literal["missing", "always", "never"]] = None,
    ensure: Optional[Literal["present", "absent", "latest"]] = None,
    attach: Optional[Literal["after_start", "before_start"]] = None,
    interface: Optional[str] = None,
    mtu: Optional[Union[int, Literal["auto"]]] = None,
    mac: Optional[str] = None,
    gateway: Optional[Address] = None,
    routes: Optional[Words] = None,
    multicast: Optional[bool] = None,
    probe: Optional[bool] = None,
    check: bool = False,
) -> Report:
    """Run a container and attach it.

    One that is there is compared with what is asked, option by option, and changed in place or made anew; its volumes
    and addresses stay. ``options`` are those of ``docker run``, as a line, a list or a map; ``state`` (``running``),
    ``on_change`` (``recreate``), ``pull`` (``missing``), ``attach`` (``after_start``). The rest is as for
    :func:`attach`.
    """
    arguments = {
        "name": name,
        "image": image,
        "command": command,
        "options": options,
        "ips": ips,
        "state": state,
        "on_change": on_change,
        "pull": pull,
        "ensure": ensure,
        "attach": attach,
        "interface": interface,
        "mtu": mtu,
        "mac": mac,
        "gateway": gateway,
        "routes": routes,
        "multicast": multicast,
        "probe": probe,
    }
    return do("run", arguments, check)


def remove(name: str, *, check: bool = False) -> Report:
    """Remove a container that weave made. Its volumes stay."""
    return do("remove", {"name": name}, check)


def migrate(
    name: str,
    *,
    from_: Optional[str] = None,
    to: Optional[str] = None,
    tls: Optional[Path] = None,
    insecure: Optional[bool] = None,
    volumes: Optional[bool] = None,
    binds: Optional[bool] = None,
    changes: Optional[bool] = None,
    live_copy: Optional[bool] = None,
    timeout: Optional[int] = None,
    remove_source: Optional[bool] = None,
    undo: Optional[bool] = None,
    check: bool = False,
) -> Report:
    """Move a container between this host and another one, with its image, files and addresses.

    ``to`` is the engine that it goes to, ``from_`` the one that it comes from, of which one is given:
    ``ssh://root@HOST``, ``tcp://HOST:2376``. ``tls`` (none) is a directory of ``ca.pem``, ``cert.pem`` and ``key.pem``;
    ``insecure`` (false) does without. ``volumes`` (true): their files are copied; ``binds`` (false): those of the host
    that it has, too; ``changes`` (true): one that has written something outside of its volumes is not moved, else that
    is lost; ``live_copy`` (true): once while it runs, and then what changed; ``timeout`` in seconds until it
    is killed that was asked to stop (its own); ``remove_source`` (true): else it stays as ``NAME.weave-moved``. With
    ``undo`` a move that was begun is given up. ``result`` tells how long the container was away.
    """
    arguments = {
        "name": name,
        "from": from_,
        "to": to,
        "tls": tls if tls is None else os.fspath(tls),
        "insecure": insecure,
        "volumes": volumes,
        "binds": binds,
        "changes": changes,
        "live_copy": live_copy,
        "timeout": timeout,
        "remove_source": remove_source,
        "undo": undo,
    }
    return do("migrate", arguments, check)


def build(
    tag: str,
    *,
    context: Optional[Path] = None,
    dockerfile: Optional[str] = None,
    content: Optional[str] = None,
    build_args: Optional[Union[Words, Mapping[str, Any]]] = None,
    target: Optional[str] = None,
    platform: Optional[str] = None,
    pull: Optional[bool] = None,
    no_cache: Optional[bool] = None,
    labels: Optional[Union[Words, Mapping[str, Any]]] = None,
    check: bool = False,
) -> Report:
    """Build an image, unless what it is built from is as it was.

    ``context`` is a directory, ``dockerfile`` a path in it (``Dockerfile``), ``content`` the text of a Dockerfile that
    stands nowhere.
    """
    arguments = {
        "tag": tag,
        "context": context,
        "dockerfile": dockerfile,
        "content": content,
        "build_args": build_args,
        "target": target,
        "platform": platform,
        "pull": pull,
        "no_cache": no_cache,
        "labels": labels,
    }
    return do("build", arguments, check)
