"""What a host, its router and its containers should be on the network of weave.

The arguments are the library's own, by its own names; what is not given is the library's to decide. A document
(``host_present``, ``fleet_applied``) is exact for what it names; the other states are additive: they look after what
they name, and leave the rest as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from saltext.weave import CANNOT_LOAD

try:
    from saltext.weave import state
    from saltext.weave.state import Words
except ImportError as error:
    WHY_NOT = CANNOT_LOAD.format(error)
else:
    WHY_NOT = ""

# Where they are missing, nothing of this is loaded.
# pyright: reportPossiblyUnboundVariable=false

__virtualname__ = "weave"

# Salt defines them when it loads this; were they defined here, it would copy into them what changes with each state.
__opts__: Mapping[str, Any]
__salt__: Mapping[str, Any]


def __virtual__() -> str | tuple[bool, str]:  # noqa: N807
    return (False, WHY_NOT) if WHY_NOT else __virtualname__


def _make(name: str, words: Words, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return state.make(name, words, operation, arguments, test=__opts__["test"])


def _document(
    name: str, words: Words, document: Mapping[str, Any] | None, file: str | None, host: str | None = None
) -> dict[str, Any]:
    if file and file.startswith("salt://"):
        source, file = file, __salt__["cp.cache_file"](file)
        if not file:
            return state.refusal(name, f"file: `{source}` is not among the files that Salt serves to this minion")
    arguments = {"document": document, "file": file, "host": host}
    return state.make(name, words, "apply", arguments, test=__opts__["test"], whole=True)


def host_present(name: str, document: Mapping[str, Any] | None = None, file: str | None = None) -> dict[str, Any]:
    """Bring this host to what its document says.

    ``document`` is its data, from pillar for example; ``file`` is a path on the minion, or ``salt://…``.

    .. code-block:: yaml

        this host's part of the network:
          weave.host_present:
            - document:
                router: {}
                peers: [192.0.2.1, 192.0.2.2]
                containers:
                  db: {ips: 10.2.1.1/24}
    """
    words = Words("bring the host to its document", "Brought the host to its document", "The host is as written")
    return _document(name, words, document, file)


def fleet_applied(
    name: str, document: Mapping[str, Any] | None = None, file: str | None = None, host: str | None = None
) -> dict[str, Any]:
    """Bring this host to its part of a fleet's document.

    ``document`` is its data, ``file`` a path on the minion, or ``salt://…``. ``host`` says which of its hosts this one
    is, where its name and addresses do not tell.

    .. code-block:: yaml

        the network of all hosts:
          weave.fleet_applied:
            - document: {{ pillar['weave'] | json }}
            - host: {{ grains['id'] }}
    """
    words = Words(
        "bring the host to its part of the fleet's document",
        "Brought the host to its part of the fleet's document",
        "The host is as the fleet's document says",
    )
    return _document(name, words, document, file, host)


def router_launched(
    name: str,
    peers: str | list[str] | None = None,
    kind: str | None = None,
    port: int | None = None,
    vni: int | None = None,
    mtu: int | str | None = None,
    underlay: str | None = None,
    bridge: str | None = None,
    image: str | None = None,
    container_name: str | None = None,
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
) -> dict[str, Any]:
    """Launch the router, and connect it to ``peers`` besides those it has.

    .. code-block:: yaml

        router:
          weave.router_launched:
            - peers: [192.0.2.1, 192.0.2.2]
            - mtu: 1400

    The ``container_name`` is a document's ``name`` of a router in a container, since ``name`` is the state's own.
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
        "name": container_name,
        "args": args,
        "docker_options": docker_options,
        "password_file": password_file,
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
    words = Words("launch the router as asked", "Launched the router as asked", "The router is as asked")
    return _make(name, words, "launch", arguments)


def router_stopped(name: str) -> dict[str, Any]:
    """Stop carrying frames between hosts. Attachments stay."""
    return _make(name, Words("stop the router", "Stopped the router", "The router does not run"), "stop", {})


def peers_present(name: str, peers: str | list[str] | None = None, replace: bool | None = None) -> dict[str, Any]:
    """Connect the router to ``peers`` (the state's name); with ``replace``, they are all that it has.

    .. code-block:: yaml

        peers:
          weave.peers_present:
            - peers: [192.0.2.1, 192.0.2.2]
            - replace: true
    """
    arguments = {"peers": name if peers is None else peers, "replace": replace}
    words = Words("connect the peers", "Connected the peers", "The peers are connected")
    return _make(name, words, "connect", arguments)


def peers_absent(name: str, peers: str | list[str] | None = None) -> dict[str, Any]:
    """Take ``peers`` (the state's name) from the router."""
    words = Words("forget the peers", "Forgot the peers", "The peers are not connected")
    return _make(name, words, "forget", {"peers": name if peers is None else peers})


def attached(
    name: str,
    ips: str | list[str],
    container: str | None = None,
    interface: str | None = None,
    mtu: int | str | None = None,
    mac: str | None = None,
    gateway: str | None = None,
    routes: str | list[str] | None = None,
    multicast: bool | None = None,
    probe: bool | None = None,
) -> dict[str, Any]:
    """Give a container an interface on the network, and addresses besides those it has.

    ``container`` (the state's name) is a name or id, ``netns:PATH`` or ``pid:N``.

    .. code-block:: yaml

        db:
          weave.attached:
            - ips: [10.2.1.1/24]
    """
    container = name if container is None else container
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
    words = Words(f"attach {container}", f"Attached {container}", f"{container} is attached as asked")
    return _make(name, words, "attach", arguments)


