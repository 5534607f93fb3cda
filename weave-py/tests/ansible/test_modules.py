"""Every module of the network four times, under each ansible-core, with the kernel as the witness."""

from __future__ import annotations

import json
from pathlib import Path

from lab import Host
from stage import Controller, Stage, task


def flood(host: Host) -> list[str]:
    """Return whom frames are flooded to."""
    entries = json.loads(host.sh("bridge", "-j", "fdb", "show"))
    return sorted(entry["dst"] for entry in entries if entry.get("mac") == "00:00:00:00:00:00" and "dst" in entry)


def test_router_and_peer(stage: Stage, host: Host) -> None:
    before = host.state()
    did = stage.four("router", peers=["192.0.2.2"], mtu=1400, firewall={"manage": True})
    assert flood(host) == ["192.0.2.2"]
    assert [link["mtu"] for link in host.ip("link", "show", "weave")] == [1400]
    assert did["router"]["mtu"] == 1400
    # A suboption that is left out, as a template does it, is none.
    (same,) = stage.must(task("router", firewall={"manage": "{{ omit }}"})).of(host)
    assert same["changed"] is False, same
    did = stage.four("router", mtu=1300)
    assert [side["router"]["mtu"] for side in did["diff"].values()] == [1400, 1300]
    assert '-        "mtu": 1400' in did["printed"]
    assert '+        "mtu": 1300' in did["printed"]
    # What the router has besides stays as it is.
    assert flood(host) == ["192.0.2.2"]
    did = stage.four("peer", peers=["192.0.2.3", "192.0.2.4"])
    assert did["peers"] == ["192.0.2.2", "192.0.2.3", "192.0.2.4"] == flood(host)
    stage.four("peer", peers=["192.0.2.4"], replace=True)
    assert flood(host) == ["192.0.2.4"]
    did = stage.four("peer", peers=["192.0.2.4"], state="absent")
    assert (did["peers"], flood(host)) == ([], [])
    did = stage.four("router", state="absent")
    assert did["router"] == {}
    assert not [name for name in host.links() if name.startswith("vxlan")]
    stage.four("host", state="absent")
    assert host.state() == before


def test_attachment_and_exposure(stage: Stage, host: Host) -> None:
    web = host.container("web")
    stage.must(task("router"))
    did = stage.four(
        "attachment",
        container=web.target,
        ips=["10.2.1.4/24", "10.2.2.4/24"],
        mac="02:00:00:00:00:09",
        gateway="10.2.1.1",
        routes=["10.9.0.0/16 via 10.2.1.2", {"to": "10.8.0.0/16", "via": "10.2.1.3"}],
        multicast=False,
    )
    assert web.addresses("ethwe") == did["attachment"]["ips"] == ["10.2.1.4/24", "10.2.2.4/24"]
    assert did["diff"]["after"][f"containers.{web.target}"]["ips"] == ["10.2.1.4/24", "10.2.2.4/24"]
    routes = web.sh("ip", "route")
    assert "default via 10.2.1.1" in routes
    assert "10.9.0.0/16 via 10.2.1.2" in routes
    assert "10.8.0.0/16 via 10.2.1.3" in routes
    # By another of its names it is the same.
    (again,) = stage.must(task("attachment", container=f"netns:{web.name}", ips=["10.2.1.4/24"])).of(host)
    assert again["attachment"]["ips"] == ["10.2.1.4/24", "10.2.2.4/24"]
    did = stage.four("exposure", ips=["10.2.1.1/24"], masquerade=False)
    assert did["exposure"] == [{"ip": "10.2.1.1/24", "masquerade": False}]
    assert host.addresses("weave") == ["10.2.1.1/24"]
    # A line with blanks, as `join(', ')` makes it.
    did = stage.must(task("exposure", ips="10.2.3.1/24, 10.2.4.1/24")).of(host)[0]
    assert did["exposure"][1:] == [{"ip": f"10.2.{net}.1/24", "masquerade": True} for net in (3, 4)]
    assert host.pings("10.2.1.4")
    # A list that came out empty is not all of them.
    for module, more in (("exposure", {}), ("attachment", {"container": web.target})):
        failed = stage.fails(module, ips=[], state="absent", **more)
        assert (failed["kind"], failed["subject"]) == ("invalid_spec", "ips")
        assert "leave it out to take all away" in failed["msg"]
    host.sh("sysctl", "-qw", "net.ipv4.ip_forward=1")
    did = stage.four("publication", host_port=8080, to="10.2.1.4", port=80)
    assert did["publications"] == [{"host_port": 8080, "to": "10.2.1.4", "port": 80}]
    assert stage.fails("publication", host_port=8081, to="10.9.9.9")["kind"] == "not_found"
    did = stage.four("publication", host_port=8080, state="absent")
    assert did["publications"] == []
    stage.four("exposure", state="absent")
    assert host.addresses("weave") == []
    stage.four("attachment", container=web.target, ips=["10.2.2.4/24"], state="absent")
    assert web.addresses("ethwe") == ["10.2.1.4/24"]
    did = stage.four("attachment", container=web.target, state="absent")
    assert did["attachment"] == {}
    assert web.links() == ["lo"]


