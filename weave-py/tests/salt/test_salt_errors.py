"""What fails says why, names the field, and leaves the host as it was."""

from __future__ import annotations

from typing import Any

from lab import Space
from minion import Minion


def test_each_state_says_what_is_wrong_and_touches_nothing(minion: Minion, tmp_path: Any) -> None:
    web = minion.host.container("web")
    foreign = minion.host.container("foreign")
    foreign.sh("ip", "link", "add", "ethwe", "type", "bridge")
    minion.apply({"router": {"weave.router_launched": [{"peers": "192.0.2.2"}]}})
    before = minion.host.state()
    wrong: dict[str, tuple[str, list[dict[str, Any]], list[str]]] = {
        "port": ("router_launched", [{"port": 70000}], ["invalid_spec: launch: port: ", "70000", "1 to 65535"]),
        "peer": ("peers_present", [{"peers": ["192.0.2.2", "a/b"]}], ["invalid_spec: connect: peers[1]", "`a/b`"]),
        "prefix": ("attached", [{"container": web.target}, {"ips": "10.2.1.4"}], ["invalid_spec: ", "ips", "prefix"]),
        "stranger": ("attached", [{"container": foreign.target}, {"ips": "10.2.1.4/24"}], ["conflict: ", "\n  hint: "]),
        "computed": ("detached", [{"container": web.target}, {"ips": []}], ["detach: ips: is empty; leave it out"]),
        "none": ("hidden", [{"ips": []}], ["invalid_spec: hide: ips: is empty; leave it out to take all away"]),
        "nobody": ("attached", [{"container": "netns:/no"}, {"ips": "10.2.1.4/24"}], ["not_found: attach: netns:/no"]),
        "ensure": (
            "container_running",
            [{"image": "busybox"}, {"ensure": "absent"}],
            ["invalid_spec: ensure: `absent`", "allowed: present, latest", "weave.container_absent"],
        ),
        "web": ("container_running", [{"image": "busybox"}], ["docker: run: ", "no.sock"]),
        "db": (
            "container_running",
            [{"image": "busybox"}, {"options": {"memry": "1g"}}],
            ["invalid_spec: ", "options", "memry", "memory"],
        ),
        "nothing": ("host_present", [], ["invalid_spec: apply: ", "document"]),
        "both": ("host_present", [{"document": {}}, {"file": "/x"}], ["invalid_spec: apply: ", "one of the two"]),
        "no file": ("host_present", [{"file": str(tmp_path / "x")}], ["not_found: apply: ", "no such file"]),
        "not served": ("fleet_applied", [{"file": "salt://x.yaml"}], ["invalid_spec: file: `salt://x.yaml`"]),
        "document": (
            "host_present",
            [{"document": {"rooter": {}, "peers": ["a/b"], "containers": {"db": {"ips": "10.2.1.4"}}}}],
            [
                "invalid_spec: apply: document.rooter: ",
                "\n  rooter: `rooter` is no field here; ",
                "(hint: did you mean `router`?)",
                "\n  peers[0]: `a/b` ",
                "\n  containers.db.ips: ips: `10.2.1.4` has no prefix length",
            ],
        ),
        "host": (
            "fleet_applied",
            [{"document": {"hosts": {"one": {"address": "192.0.2.1"}}, "containers": {}}}, {"host": "two"}],
            ["host", "`two`", "one"],
        ),
    }
    states = {key: {f"weave.{state}": arguments} for key, (state, arguments, _) in wrong.items()}
    for test in (True, False):
        told = minion.apply(states, test=test)
        for key, (_, _, texts) in wrong.items():
            state = told[key]
            # One that is not there may still come, when the states before it are more than tested.
            maybe = test and key == "nobody"
            assert (state["result"], state["changes"]) == (None if maybe else False, {}), state
            for text in texts:
                assert text in state["comment"], (text, state["comment"])
        assert minion.host.state() == before


def test_a_mistyped_argument_is_named(minion: Minion) -> None:
    done = minion.run("state.single", "weave.attached", "web", "ips=10.2.1.4/24", "ipz=10.2.1.5/24")
    assert done.returncode != 0
    assert "ipz" in done.stdout + done.stderr


def test_a_document_of_which_a_part_fails_says_what_was_done(minion: Minion) -> None:
    web = minion.host.container("web")
    containers = {
        web.target: {"ips": "10.2.1.1/24"},
        "netns:/a": {"ips": "10.2.1.2/24"},
        "netns:/b": {"ips": "10.2.1.3/24"},
    }
    states = {"host": {"weave.host_present": [{"document": {"peers": ["192.0.2.2"], "containers": containers}}]}}
    would = minion.apply(states, test=True)["host"]
    did = minion.apply(states)["host"]
    for state in (would, did):
        assert state["result"] is False
        assert state["changes"]["peers"] == {"old": [], "new": ["192.0.2.2"]}
        assert [line.split(": ")[:3] for line in state["comment"].splitlines() if not line.startswith(" ")] == [
            ["not_found", "apply", "netns:/a"],
            ["not_found", "apply", "netns:/b"],
        ]
    assert web.addresses("ethwe") == ["10.2.1.1/24"]


def test_functions_fail_with_text_and_hint(minion: Minion) -> None:
    assert "Error running 'weave.launch': invalid_spec: launch: port: 70000" in minion.refused(
        "weave.launch", "port=70000"
    )
    minion.call("weave.launch")
    space = Space(f"{minion.host.name}-other")
    minion.host.containers.append(space)
    space.sh("ip", "link", "add", "ethwe", "type", "bridge")
    told = minion.refused("weave.attach", space.target, "10.2.1.4/24")
    assert "conflict: attach: " in told
    assert "  hint: " in told
    assert "ips" in minion.refused("weave.attach", space.target)
