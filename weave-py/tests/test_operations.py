"""Every operation that changes a host, four times, with the kernel as the witness."""

from __future__ import annotations

import json
from pathlib import Path

from lab import Host


def flood(host: Host) -> list[str]:
    """Return whom frames are flooded to."""
    entries = json.loads(host.sh("bridge", "-j", "fdb", "show"))
    return sorted(entry["dst"] for entry in entries if entry.get("mac") == "00:00:00:00:00:00" and "dst" in entry)


def test_launch_connect_forget_stop_reset(host: Host) -> None:
    before = host.state()
    host.four("launch", peers="192.0.2.2 192.0.2.3", mtu=1400)
    assert flood(host) == ["192.0.2.2", "192.0.2.3"]
    assert [link["mtu"] for link in host.ip("link", "show", "weave")] == [1400]
    host.four("connect", peers=["192.0.2.4"])
    assert flood(host) == ["192.0.2.2", "192.0.2.3", "192.0.2.4"]
    host.four("connect", peers=["192.0.2.4", "192.0.2.5"], replace=True)
    assert flood(host) == ["192.0.2.4", "192.0.2.5"]
    host.four("forget", peers="192.0.2.5")
    assert flood(host) == ["192.0.2.4"]
    host.four("stop")
    assert flood(host) == []
    assert "weave" in host.links()
    host.four("reset")
    assert host.state() == before


def test_attach_and_detach(host: Host) -> None:
    web = host.container("web")
    host.call("launch")
    arguments = {"gateway": "10.2.1.1", "routes": ["10.9.0.0/16 via 10.2.1.2"], "mac": "02:00:00:00:00:09"}
    host.four("attach", container=web.target, ips=["10.2.1.4/24", "10.2.2.4/24"], multicast=False, **arguments)
    assert web.addresses("ethwe") == ["10.2.1.4/24", "10.2.2.4/24"]
    assert [link["address"] for link in web.ip("link", "show", "ethwe")] == ["02:00:00:00:00:09"]
    assert "default via 10.2.1.1" in web.sh("ip", "route")
    assert "224.0.0.0/4" not in web.sh("ip", "route")
    rows = {row["id"]: row["ips"] for row in host.call("ps")["result"]}
    assert rows == {"weave:expose": [], web.target: ["10.2.1.4/24", "10.2.2.4/24"]}
    told = host.call("announce", container=web.target, ips="10.2.2.4/24")
    assert (told["changed"], told["result"]["announced"][0]["ips"]) == (False, ["10.2.2.4/24"])
    host.four("detach", container=web.target, ips="10.2.2.4/24")
    assert web.addresses("ethwe") == ["10.2.1.4/24"]
    host.four("detach", container=web.target)
    assert web.links() == ["lo"]


def test_expose_and_hide(host: Host) -> None:
    host.call("launch")
    host.four("expose", ips="10.2.1.1/24", masquerade=False)
    assert host.addresses("weave") == ["10.2.1.1/24"]
    host.four("hide")
    assert host.addresses("weave") == []


def test_publish_and_unpublish(host: Host) -> None:
    host.sh("sysctl", "-qw", "net.ipv4.ip_forward=1")
    host.call("launch")
    host.call("expose", ips="10.2.1.1/24")
    host.four("publish", host_port=8080, to="10.2.1.4", port=80)
    host.four("publish", host_port=53, to="10.2.1.4", protocol="udp", host_ip="127.0.0.1", masquerade=False)
    assert host.call("status")["state"]["publish"] == [
        {
            "host_port": 53,
            "to": "10.2.1.4",
            "port": 53,
            "protocol": "udp",
            "host_ip": "127.0.0.1",
            "masquerade": False,
        },
        {"host_port": 8080, "to": "10.2.1.4", "port": 80},
    ]
    assert "dnat ip to 10.2.1.4:80" in host.sh("nft", "list", "table", "inet", "weave")
    host.four("unpublish", host_port=8080)
    host.four("unpublish", host_port=53, protocol="udp", to="10.2.1.4")
    assert "dnat" not in host.sh("nft", "list", "table", "inet", "weave")


def test_a_fleet_from_its_file(two: list[Host], tmp_path: Path) -> None:
    one, other = two
    web, db = one.container("web"), other.container("db")
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(f"""
hosts:
  one: {{address: 192.0.2.1, weave_ip: 10.2.0.1/16}}
  other: {{address: 192.0.2.2, weave_ip: 10.2.0.2/16}}
containers:
  "{web.target}": {{host: one, ip: 10.2.1.4/16}}
  "{db.target}": {{host: other, ip: 10.2.1.5/16}}
""")
    for host, name in zip(two, ("one", "other")):
        host.four("apply", file=str(fleet), host=name)
    assert web.pings("10.2.1.5")
    assert db.pings("10.2.1.4")
    # What status tells is a document, too.
    state = one.call("status")["state"]
    again = one.call("apply", document=state)
    assert again["changed"] is False, again


def test_units_are_installed_and_taken_away(host: Host, tmp_path: Path) -> None:
    root, document = tmp_path / "root", tmp_path / "host.yaml"
    document.write_text("router: {bridge: br-weave}\n")
    host.env["WEAVE_ROOT"] = str(root)
    done = host.four("install_units", file=str(document), program="/bin/true")
    assert "systemd does not run here" in done["warnings"][0]
    text = (root / "etc/systemd/system/weave-watch.service").read_text()
    assert f'ExecStart="/bin/true" watch "{document}"\n' in text
    host.four("install_units", state="absent")
    assert [path for path in root.rglob("*") if not path.is_dir()] == []


def test_reading_tells_and_changes_nothing(host: Host) -> None:
    before = host.state()
    assert host.call("version")["result"]["port"] == 6783
    assert host.call("facts")["result"]
    assert {finding["level"] for finding in host.call("preflight")["result"]["findings"]} <= {"ok", "warn", "fail"}
    assert host.call("schema", document="fleet")["result"]["$schema"].startswith("https://json-schema.org/")
    assert host.state() == before
