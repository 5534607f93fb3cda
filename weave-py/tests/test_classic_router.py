"""A router in a container, four times, with the engine, the kernel and the router itself as the witnesses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine import IMAGE, Engine
from lab import Host, Lab
from router import ROUTER_IMAGE, asked, import_router, joined, targets
from weave_py.errors import NotFoundError

SECRET = "s3cr3t-of-routers"


class Docked:
    """A host with an engine that has the router's image."""

    def __init__(self, host: Host, engine: Engine) -> None:
        """Give the engine its image, and the host's programs the engine."""
        self.host, self.engine = host, engine
        host.env = engine.env
        import_router(engine)

    def run(self, name: str) -> str:
        """Run a container without a network, and return its id."""
        return self.engine.docker("run", "-d", "--name", name, "--network=none", IMAGE)

    def ethwe(self, name: str) -> str:
        """Return what a container has of the network."""
        return self.engine.docker("exec", name, "ip", "addr", "show", "dev", "ethwe")

    def link(self, name: str) -> Any:
        """Return a link of the host."""
        (link,) = self.host.ip("link", "show", name)
        return link


@pytest.fixture
def docked(tmp_path: Path) -> Iterator[list[Docked]]:
    """Two hosts with engines."""
    lab = Lab(2, tmp_path)
    with ExitStack() as stack:
        stack.callback(lab.remove)
        yield [Docked(host, stack.enter_context(Engine(host, bridge="none"))) for host in lab.hosts]


def settings(peer: Host, **more: object) -> dict[str, object]:
    return {"kind": "image", "image": ROUTER_IMAGE, "peers": [peer.address], **more}


def test_launch_attach_stop_reset(docked: list[Docked]) -> None:
    one, two = docked
    host, engine = one.host, one.engine
    before = host.state()
    mine = settings(two.host, ipalloc_range="10.32.0.0/12")
    did = host.four("launch", **mine)
    assert did["state"]["router"]["kind"] == "image"
    assert did["state"]["peers"] == [two.host.address] == targets(host)
    two.host.four("launch", **settings(host, ipalloc_range="10.32.0.0/12"))
    it_has_the_least_that_it_needs(engine)
    for end in ("vethwe-bridge", "vethwe-pcap"):
        assert one.link(end)["mtu"] == 1438
    assert one.link("vethwe-bridge")["master"] == "weave"
    assert "tx-checksumming: off" in host.sh("ethtool", "-k", "vethwe-bridge")
    assert joined(host, two.host)

    host.four("connect", peers=["192.0.2.9"])
    assert targets(host) == [two.host.address, "192.0.2.9"]
    host.four("forget", peers=["192.0.2.9"])
    assert targets(host) == [two.host.address]

    addresses_come_from_the_router(one, two)
    status = host.call("status")["result"]
    assert (status["router"]["state"], status["router"]["name"]) == ("running", "weave")
    assert engine.inspect("weave")["Id"].startswith(status["router"]["container_id"])
    assert status["router"]["allocation"]["range"] == "10.32.0.0/12"
    assert status["router"]["connections"]["established"] == 1
    assert [peer["connection"]["state"] for peer in status["peers"]] == ["established"]

    host.four("stop")
    assert engine.inspect("weave")["State"]["Status"] == "exited"
    assert not [name for name in host.links() if name.startswith("vethwe-")]
    assert "inet 10.2.1.4/24" in one.ethwe("web")
    host.four("launch", **mine)
    assert engine.pings("web", "10.2.1.5")
    host.four("reset")
    assert engine.containers() == ["web"]
    assert engine.docker("volume", "ls", "-q") == ""
    assert host.state() == before


def it_has_the_least_that_it_needs(engine: Engine) -> None:
    inspected = engine.inspect("weave")
    config = inspected["HostConfig"]
    assert (config["NetworkMode"], config["PidMode"], config["Privileged"]) == ("host", "", False)
    assert sorted(name.replace("CAP_", "") for name in config["CapAdd"]) == ["NET_ADMIN", "NET_RAW"]
    assert config["CapDrop"] == ["ALL"]
    mounts = {mount["Destination"]: (mount["Type"], mount["Source"]) for mount in inspected["Mounts"]}
    assert mounts.keys() == {"/weavedb", "/weave/proc/sys/net"}
    assert mounts["/weavedb"][0] == "volume"
    assert mounts["/weave/proc/sys/net"] == ("bind", "/proc/sys/net")


def addresses_come_from_the_router(one: Docked, two: Docked) -> None:
    host = one.host
    web = one.run("web")
    two.run("db")
    did = host.four("attach", container="web", ips=["net:default"])
    address = asked(host, f"ip/{web}")
    assert address.startswith("10.32.")
    assert f"inet {address} " in one.ethwe("web")
    assert did["state"]["containers"]["web"]["ips"] == [address]
    # It is the same one after a restart.
    one.engine.docker("restart", "-t", "1", "web")
    host.four("attach", container="web", ips=["net:default"])
    assert (asked(host, f"ip/{web}"), f"inet {address} " in one.ethwe("web")) == (address, True)
    host.four("attach", container="web", ips=["10.2.1.4/24"])
    two.host.four("attach", container="db", ips=["10.2.1.5/24"])
    assert one.engine.pings("web", "10.2.1.5")
    assert two.engine.pings("db", "10.2.1.4")
    host.four("detach", container="web", ips=[address])
    assert address not in asked(host, f"ip/{web}")
    assert f"inet {address} " not in one.ethwe("web")


def test_a_password_is_told_to_nobody(docked: list[Docked], tmp_path: Path) -> None:
    one, two = docked
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    for here, there in ((one, two), (two, one)):
        did = here.host.four("launch", **settings(there.host, password_file=str(file)))
        assert SECRET not in json.dumps([did, here.host.call("status"), here.host.call("facts")])
    assert joined(one.host, two.host)
    assert "Encryption: enabled" in asked(one.host, "status")
    assert one.link("weave")["mtu"] == 1414
    assert SECRET not in str(one.engine.inspect("weave")["Args"])


def test_without_an_image_nothing_is_done(docked: list[Docked]) -> None:
    host = docked[0].host
    before = host.state()
    for check in (True, False):
        with pytest.raises(NotFoundError) as raised:
            host.call("launch", check=check, kind="image", peers=["192.0.2.2"])
        assert raised.value.subject == "image"
        assert raised.value.hint == "say which `image` the router is run from"
    assert host.state() == before
