"""Router, peers, and who is on the network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, Optional, Union

from weave_py.operations._do import Path, do
from weave_py.types import Address, Addresses, Options, Report, Words


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
    password_file: Optional[Path] = None,
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
    return do("launch", arguments, check)


def stop(*, check: bool = False) -> Report:
    """Stop carrying frames between hosts. Attachments stay."""
    return do("stop", None, check)


def connect(peers: Words, *, replace: Optional[bool] = None, check: bool = False) -> Report:
    """Add peers to the router; with ``replace``, they are all that it has."""
    return do("connect", {"peers": peers, "replace": replace}, check)


def forget(peers: Words, *, check: bool = False) -> Report:
    """Take peers from the router."""
    return do("forget", {"peers": peers}, check)


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
    return do("attach", arguments, check)


def detach(
    container: str, ips: Optional[Addresses] = None, *, interface: Optional[str] = None, check: bool = False
) -> Report:
    """Take addresses from a container, with the last one the interface; all without ``ips``, which may not be empty."""
    return do("detach", {"container": container, "ips": ips, "interface": interface}, check)


def announce(container: Optional[str] = None, ips: Optional[Addresses] = None, *, check: bool = False) -> Report:
    """Tell the network again where addresses of this host are, and forget the connections it remembers of them.

    The addresses are all those of ``container``, some of them (``ips``), or those named wherever they are here.
    ``result["announced"]`` says from which interfaces; ``changed`` is false, for nothing of a document is.
    """
    return do("announce", {"container": container, "ips": ips}, check)


def expose(ips: Addresses, *, masquerade: Optional[bool] = None, check: bool = False) -> Report:
    """Give the host itself addresses on the network.

    ``masquerade`` (true): packets between the network and everything else take the host's address.
    """
    return do("expose", {"ips": ips, "masquerade": masquerade}, check)


def hide(ips: Optional[Addresses] = None, *, check: bool = False) -> Report:
    """Take addresses of the host from the network, all without ``ips``, which may not be empty."""
    return do("hide", {"ips": ips}, check)


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
    return do("publish", arguments, check)


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
    return do("unpublish", arguments, check)
