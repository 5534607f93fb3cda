"""The module `router` with a router in a container, by the command, as on a target without the library."""

from __future__ import annotations

from pathlib import Path

from engine import Engine
from lab import Host
from router import ROUTER_IMAGE, asked, import_router, targets
from stage import SYSTEM_PYTHON, Controller, Stage, command_directory

SECRET = "s3cr3t-of-routers"


def test_a_router_in_a_container(controller: Controller, host: Host, engine: Engine, tmp_path: Path) -> None:
    stage = Stage(controller, [host], tmp_path, engines={host.name: engine.address})
    stage.python, stage.path = SYSTEM_PYTHON, command_directory(tmp_path / "bin")
    import_router(engine)
    before = host.state()
    password = tmp_path / "password"
    password.write_text(f"{SECRET}\n")
    password.chmod(0o600)
    options = {
        "kind": "image",
        "image": ROUTER_IMAGE,
        "password_file": str(password),
        "trusted_subnets": ["10.9.0.0/16"],
    }
    did = stage.four("router", peers=["192.0.2.2"], **options)
    assert (did["router"]["kind"], did["router"]["name"]) == ("image", "weave")
    assert targets(host) == ["192.0.2.2"]
    status = asked(host, "status")
    assert "Encryption: enabled" in status
    assert "TrustedSubnets: 10.9.0.0/16" in status
    assert [link["mtu"] for link in host.ip("link", "show", "vethwe-bridge")] == [1414]
    assert SECRET not in str(did)
    # Another argument is another container, which is told of the peers.
    former = engine.inspect("weave")["Id"]
    did = stage.four("router", args=["--log-level=debug"], **options)
    assert engine.inspect("weave")["Id"] != former
    assert engine.containers() == ["weave"]
    assert targets(host) == ["192.0.2.2"]
    assert SECRET not in str(did)
    did = stage.four("router", state="absent")
    assert did["router"] == {}
    assert engine.inspect("weave")["State"]["Status"] == "exited"
    stage.four("host", state="absent")
    assert engine.containers() == []
    assert host.state() == before
