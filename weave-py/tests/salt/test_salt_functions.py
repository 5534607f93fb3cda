"""The execution module and the grain: found as they are installed, with the library's names and arguments."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import weave_py
from minion import Minion


def test_salt_finds_them_without_a_copy(minion: Minion) -> None:
    names = minion.call("sys.list_functions", "weave")
    assert names == sorted(f"weave.{name}" for name in weave_py.OPERATIONS)
    assert "weave.fleet_applied" in minion.call("sys.list_state_functions", "weave")
    copies = [path for path in minion.root.rglob("*") if "weave" in path.name or "extmods" in path.name]
    assert [path for path in copies if path.is_file()] == []
    for name, text in minion.call("sys.doc", "weave").items():
        assert "CLI Example:" in text, name
        assert f" {name}" in text.split("CLI Example:")[1], name


def test_their_arguments_are_those_of_the_library(minion: Minion) -> None:
    asked = minion.call("sys.argspec", "weave")
    states = minion.call("sys.state_argspec", "weave")
    for name in weave_py.OPERATIONS:
        parameters = inspect.signature(getattr(weave_py, name)).parameters
        wanted = ["test" if parameter == "check" else parameter for parameter in parameters]
        if name == "apply":
            # A file is a document that is a path.
            wanted.insert(1, "file")
        assert asked[f"weave.{name}"]["args"] == (wanted or None), name
    same = {
        "router_launched": "launch",
        "peers_present": "connect",
        "peers_absent": "forget",
        "attached": "attach",
        "detached": "detach",
        "exposed": "expose",
        "hidden": "hide",
        "published": "publish",
        "unpublished": "unpublish",
        "container_running": "run",
        "container_absent": "remove",
        "image_built": "build",
        "router_stopped": "stop",
        "absent": "reset",
        "fleet_applied": "apply",
    }
    for state, name in same.items():
        # Salt itself has a use for `state`, and a container that runs is in one. States bring about whole documents.
        fields = {"name", *asked[f"weave.{name}"]["args"]} - {"test", "state", "only"}
        if state == "router_launched":
            # The router's own `name` is the state's.
            fields.add("container_name")
        assert set(states[f"weave.{state}"]["args"]) == fields, state


def test_functions_do_the_library_s_work(minion: Minion, tmp_path: Path) -> None:
    web = minion.host.container("web")
    before = minion.host.state()
    would = minion.call("weave.launch", "peers=192.0.2.2 192.0.2.3", "test=True")
    assert (would["changed"], would["check"]) == (True, True)
    assert minion.host.state() == before
    did = minion.call("weave.launch", "peers=[192.0.2.2, 192.0.2.3]")
    assert (did["changed"], did["changes"]) == (True, would["changes"])
    again = minion.call("weave.launch", "peers=192.0.2.2 192.0.2.3")
    assert (again["changed"], again["changes"]) == (False, [])
    assert minion.call("weave.attach", web.target, "10.2.1.4/24", "multicast=False")["changed"] is True
    assert web.addresses("ethwe") == ["10.2.1.4/24"]
    assert "224.0.0.0/4" not in web.sh("ip", "route")
    rows = {row["id"]: row["ips"] for row in minion.call("weave.ps")["result"]}
    assert rows == {"weave:expose": [], web.target: ["10.2.1.4/24"]}
    assert minion.call("weave.schema", "fleet")["result"]["$schema"].startswith("https://json-schema.org/")
    # What status tells is a document, too.
    state = minion.call("weave.status")["state"]
    assert minion.call("weave.apply", f"document={json.dumps(state)}")["changed"] is False
    file = tmp_path / "host.yaml"
    file.write_text(json.dumps({**state, "peers": ["192.0.2.4"]}))
    assert minion.call("weave.apply", f"file={file}")["state"]["peers"] == ["192.0.2.4"]


def test_a_minion_that_only_tests_touches_nothing(minion: Minion) -> None:
    minion.configure("minion.d/test.conf", {"test": True})
    before = minion.host.state()
    would = minion.call("weave.launch", "peers=192.0.2.2")
    assert (would["changed"], would["check"]) == (True, True)
    assert minion.host.state() == before
    # What is said goes before what is configured, and reading needs no leave.
    did = minion.call("weave.launch", "peers=192.0.2.2", "test=False")
    assert (did["changed"], did["check"]) == (True, False)
    assert minion.call("weave.status")["result"]["router"]["state"] == "running"
    assert minion.call("weave.reset")["check"] is True
    assert "weave" in minion.host.links()
    assert minion.call("weave.reset", "test=False")["changed"] is True
    assert minion.host.state() == before


def grain(minion: Minion, before: Sequence[str] = (), env: dict[str, str] | None = None) -> Any:
    """Return the grain, and see to it that nothing is said of it."""
    done = minion.run("--out", "json", "grains.get", "weave", before=before, env=env)
    assert done.returncode == 0, done.stderr
    assert "weave" not in done.stderr, done.stderr
    return json.loads(done.stdout)["local"]


def test_the_grain_tells_who_is_on_the_network(minion: Minion) -> None:
    empty: dict[str, Any] = {"version": weave_py.__version__, "engine": None, "peers": [], "ips": [], "containers": {}}
    assert grain(minion) == empty
    web = minion.host.container("web")
    document = {
        "peers": ["192.0.2.2"],
        "expose": "10.2.1.9/24",
        "containers": {web.target: {"ips": "10.2.1.4/24", "mac": "02:00:00:00:00:09"}},
    }
    minion.apply({"host": {"weave.host_present": [{"document": document}]}})
    told = {
        "container_id": web.target,
        "weave_mac": "02:00:00:00:00:09",
        "weave_ip": "10.2.1.4/24",
        "weave_ips": ["10.2.1.4/24"],
    }
    assert grain(minion) == {**empty, "peers": ["192.0.2.2"], "ips": ["10.2.1.9/24"], "containers": {web.target: told}}


def test_the_grain_is_silent_where_little_can_be_seen(minion: Minion) -> None:
    assert grain(minion, env={"DOCKER_HOST": "nowhere"}) == {"version": weave_py.__version__}
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    assert grain(minion, powerless)["version"] == weave_py.__version__
    assert "permission_denied: launch: " in minion.refused("weave.launch", before=powerless)


def test_without_the_library_salt_says_why(minion: Minion, tmp_path: Path) -> None:
    (tmp_path / "weave_py").mkdir()
    (tmp_path / "weave_py/__init__.py").write_text("raise ImportError('it was built for another machine')\n")
    env = {"PYTHONPATH": str(tmp_path)}
    done = minion.run("weave.version", env=env)
    assert done.returncode != 0
    assert "weave_py cannot be loaded by Salt's Python: it was built for another machine" in done.stderr
    assert minion.run("--out", "json", "grains.get", "weave", env=env).stdout.split() == ["{", '"local":', '""', "}"]
    (minion.root / "states/lab.sls").write_text("router:\n  weave.router_stopped: []\n")
    assert "it was built for another machine" in minion.run("state.apply", "lab", env=env).stdout
