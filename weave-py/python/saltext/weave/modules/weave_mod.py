"""The operations of weave that change something, by the library's own names and with its own arguments.

An argument that is not given is the library's to decide. With ``test=True`` an operation stops after its plan and
touches nothing; where ``test`` is not given, the minion's own ``test`` decides, as for states. Each returns the report:
``changed``, ``changes``, ``steps``, ``warnings``, ``state`` (the host afterwards, with ``test=True`` as it is, as a
document). Those that only read are in a module of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saltext.weave import CANNOT_LOAD

try:
    from saltext.weave import calls
except ImportError as error:
    WHY_NOT = CANNOT_LOAD.format(error)
else:
    WHY_NOT = ""

# Where they are missing, nothing of this is loaded.
# pyright: reportPossiblyUnboundVariable=false

__virtualname__ = "weave"
__opts__: Mapping[str, Any]


def __virtual__() -> str | tuple[bool, str]:  # noqa: N807
    return (False, WHY_NOT) if WHY_NOT else __virtualname__


def _call(operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(arguments)
    test = given.pop("test")
    return calls.call(operation, given, test=bool(__opts__.get("test") if test is None else test))


def apply(
    document: Mapping[str, Any] | None = None,
    file: str | None = None,
    host: str | None = None,
    only: str | None = None,
    test: bool | None = None,
) -> dict[str, Any]:
    """Bring this host to what a document says of it: a host's document or a whole fleet's.

    ``document`` is its data, ``file`` the path of its file; one of the two is needed. ``host`` says which of a fleet's
    hosts this one is, where its name and addresses do not tell. ``only``: ``network`` runs and removes no container,
    and needs no engine.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.apply file=/etc/weave/fleet.yaml host=dockerhost001 test=True
    """
    return _call("apply", locals())


def launch(
    peers: str | list[str] | None = None,
    kind: str | None = None,
    port: int | None = None,
    vni: int | None = None,
    mtu: int | str | None = None,
    underlay: str | None = None,
    bridge: str | None = None,
    image: str | None = None,
    name: str | None = None,
    args: str | list[str] | None = None,
    docker_options: str | list[str] | Mapping[str, Any] | None = None,
    password_file: str | None = None,
    nickname: str | None = None,
    peer_name: str | None = None,
    trusted_subnets: str | list[str] | None = None,
    ipalloc_range: str | None = None,
    ipalloc_default_subnet: str | None = None,
    discovery: bool | None = None,
    control_port: int | None = None,
    pull: str | None = None,
    firewall: Mapping[str, bool] | None = None,
    test: bool | None = None,
) -> dict[str, Any]:
    """Launch the router, and connect it to ``peers`` besides those it has.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.launch peers='192.0.2.1 192.0.2.2' mtu=1400
        salt '*' weave.launch kind=image image=weaveworks/weave:2.8.1 password_file=/etc/weave/password
    """
    return _call("launch", locals())


def stop(test: bool | None = None) -> dict[str, Any]:
    """Stop carrying frames between hosts. Attachments stay.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.stop
    """
    return _call("stop", locals())


def reset(test: bool | None = None) -> dict[str, Any]:
    """Remove everything that weave made on this host, and nothing else.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.reset test=True
    """
    return _call("reset", locals())


def connect(peers: str | list[str], replace: bool | None = None, test: bool | None = None) -> dict[str, Any]:
    """Add peers to the router; with ``replace``, they are all that it has.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.connect '192.0.2.1 192.0.2.2' replace=True
    """
    return _call("connect", locals())


def forget(peers: str | list[str], test: bool | None = None) -> dict[str, Any]:
    """Take peers from the router.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.forget 192.0.2.2
    """
    return _call("forget", locals())


def attach(
    container: str,
    ips: str | list[str],
    interface: str | None = None,
    mtu: int | str | None = None,
    mac: str | None = None,
    gateway: str | None = None,
    routes: str | list[str] | None = None,
    multicast: bool | None = None,
    probe: bool | None = None,
    test: bool | None = None,
) -> dict[str, Any]:
    """Give a container (a name or id, ``netns:PATH`` or ``pid:N``) an interface on the network, and addresses.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.attach web 10.2.1.4/24
    """
    return _call("attach", locals())


def detach(
    container: str, ips: str | list[str] | None = None, interface: str | None = None, test: bool | None = None
) -> dict[str, Any]:
    """Take addresses from a container, all where none is given; with the last one goes the interface.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.detach web 10.2.1.4/24
    """
    return _call("detach", locals())


def announce(
    container: str | None = None, ips: str | list[str] | None = None, test: bool | None = None
) -> dict[str, Any]:
    """Tell the network again where addresses are, and forget the connections that this host remembers of them.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.announce web
    """
    return _call("announce", locals())


def migrate(
    name: str,
    from_: str | None = None,
    to: str | None = None,
    tls: str | None = None,
    insecure: bool | None = None,
    volumes: bool | None = None,
    binds: bool | None = None,
    changes: bool | None = None,
    live_copy: bool | None = None,
    timeout: int | None = None,
    remove_source: bool | None = None,
    undo: bool | None = None,
    test: bool | None = None,
) -> dict[str, Any]:
    """Move a container between this host and another one, with its image, files and addresses.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.migrate web to=ssh://root@dockerhost002
    """
    given = dict(locals())
    return _call("migrate", {"from": given.pop("from_"), **given})


def expose(ips: str | list[str], masquerade: bool | None = None, test: bool | None = None) -> dict[str, Any]:
    """Give the host itself addresses on the network.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.expose 10.2.0.1/16 masquerade=False
    """
    return _call("expose", locals())


def hide(ips: str | list[str] | None = None, test: bool | None = None) -> dict[str, Any]:
    """Take addresses of the host from the network, all where none is given.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.hide
    """
    return _call("hide", locals())


def publish(
    host_port: int,
    to: str,
    port: int | None = None,
    protocol: str | None = None,
    host_ip: str | None = None,
    masquerade: bool | None = None,
    test: bool | None = None,
) -> dict[str, Any]:
    """Pass a port of the host on to a container, on this host or another.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.publish 8080 web port=80
    """
    return _call("publish", locals())


def unpublish(
    host_port: int,
    to: str | None = None,
    port: int | None = None,
    protocol: str | None = None,
    host_ip: str | None = None,
    masquerade: bool | None = None,
    test: bool | None = None,
) -> dict[str, Any]:
    """Take a published port back; ``to``, ``port`` and ``masquerade`` are not compared.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.unpublish 8080
    """
    return _call("unpublish", locals())


def run(
    name: str,
    image: str,
    command: str | list[str] | None = None,
    options: str | list[str] | Mapping[str, Any] | None = None,
    ips: str | list[str] | None = None,
    state: str | None = None,
    on_change: str | None = None,
    pull: str | None = None,
    ensure: str | None = None,
    attach: str | None = None,
    interface: str | None = None,
    mtu: int | str | None = None,
    mac: str | None = None,
    gateway: str | None = None,
    routes: str | list[str] | None = None,
    multicast: bool | None = None,
    probe: bool | None = None,
    test: bool | None = None,
) -> dict[str, Any]:
    """Run a container and attach it; one that is there is changed in place or made anew where it differs.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.run web nginx:1 ips=10.2.1.4/24 options='--memory=1g -p 8080:80'
    """
    return _call("run", locals())


def remove(name: str, test: bool | None = None) -> dict[str, Any]:
    """Remove a container that weave made. Its volumes stay.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.remove web
    """
    return _call("remove", locals())


def build(
    tag: str,
    context: str | None = None,
    dockerfile: str | None = None,
    content: str | None = None,
    build_args: str | list[str] | Mapping[str, Any] | None = None,
    target: str | None = None,
    platform: str | None = None,
    pull: bool | None = None,
    no_cache: bool | None = None,
    labels: str | list[str] | Mapping[str, Any] | None = None,
    test: bool | None = None,
) -> dict[str, Any]:
    """Build an image from a directory or the text of a Dockerfile, unless what it is built from is as it was.

    CLI Example:

    .. code-block:: bash

        salt dockerhost001 weave.build web:7 /srv/web build_args='{"VERSION": "7"}'
    """
    return _call("build", locals())


def install_units(
    file: str | None = None,
    host: str | None = None,
    program: str | None = None,
    enable: bool | None = None,
    start: bool | None = None,
    state: str | None = None,
    test: bool | None = None,
) -> dict[str, Any]:
    """Have systemd apply a document at each boot, and watch over it.

    ``file`` is the document (``/etc/weave/host.yaml``), ``program`` the command ``weave`` (the one on ``PATH``);
    ``enable`` (true) is about the next boot, ``start`` (true) about now; ``state=absent`` takes the units away.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.install_units /etc/weave/fleet.yaml host=dockerhost001
    """
    return _call("install_units", locals())
