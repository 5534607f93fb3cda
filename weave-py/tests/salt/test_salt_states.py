"""Every state of the network four times, with the kernel as the witness."""

from __future__ import annotations

import json
from pathlib import Path

from minion import Minion


def flood(minion: Minion) -> list[str]:
    """Return whom frames are flooded to."""
    entries = json.loads(minion.host.sh("bridge", "-j", "fdb", "show"))
    return sorted(entry["dst"] for entry in entries if entry.get("mac") == "00:00:00:00:00:00" and "dst" in entry)


def test_states_join_two_hosts(minions: list[Minion]) -> None:
    spaces = [minion.host.container(name) for minion, name in zip(minions, ("web", "db"))]
    web, db = spaces
    did = minions[0].four(
        {
            "router": {"weave.router_launched": [{"mtu": 1400}]},
            "all peers": {"weave.peers_present": [{"peers": ["192.0.2.1", "192.0.2.2"]}, {"replace": True}]},
            web.target: {"weave.attached": [{"ips": ["10.2.1.1/24"]}, {"gateway": "10.2.1.9"}]},
            "10.2.2.1/24": {"weave.exposed": [{"masquerade": False}]},
        }
    )
    assert did["router"]["changes"]["router.mtu"] == {"old": None, "new": 1400}
    assert did["router"]["comment"].startswith("Launched the router as asked, since these were not as asked: ")
    minions[1].four(
        {
            "router": {"weave.router_launched": [{"peers": "192.0.2.7"}, {"mtu": 1400}]},
            "192.0.2.1": {"weave.peers_present": []},
            "db": {"weave.attached": [{"container": db.target}, {"ips": "10.2.1.2/24"}]},
            "host": {"weave.exposed": [{"ips": "10.2.2.2/24"}, {"masquerade": False}]},
        }
    )
    assert flood(minions[0]) == ["192.0.2.2"]
    assert flood(minions[1]) == ["192.0.2.1", "192.0.2.7"]
    assert web.addresses("ethwe") == ["10.2.1.1/24"]
    assert "default via 10.2.1.9" in web.sh("ip", "route")
    assert web.pings("10.2.1.2")
    assert db.pings("10.2.1.1")
    assert minions[0].host.pings("10.2.2.2")


def test_states_take_away_what_they_name(minion: Minion) -> None:
    web = minion.host.container("web")
    empty = minion.host.state()
    given = {
        "router": {"weave.router_launched": [{"peers": ["192.0.2.2", "192.0.2.3", "192.0.2.4"]}]},
        web.target: {"weave.attached": [{"ips": "10.2.1.1/24 10.2.2.1/24"}]},
        "host": {"weave.exposed": [{"ips": ["10.2.1.9/24", "10.2.2.9/24"]}]},
    }
    assert all(state["result"] for state in minion.apply(given).values())
    minion.four(
        {
            "192.0.2.2": {"weave.peers_absent": []},
            "others": {"weave.peers_absent": [{"peers": "192.0.2.4"}]},
            "web": {"weave.detached": [{"container": web.target}, {"ips": "10.2.1.1/24"}]},
            "host": {"weave.hidden": [{"ips": "10.2.1.9/24"}]},
        }
    )
    assert flood(minion) == ["192.0.2.3"]
    assert web.addresses("ethwe") == ["10.2.2.1/24"]
    assert minion.host.addresses("weave") == ["10.2.2.9/24"]
    minion.four(
        {
            web.target: {"weave.detached": []},
            "host": {"weave.hidden": []},
            "router": {"weave.router_stopped": []},
            "weave": {"weave.absent": []},
        }
    )
    assert minion.host.state() == empty


def test_documents_from_pillar_from_files_and_from_salt(minion: Minion, tmp_path: Path) -> None:
    web = minion.host.container("web")
    document = {"router": {}, "peers": ["192.0.2.2"], "containers": {web.target: {"ips": ["10.2.1.1/24"]}}}
    minion.pillar({"weave": document})
    did = minion.four("host:\n  weave.host_present:\n    - document: {{ pillar['weave'] | json }}\n")
    assert did["host"]["changes"]["peers"] == {"old": [], "new": ["192.0.2.2"]}
    assert did["host"]["changes"][f"containers.{web.target}.ips"] == {"old": None, "new": ["10.2.1.1/24"]}
    assert web.addresses("ethwe") == ["10.2.1.1/24"]

    file = tmp_path / "host.yaml"
    file.write_text(json.dumps({**document, "peers": ["192.0.2.3"]}))
    did = minion.apply({"host": {"weave.host_present": [{"file": str(file)}]}})
    assert did["host"]["changes"] == {"peers": {"old": ["192.0.2.2"], "new": ["192.0.2.3"]}}
    assert flood(minion) == ["192.0.2.3"]

    fleet = {
        "hosts": {"one": {"address": "192.0.2.1"}, "other": {"address": "192.0.2.4", "weave_ip": "10.2.1.8/24"}},
        "containers": {web.target: {"host": "one", "ip": "10.2.1.5/24"}},
    }
    (minion.root / "states/fleet.yaml").write_text(json.dumps(fleet))
    states = {"fleet": {"weave.fleet_applied": [{"file": "salt://fleet.yaml"}, {"host": "one"}]}}
    would = minion.apply(states, test=True)
    assert flood(minion) == ["192.0.2.3"]
    did = minion.apply(states)
    assert would["fleet"]["changes"] == did["fleet"]["changes"]
    assert did["fleet"]["comment"].startswith("Brought the host to its part of the fleet's document, since these ")
    assert flood(minion) == ["192.0.2.4"]
    assert web.addresses("ethwe") == ["10.2.1.5/24"]


def test_what_another_state_took_is_made_again_at_the_end(minion: Minion) -> None:
    web = minion.host.container("web")
    told = minion.apply(
        {
            "router": {"weave.router_launched": [{"peers": "192.0.2.2"}]},
            web.target: {"weave.attached": [{"ips": "10.2.1.1/24"}, {"listen": [{"weave": "taken"}]}]},
            "taken": {"weave.detached": [{"container": web.target}]},
        }
    )
    assert told[f"listener_{web.target}"]["changes"]
    assert web.addresses("ethwe") == ["10.2.1.1/24"]


def test_what_comes_before_a_change_comes_only_then(minion: Minion) -> None:
    states = {
        "router": {"weave.router_launched": []},
        "before": {"test.succeed_with_changes": [{"prereq": [{"weave": "host"}]}]},
        "host": {"weave.exposed": [{"ips": "10.2.1.9/24"}, {"require": [{"weave": "router"}]}]},
    }
    minion.apply({"router": states["router"]})
    empty = minion.host.state()
    would = minion.apply(states, test=True)
    assert (would["before"]["result"], would["host"]["result"]) == (None, None)
    assert minion.host.state() == empty
    did = minion.apply(states)
    assert did["before"]["changes"]
    assert minion.host.addresses("weave") == ["10.2.1.9/24"]
    again = minion.apply(states)
    assert {key: state["changes"] for key, state in again.items()} == {key: {} for key in states}
