"""The operations of weave, as functions with the library's own names.

An argument that is ``None`` is not given, and what stands in parentheses holds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, Optional, Union, cast

from weave_py._call import call
from weave_py.types import Address, Addresses, Document, Options, Report, Words

__all__ = [
    "announce",
    "apply",
    "attach",
    "build",
    "connect",
    "detach",
    "expose",
    "facts",
    "forget",
    "hide",
    "install_units",
    "launch",
    "migrate",
    "preflight",
    "ps",
    "publish",
    "remove",
    "reset",
    "run",
    "schema",
    "status",
    "stop",
    "unpublish",
    "version",
]

_Path = Union[str, "os.PathLike[str]"]


def _do(operation: str, arguments: Optional[Mapping[str, Any]] = None, check: bool = False) -> Report:
    return cast("Report", call(operation, arguments, check=check))


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
    return _do("apply", {where: document, "host": host, "only": only}, check)


def launch(
    *,
    peers: Optional[Words] = None,
    kind: Optional[Literal["vxlan", "image"]] = None,
    port: Optional[int] = None,
    vni: Optional[int] = None,
    mtu: Optional[Union[int, Literal["auto"]]] = None,
    underlay: Optional[Union[str, Address]] = None,
    bridge: Optional[str] = None,
    image: Optional[str] = None,
    name: Optional[str] = None,
    args: Optional[Words] = None,
    docker_options: Optional[Options] = None,
    password_file: Optional[_Path] = None,
    nickname: Optional[str] = None,
    peer_name: Optional[str] = None,
    trusted_subnets: Optional[Words] = None,
    ipalloc_range: Optional[str] = None,
    ipalloc_default_subnet: Optional[str] = None,
    discovery: Optional[bool] = None,
    control_port: Optional[int] = None,
    pull: Optional[Literal["missing", "always", "never"]] = None,
    firewall: Optional[Mapping[str, bool]] = None,
    check: bool = False,
) -> Report:
    """Launch the router, and connect it to ``peers`` besides those it has.

    ``kind`` (``vxlan``), ``port`` (6783), ``vni`` (6783), ``mtu`` in bytes (``auto``: what the ways to the peers
    leave), ``underlay`` (an address, interface or network; needed where several would do), ``bridge`` (``weave``),
    ``firewall`` (``{"manage": True}``).

    Of a router in a container, ``kind="image"``: its ``image`` (such as ``weaveworks/weave:2.8.1``), the container's
    ``name`` (``weave``) and ``docker_options``, when the image is fetched (``pull``: ``missing``), further ``args`` of
    the router, the ``password_file`` (none: nothing is encrypted), ``trusted_subnets`` (none), ``nickname`` (the
    host's name), ``peer_name`` (the bridge's MAC), ``ipalloc_range`` (none: no addresses are allocated),
    ``ipalloc_default_subnet`` (all of it), ``discovery`` of peers (``True``), ``control_port`` (6784).
    """
    arguments = {
        "peers": peers,
        "kind": kind,
        "port": port,
        "vni": vni,
        "mtu": mtu,
        "underlay": underlay,
        "bridge": bridge,
        "image": image,
        "name": name,
        "args": args,
        "docker_options": docker_options,
        "password_file": password_file if password_file is None else os.fspath(password_file),
        "nickname": nickname,
        "peer_name": peer_name,
        "trusted_subnets": trusted_subnets,
        "ipalloc_range": ipalloc_range,
        "ipalloc_default_subnet": ipalloc_default_subnet,
        "discovery": discovery,
        "control_port": control_port,
        "pull": pull,
        "firewall": firewall,
    }
    return _do("launch", arguments, check)


def stop(*, check: bool = False) -> Report:
    """Stop carrying frames between hosts. Attachments stay."""
    return _do("stop", None, check)


def reset(*, check: bool = False) -> Report:
    """Remove everything that weave made on this host, and nothing else."""
    return _do("reset", None, check)


def connect(peers: Words, *, replace: Optional[bool] = None, check: bool = False) -> Report:
    """Add peers to the router; with ``replace``, they are all that it has."""
    return _do("connect", {"peers": peers, "replace": replace}, check)


def forget(peers: Words, *, check: bool = False) -> Report:
    """Take peers from the router."""
    return _do("forget", {"peers": peers}, check)


def attach(
    container: str,
    ips: Addresses,
    *,
    interface: Optional[str] = None,
    mtu: Optional[Union[int, Literal["auto"]]] = None,
    mac: Optional[str] = None,
    gateway: Optional[Address] = None,
    routes: Optional[Words] = None,
    multicast: Optional[bool] = None,
    probe: Optional[bool] = None,
    check: bool = False,
) -> Report:
    """Give a container an interface on the network, and addresses.

    ``container`` is a name or id, ``netns:PATH`` or ``pid:N``. ``interface`` (``ethwe``), ``mtu`` in bytes (the
    network's), ``mac`` (made from the first address), ``gateway`` (none), ``routes`` (none), ``multicast`` (true:
    224.0.0.0/4 goes to the network), ``probe`` (true: the network is asked first who has the addresses).
    """
    arguments = {
        "container": container,
        "ips": ips,
        "interface": interface,
        "mtu": mtu,
        "mac": mac,
        "gateway": gateway,
        "routes": routes,
        "multicast": multicast,
        "probe": probe,
    }
    return _do("attach", arguments, check)


def detach(
    container: str, ips: Optional[Addresses] = None, *, interface: Optional[str] = None, check: bool = False
) -> Report:
    """Take addresses from a container, with the last one the interface; all without ``ips``, which may not be empty."""
    return _do("detach", {"container": container, "ips": ips, "interface": interface}, check)


def announce(container: Optional[str] = None, ips: Optional[Addresses] = None, *, check: bool = False) -> Report:
    """Tell the network again where addresses of this host are, and forget the connections it remembers of them.

    The addresses are all those of ``container``, some of them (``ips``), or those named wherever they are here.
    ``result["announced"]`` says from which interfaces; ``changed`` is false, for nothing of a document is.
    """
    return _do("announce", {"container": container, "ips": ips}, check)


def expose(ips: Addresses, *, masquerade: Optional[bool] = None, check: bool = False) -> Report:
    """Give the host itself addresses on the network.

    ``masquerade`` (true): packets between the network and everything else take the host's address.
    """
    return _do("expose", {"ips": ips, "masquerade": masquerade}, check)


def hide(ips: Optional[Addresses] = None, *, check: bool = False) -> Report:
    """Take addresses of the host from the network, all without ``ips``, which may not be empty."""
    return _do("hide", {"ips": ips}, check)


def publish(
    host_port: int,
    to: str,
    *,
    port: Optional[int] = None,
    protocol: Optional[Literal["tcp", "udp", "sctp"]] = None,
    host_ip: Optional[Address] = None,
    masquerade: Optional[bool] = None,
    check: bool = False,
) -> Report:
    """Pass a port of this host on to a container, on this host or another.

    ``to``: the container's name, or its address on the network; ``port`` (``host_port``): the port there; ``protocol``
    (tcp): tcp, udp or sctp; ``host_ip`` (all): the address of the host that it is published on; ``masquerade`` (true):
    the container sees the host's address in the place of its client's.
    """
    arguments = {
        "host_port": host_port,
        "to": to,
        "port": port,
        "protocol": protocol,
        "host_ip": host_ip,
        "masquerade": masquerade,
    }
    return _do("publish", arguments, check)


def unpublish(
    host_port: int,
    to: Optional[str] = None,
    *,
    port: Optional[int] = None,
    protocol: Optional[Literal["tcp", "udp", "sctp"]] = None,
    host_ip: Optional[Address] = None,
    masquerade: Optional[bool] = None,
    check: bool = False,
) -> Report:
    """Take a published port back, at all addresses of the host without ``host_ip``.

    ``to``, ``port`` and ``masquerade`` may be given as to ``publish``, and are not compared.
    """
    arguments = {
        "host_port": host_port,
        "to": to,
        "port": port,
        "protocol": protocol,
        "host_ip": host_ip,
        "masquerade": masquerade,
    }
    return _do("unpublish", arguments, check)


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
    return _do("run", arguments, check)


def remove(name: str, *, check: bool = False) -> Report:
    """Remove a container that weave made. Its volumes stay."""
    return _do("remove", {"name": name}, check)


def migrate(
    name: str,
    *,
    from_: Optional[str] = None,
    to: Optional[str] = None,
    tls: Optional[_Path] = None,
    insecure: Optional[bool] = None,
    volumes: Optional[bool] = None,
    binds: Optional[bool] = None,
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
    that it has, too; ``live_copy`` (true): once while it runs, and then what changed; ``timeout`` in seconds until it
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
        "live_copy": live_copy,
        "timeout": timeout,
        "remove_source": remove_source,
        "undo": undo,
    }
    return _do("migrate", arguments, check)


def build(
    tag: str,
    *,
    context: Optional[_Path] = None,
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
    return _do("build", arguments, check)


def install_units(
    file: Optional[_Path] = None,
    *,
    host: Optional[str] = None,
    program: Optional[_Path] = None,
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
    return _do("install_units", arguments, check)


def preflight() -> Report:
    """Look whether this host is fit; ``result`` is a list of findings."""
    return _do("preflight")


def status(*, latest: Optional[bool] = None) -> Report:
    """Tell what the network is like on this host; ``state`` reads like a document.

    With ``latest`` (false) the registry is asked for the image of a router in a container, and
    ``result["router"]["latest"]`` has the answer.
    """
    return _do("status", {"latest": latest})


def ps(containers: Optional[Words] = None) -> Report:
    """List the attachments of this host: id, hardware address and addresses of each."""
    return _do("ps", {"containers": containers})


def facts(*, mask_env: Optional[bool] = None) -> Report:
    """Tell everything about the containers of this host; ``mask_env`` (true) hides values of environment variables."""
    return _do("facts", {"mask_env": mask_env})


def schema(document: Optional[Literal["host", "fleet"]] = None) -> Report:
    """Return the JSON Schema of a document (``host``) as ``result``."""
    return _do("schema", {"document": document})


def version() -> Report:
    """Tell versions as ``result``."""
    return _do("version")
