"""Containers and images through a real engine, with docker and the kernel as the witnesses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from engine import IMAGE, REGISTRY, Engine
from minion import Minion

RUNNING = {"image": "busybox", "command": "sleep 1000000", "options": "--stop-signal=SIGKILL -v /data"}


def container(minion: Minion, name: str) -> Any:
    """Return what docker knows of a container."""
    assert minion.engine
    return minion.engine.inspect(name)


def arguments(**given: Any) -> list[dict[str, Any]]:
    """Return arguments in the form of a state."""
    return [{key: value} for key, value in given.items()]


def test_an_image_and_its_containers(docked: Minion, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    shutil.copy(shutil.which("busybox") or "", context)
    (context / "Dockerfile").write_text(
        'FROM scratch\nARG TEXT\nCOPY busybox /bin/busybox\nENV TEXT=$TEXT\nCMD ["/bin/busybox", "sleep", "1000000"]\n'
    )

    def built(text: str) -> dict[str, Any]:
        return {"weave.image_built": arguments(context=str(context), build_args={"TEXT": text})}

    assert docked.engine
    did = docked.four({"web:7": built("one")})
    assert did["web:7"]["comment"].startswith("Built web:7, since these were not as asked: ")
    did = docked.four(
        {
            "router": {"weave.router_launched": []},
            "web:7": built("two"),
            "web": {"weave.container_running": arguments(image="web:7", ips="10.2.1.1/24")},
            "db": {"weave.container_running": arguments(**RUNNING, ips=["10.2.1.2/24"], attach="before_start")},
        }
    )
    assert did["web"]["changes"]["containers.web.ips"] == {"old": None, "new": ["10.2.1.1/24"]}
    assert "TEXT=two" in container(docked, "web")["Config"]["Env"]
    assert docked.engine.pings("db", "10.2.1.1")
    first = container(docked, "db")["Id"]
    changed = {"db": {"weave.container_running": arguments(**{**RUNNING, "command": "sleep 2000000"})}}
    docked.four({**changed, "web": {"weave.container_absent": []}})
    assert container(docked, "db")["Id"] != first
    assert container(docked, "db")["Config"]["Cmd"] == ["sleep", "2000000"]
    assert docked.engine.containers() == ["db"]


def test_a_container_restarts_when_what_it_watches_changes(docked: Minion, tmp_path: Path) -> None:
    file = tmp_path / "web.conf"
    watch = [{"file": str(file)}]

    def states(text: str) -> dict[str, Any]:
        return {
            "router": {"weave.router_launched": []},
            str(file): {"file.managed": arguments(contents=text)},
            "web": {"weave.container_running": arguments(**RUNNING, ips="10.2.1.1/24", watch=watch)},
        }

    docked.apply(states("one"))
    before = container(docked, "web")
    assert docked.apply(states("one"))["web"]["changes"] == {}
    assert container(docked, "web")["State"]["StartedAt"] == before["State"]["StartedAt"]
    changes = {"containers.web.state": {"old": "running", "new": "restarted"}}
    would = docked.apply(states("two"), test=True)["web"]
    assert (would["result"], would["changes"]) == (None, changes)
    assert container(docked, "web")["State"]["StartedAt"] == before["State"]["StartedAt"]
    did = docked.apply(states("two"))["web"]
    assert (did["result"], did["changes"]) == (True, changes)
    after = container(docked, "web")
    assert after["Id"] == before["Id"]
    assert after["State"]["StartedAt"] > before["State"]["StartedAt"]
    # A container that starts has a new network namespace, and finds its address there.
    assert docked.engine
    assert "10.2.1.1/24" in docked.engine.docker("exec", "web", "ip", "address")
    # The grain tells of the container, and nothing of how it is run.
    grain = docked.call("grains.get", "weave")
    assert list(grain["containers"]) == ["web"]
    assert grain["engine"]
    assert "sleep" not in json.dumps(grain)


def test_the_newest_image_of_a_registry(docked: Minion) -> None:
    assert docked.engine
    docked.engine.start_registry()
    image = f"{REGISTRY}/web"
    publish(docked.engine, image, "one")
    running = arguments(**{**RUNNING, "image": image}, ensure="latest")
    docked.apply({"web": {"weave.container_running": running}})
    assert container(docked, "web")["Config"]["Labels"]["version"] == "one"
    publish(docked.engine, image, "two")
    # The engine has the older one under that name, as it would on another host.
    docked.engine.docker("tag", f"{image}:one", image)
    docked.four({"web": {"weave.container_running": running}})
    assert container(docked, "web")["Config"]["Labels"]["version"] == "two"


def publish(engine: Engine, image: str, version: str) -> None:
    """Push an image, and keep it under the name of its version."""
    label = ("--change", f"LABEL version={version}")
    made = engine.docker("create", IMAGE)
    engine.docker("commit", *label, made, f"{image}:{version}")
    engine.docker("rm", made)
    engine.docker("tag", f"{image}:{version}", image)
    engine.docker("push", image)
