"""What tests compare is blind to what changes by itself, and to nothing else."""

from __future__ import annotations

import time

import pytest

from lab import Host


@pytest.fixture
def bridge(two: list[Host]) -> list[Host]:
    """Two hosts, of which the one has a bridge, and the other holds the end of its wire."""
    host, other = two
    host.sh("ip", "link", "add", "br0", "type", "bridge")
    host.sh("ip", "link", "set", "br0", "up")
    host.sh("ip", "address", "add", "10.0.0.1/24", "dev", "br0")
    host.sh("ip", "link", "add", "p0", "type", "veth", "peer", "name", "p1", "netns", other.name)
    host.sh("ip", "link", "set", "p0", "master", "br0", "up")
    host.sh("nft", "add table inet t; add chain inet t c { type filter hook input priority 0; }")
    host.sh("nft", "add rule inet t c ct state new counter accept")
    other.sh("ip", "address", "add", "10.0.0.2/24", "dev", "p1")
    return two


def wait_for(host: Host, text: str, *words: str) -> None:
    """Wait for what the kernel does by itself."""
    deadline = time.monotonic() + 300
    while text not in host.sh(*words):
        assert time.monotonic() < deadline, f"{' '.join(words)} does not show {text}:\n{host.sh(*words)}"
        time.sleep(0.05)


def test_what_changes_by_itself_is_not_seen(bridge: list[Host]) -> None:
    host, other = bridge
    show = ("ip", "address", "show", "dev", "br0")
    wait_for(host, "NO-CARRIER", *show)
    before = host.state()
    other.sh("ip", "link", "set", "p1", "up")
    wait_for(host, "LOWER_UP", *show)
    wait_for(host, "inet6 fe80:", *show)
    assert other.pings("10.0.0.1")
    mac = other.ip("link", "show", "p1")[0]["address"]
    assert mac in host.sh("bridge", "fdb")
    assert "packets 0 " not in host.sh("nft", "list", "ruleset")
    assert host.state() == before
    other.sh("ip", "link", "set", "p1", "down")
    wait_for(host, "NO-CARRIER", *show)
    wait_for(host, "linkdown", "ip", "route", "show", "dev", "br0")
    assert host.state() == before


@pytest.mark.parametrize(
    "change",
    [
        "ip link set p0 down",
        "ip link set p0 nomaster",
        "ip link set p0 mtu 1400",
        "ip link set br0 address 02:00:00:00:00:01",
        "ip link set br0 type bridge mcast_snooping 0",
        "bridge link set dev p0 hairpin on",
        "ip address add 10.0.0.3/24 dev br0",
        "ip address add fd00::1/64 dev br0",
        "ip route add 10.9.0.0/16 via 10.0.0.2",
        "bridge fdb add 02:00:00:00:00:02 dev p0 master static",
        "bridge fdb add 02:00:00:00:00:02 dev p0 self permanent",
        "nft add rule inet t c ct state established accept",
        "nft replace rule inet t c handle 2 ct state established counter accept",
    ],
)
def test_what_somebody_changes_is_seen(bridge: list[Host], change: str) -> None:
    host, _ = bridge
    before = host.state()
    host.sh(*change.split())
    assert host.state() != before
