"""Containers and images of a real engine, four times."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from engine import IMAGE, Engine, make_root
from lab import Host, Lab
from stage import ROOT, Stage, of_tarball, of_wheel, task

EXAMPLE = ROOT / "examples/ansible"


@pytest.fixture(params=[of_wheel, of_tarball], ids=["new", "old"])
def docked(request: pytest.FixtureRequest, host: Host, engine: Engine, tmp_path: Path) -> Stage:
    """Return a host with an engine, under each ansible-core."""
    return Stage(request.param(), [host], tmp_path, engines={host.name: engine.address})


def test_an_image_and_its_container(docked: Stage, host: Host, engine: Engine, tmp_path: Path) -> None:
    context = tmp_path / "context"
    make_root(context / "root")
    (context / "Dockerfile").write_text('FROM scratch\nCOPY root /\nARG WHO\nENV WHO=$WHO\nCMD ["sleep", "1000000"]\n')
    did = docked.four("image", tag="app:1", context=str(context), build_args={"WHO": "one"})
    assert did["image"]["id"] == engine.inspect("app:1")["Id"]
    assert did["image"]["why"] == "there is no image of that name"
    did = docked.four("image", tag="tools", content=f"FROM {IMAGE}\nENV TOOLS=yes\n", labels=["team=net"])
    assert did["image"]["id"] == engine.inspect("tools")["Id"]

    docked.must(task("router"), task("exposure", ips=["10.2.0.1/16"]))
    options = {"memory": "64m", "env": ["PASSWORD=correct-horse"], "hostname": "app.example.com"}
    did = docked.four("container", name="app", image="app:1", ips=["10.2.1.4/16"], options=options)
    assert did["container"]["ips"] == ["10.2.1.4/16"]
    assert host.pings("10.2.1.4")
    assert engine.docker("exec", "app", "env").count("PASSWORD=correct-horse") == 1
    assert "correct-horse" not in str(did)
    # In place: it is still the same container.
    former = engine.inspect("app")["Id"]
    did = docked.four("container", name="app", image="app:1", ips=["10.2.1.4/16"], options={**options, "memory": "96m"})
    assert [side["containers.app"]["memory"] for side in did["diff"].values()] == [64 << 20, 96 << 20]
    assert engine.inspect("app")["Id"] == former
    # Made anew, with a list of words and a line as its command; it is stopped by the same task.
    words = ["--memory=96m", "-h app.example.com"]
    docked.four("container", name="app", image="tools", ips=["10.2.1.5/16"], options=words, command="sleep 5000")
    assert engine.inspect("app")["Id"] != former
    assert host.pings("10.2.1.5")
    failed = docked.fails("container", name="app", image="tools", options="--memory=lots")
    assert failed["msg"].startswith("run: options: --memory: `lots` is no size; allowed: ")
    assert failed["subject"] == "options"
    docked.four("container", name="app", image="tools", options=words, command="sleep 5000", run_state="stopped")
    assert engine.docker("ps", "--format", "{{.Names}}").split() == []
    did = docked.four("container", name="app", state="absent")
    assert (did["container"], engine.containers()) == ({}, [])


def test_latest_asks_for_the_image_anew(docked: Stage, engine: Engine) -> None:
    # There is no registry to ask, and the engine says so; without `latest` it is not asked.
    name = "registry.invalid:5000/app"
    engine.docker("tag", IMAGE, name)
    docked.four("container", name="app", image=name)
    failed = docked.play(task("container", name="app", image=name, state="latest"))
    assert failed.code == 2, failed.text
    assert failed.of(docked.hosts[0])[0]["kind"] == "docker"
    assert engine.containers() == ["app"]


def test_the_example_joins_the_containers_of_two_hosts(tmp_path: Path) -> None:
    lab = Lab(2, tmp_path)
    with ExitStack() as stack:
        stack.callback(lab.remove)
        engines = [stack.enter_context(Engine(host, bridge="none")) for host in lab.hosts]
        play_the_example(lab.hosts, engines, tmp_path)


def play_the_example(hosts: list[Host], engines: list[Engine], directory: Path) -> None:
    names = ["dockerhost001", "dockerhost002"]
    listen = {host.name: engine.address for host, engine in zip(hosts, engines)}
    stage = Stage(of_wheel(), hosts, directory, engines=listen)
    # The example as it is; only how its hosts are reached is the lab's.
    words = [str(EXAMPLE / "fleet.yml"), "-i", str(EXAMPLE / "inventory.yml"), "-i", str(stage.inventory(names))]
    for more, changed in ((["--check", "--diff"], True), ([], True), (["--check", "--diff"], False), ([], False)):
        played = stage.playbook(*words, *more)
        assert played.code == 0, played.text
        assert [[result["changed"] for result in played.results[name]] for name in names] == [[changed], [changed]]
        if more and changed:
            assert [engine.containers() for engine in engines] == [[], []]
            assert '+        "ips": [' in played.text
    pings = [("pg.example.com", "10.0.1.31"), ("rt.example.com", "10.0.1.21")]
    for engine, (name, address) in zip(engines, pings):
        assert engine.pings(name, address)
