"""The type `weave_router` with a router in a container."""

from __future__ import annotations

from pathlib import Path

from puppet_run import Puppet, noop

from engine import Engine
from lab import Host
from router import ROUTER_IMAGE, import_router, targets

SETTINGS = f"kind => 'image', image => '{ROUTER_IMAGE}', ipalloc_range => '10.32.0.0/12', discovery => false"


def test_a_router_in_a_container(host: Host, tmp_path: Path) -> None:
    with Engine(host, bridge="none") as engine:
        import_router(engine)
        puppet = Puppet(host, tmp_path / "puppet", engine)
        before = host.state()
        puppet.four(f"weave_router {{ 'weave': {SETTINGS}, peers => '192.0.2.2' }}").says(
            noop("Weave_router[weave]/ensure", "'absent'", "present", "created: "),
        )
        assert targets(host) == ["192.0.2.2"]
        command = engine.inspect("weave")["Args"]
        assert "--no-discovery" in command
        assert command[command.index("--ipalloc-range") + 1] == "10.32.0.0/12"
        assert "kind => 'image'" in puppet.resource("weave_router")
        # Another setting is another container, which is told of the peers.
        puppet.four(f"weave_router {{ 'weave': {SETTINGS}, nickname => 'dock' }}").says(
            noop(
                "Weave_router[weave]/ensure", "'incomplete'", "present (router.command ", "completed: router.command "
            ),
            '"--nickname","dock"',
        )
        assert engine.inspect("weave")["Args"][command.index("--nickname") + 1] == "dock"
        assert targets(host) == ["192.0.2.2"]
        puppet.four("weave_router { 'weave': ensure => absent }")
        assert engine.inspect("weave")["State"]["Status"] == "exited"
        puppet.four("weave_host { 'this': ensure => absent }")
        assert engine.containers() == []
        assert host.state() == before