def detached(
    name: str, ips: str | list[str] | None = None, container: str | None = None, interface: str | None = None
) -> dict[str, Any]:
    """Take addresses from ``container`` (the state's name), all where none is given; with the last goes the interface.

    An empty list is refused: it may have come out empty by mistake.
    One that does not exist is an error, as it may be mistyped.
    """
    container = name if container is None else container
    words = Words(f"detach {container}", f"Detached {container}", f"{container} is not attached")
    return _make(name, words, "detach", {"container": container, "ips": ips, "interface": interface})


def exposed(name: str, ips: str | list[str] | None = None, masquerade: bool | None = None) -> dict[str, Any]:
    """Give the host itself the addresses ``ips`` (the state's name) on the network.

    .. code-block:: yaml

        10.2.0.1/16:
          weave.exposed: []
    """
    arguments = {"ips": name if ips is None else ips, "masquerade": masquerade}
    words = Words("expose the host", "Exposed the host", "The host is exposed as asked")
    return _make(name, words, "expose", arguments)


def hidden(name: str, ips: str | list[str] | None = None) -> dict[str, Any]:
    """Take addresses of the host from the network, all where none is given."""
    return _make(name, Words("hide the host", "Hid the host", "The host is hidden as asked"), "hide", {"ips": ips})


def published(
    name: str,
    to: str,
    host_port: int | None = None,
    port: int | None = None,
    protocol: str | None = None,
    host_ip: str | None = None,
    masquerade: bool | None = None,
) -> dict[str, Any]:
    """Pass ``host_port`` (the state's name) of the host on to the container ``to``, on this host or another."""
    return _make(name, *state.publication("publish", locals()))


def unpublished(
    name: str,
    host_port: int | None = None,
    to: str | None = None,
    port: int | None = None,
    protocol: str | None = None,
    host_ip: str | None = None,
    masquerade: bool | None = None,
) -> dict[str, Any]:
    """Take ``host_port`` (the state's name) back; ``to``, ``port`` and ``masquerade`` are not compared."""
    return _make(name, *state.publication("unpublish", locals()))


def container_running(
    name: str,
    image: str,
    command: str | list[str] | None = None,
    options: str | list[str] | Mapping[str, Any] | None = None,
    ips: str | list[str] | None = None,
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
) -> dict[str, Any]:
    """Run the container ``name`` and attach it; one that is there is changed in place or made anew where it differs.

    ``ensure: latest`` takes the newest image that the registry has. Where a state that it watches has changes, the
    container is restarted.

    .. code-block:: yaml

        web:
          weave.container_running:
            - image: nginx:1
            - ips: 10.2.1.4/24
            - options: ['--memory=1g', '-p 8080:80', '-v /etc/web:/etc/nginx:ro']
            - watch: [{file: /etc/web/nginx.conf}]
    """
    if ensure == "absent":
        return state.refusal(
            name, "ensure: `absent` does not go with running; allowed: present, latest\n  hint: weave.container_absent"
        )
    arguments = {
        "name": name,
        "image": image,
        "command": command,
        "options": options,
        "ips": ips,
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
    words = Words(f"run {name} as asked", f"Ran {name} as asked", f"{name} runs as asked")
    return _make(name, words, "run", arguments)


def container_absent(name: str) -> dict[str, Any]:
    """Remove the container ``name``, which weave has to have made. Its volumes stay."""
    return _make(name, Words(f"remove {name}", f"Removed {name}", f"There is no {name}"), "remove", {"name": name})


def image_built(
    name: str,
    tag: str | None = None,
    context: str | None = None,
    dockerfile: str | None = None,
    content: str | None = None,
    build_args: str | list[str] | Mapping[str, Any] | None = None,
    target: str | None = None,
    platform: str | None = None,
    pull: bool | None = None,
    no_cache: bool | None = None,
    labels: str | list[str] | Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the image ``tag`` (the state's name), unless what it is built from is as it was.

    ``context`` is a directory on the minion, ``dockerfile`` a path in it, ``content`` the text of a Dockerfile that
    stands nowhere.

    .. code-block:: yaml

        web:7:
          weave.image_built:
            - context: /srv/web
            - build_args: {VERSION: '7'}
    """
    tag = name if tag is None else tag
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
    words = Words(f"build {tag}", f"Built {tag}", f"{tag} is built from what is given")
    return _make(name, words, "build", arguments)


def absent(name: str) -> dict[str, Any]:
    """Remove everything that weave made on this host, and nothing else; containers that weave runs stay."""
    words = Words("remove all that weave made", "Removed all that weave made", "There is nothing that weave made")
    return _make(name, words, "reset", {})


def mod_watch(name: str, sfun: str, **arguments: Any) -> dict[str, Any]:
    """Restart a container where what it watches has changed; make any other state once more.

    The others matter to ``listen``: what was made before another state took it down is made again at the end.
    """
    function = globals()[sfun]
    given = {key: value for key, value in arguments.items() if key in inspect.signature(function).parameters}
    if sfun != "container_running":
        again: dict[str, Any] = function(name, **given)
        return again
    return state.restart(name, {"name": name, **given}, test=__opts__["test"])