def test_a_host_from_data_and_from_a_file(stage: Stage, host: Host, tmp_path: Path) -> None:
    web = host.container("web")
    document = {
        "router": {},
        "peers": ["192.0.2.2"],
        "expose": ["10.2.0.1/16"],
        "containers": {web.target: {"ips": ["10.2.1.4/16"]}},
    }
    did = stage.four("host", document=document)
    assert flood(host) == did["host"]["peers"] == ["192.0.2.2"]
    assert host.pings("10.2.1.4")
    # What is returned is a document, too.
    again = stage.must(task("host", document=did["host"])).of(host)[0]
    assert again["changed"] is False, again
    file = tmp_path / "host.yaml"
    file.write_text("peers: [192.0.2.3]\n")
    stage.four("host", file=str(file))
    assert flood(host) == ["192.0.2.3"]
    assert web.addresses("ethwe") == ["10.2.1.4/16"]


def test_a_fleet_is_one_task_for_each_host(controller: Controller, two: list[Host], tmp_path: Path) -> None:
    one, other = two
    web, db = one.container("web"), other.container("db")
    stage = Stage(controller, two, tmp_path)
    fleet = {
        "hosts": {
            one.name: {"address": "192.0.2.1", "weave_ip": "10.2.0.1/16"},
            other.name: {"address": "192.0.2.2", "weave_ip": "10.2.0.2/16"},
        },
        "containers": {
            web.target: {"host": one.name, "ip": "10.2.1.4/16"},
            db.target: {"host": other.name, "ip": "10.2.1.5/16"},
        },
    }
    wanted = task("fleet", document=fleet, host="{{ inventory_hostname }}")
    before = [host.state() for host in two]
    for words, changed in ((("--check",), True), ((), True), (("--check",), False), ((), False)):
        played = stage.play(wanted, words=words)
        assert played.code == 0, played.text
        assert [played.of(host)[0]["changed"] for host in two] == [changed, changed], played.text
        if before:
            assert [host.state() for host in two] == before
            before = []
    assert web.pings("10.2.1.5")
    assert db.pings("10.2.1.4")
    # The addresses of a host tell which it is.
    played = stage.must(task("fleet", document=fleet))
    assert [played.of(host)[0]["changed"] for host in two] == [False, False]
    played = stage.must(task("fleet", document=fleet, state="absent"))
    assert [host.links() for host in two] == [["eth0", "lo"]] * 2
    assert [container.links() for container in (web, db)] == [["lo"]] * 2


def test_what_reads_changes_nothing(stage: Stage, host: Host) -> None:
    web = host.container("web")
    stage.must(task("router", peers=["192.0.2.2"]), task("attachment", container=web.target, ips=["10.2.1.4/24"]))
    before = host.state()
    for words in (("--check",), ()):
        played = stage.play(task("info"), task("preflight"), words=words)
        assert played.code == 0, played.text
        info, preflight = played.of(host)
        assert (info["changed"], preflight["changed"]) == (False, False)
        assert info["host"]["peers"] == ["192.0.2.2"]
        assert info["status"]["router"]["port"] == 6783
        assert info["facts"]["weave_networked_containers"]["weave_ips"] == ["10.2.1.4/24"]
        # There is no engine on this host.
        assert any("nothing is known of containers" in warning for warning in info["warnings"])
        assert {finding["level"] for finding in preflight["findings"]} == {"ok", "warn"}
    assert host.state() == before


def test_options_of_a_group(stage: Stage, host: Host) -> None:
    book = [{"hosts": "all", "gather_facts": False, "module_defaults": {"group/weave.net.weave": {"mtu": 1350}}}]
    book[0]["tasks"] = [task("router")]
    file = stage.directory / "group.json"
    file.write_text(json.dumps(book))
    played = stage.playbook(file, "-i", stage.inventory())
    assert played.code == 0, played.text
    assert [link["mtu"] for link in host.ip("link", "show", "weave")] == [1350]
