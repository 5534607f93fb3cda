"""Manifests and data of 2014, as the readme of that time told people to write them, on two hosts with real engines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from puppet_run import Puppet, Run

from engine import Engine
from lab import Host

SITE = Path(__file__).with_name("2014")
# Images by the names in the data.
IMAGES = ("pg.example.com", "drupal", "haproxy")
ROLE = "include role::docker_host"


@pytest.fixture
def puppets(two: list[Host], tmp_path: Path) -> Iterator[list[Puppet]]:
    """Two hosts with engines, each with the site's modules, data and a name of its own."""
    made: list[Puppet] = []
    with ExitStack() as stack:
        engines = [stack.enter_context(Engine(host)) for host in two]
        for number, (host, engine) in enumerate(zip(two, engines), 1):
            puppet = Puppet(host, tmp_path / f"puppet{number}", engine)
            made.append(puppet)
            shutil.copytree(SITE / "modules", puppet.modules, dirs_exist_ok=True)
            shutil.copytree(SITE / "hieradata", puppet.directory / "conf" / "hieradata")
            shutil.copy(SITE / "hiera.yaml", puppet.directory / "conf" / "hiera.yaml")
            settings = f"[main]\ncertname = dockerhost00{number}.example.com\n"
            (puppet.directory / "conf" / "puppet.conf").write_text(settings)
            for file in (puppet.directory / "conf" / "hieradata").rglob("*.yaml"):
                # The machine's own /data is not a lab's to fill.
                file.write_text(file.read_text().replace("/data/", f"{puppet.directory}/data/"))
            for image in IMAGES:
                engine.image(image)
        # One is run by hand, and only attached by weave.
        engines[1].docker("run", "-d", "--name", "legacy", "drupal")
        yield made


def everywhere(puppets: list[Puppet], manifest: str) -> list[Run]:
    """Run four times on all hosts at once."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda puppet: puppet.four(manifest), puppets))


def test_the_role_of_2014(puppets: list[Puppet]) -> None:
    before = [puppet.host.state() for puppet in puppets]
    one, other = everywhere(puppets, ROLE)
    one.says("Weave_router[weave]", "Weave_container[pg.example.com]", "Weave_container[s01.example.com]")
    other.says("Weave_container[haproxy.example.com]", "Weave_attachment[legacy 10.0.1.41/24]")
    # What means nothing any more is accepted, and it is said why.
    one.says("weave::image: 'zettio/weave:0.8' is not used: the kernel carries the frames")
    other.says(
        "weave::firewall::docker: is not used: the engine keeps its rules itself",
        "weave::firewall::weave: is not used: weave keeps its rules in a table of its own",
        "weave::firewall::dnat_published_port: 'web' is not used: the engine forwards the port",
        "-p 192.0.2.2:80:80/tcp",
    )

    first, second = (puppet.engine for puppet in puppets)
    assert first
    assert second
    fields = (".HostConfig.Memory", ".Config.Hostname", ".HostConfig.RestartPolicy.Name", "index .HostConfig.Binds 0")
    shown = " ".join(f"{{{{{field}}}}}" for field in fields)
    told = first.docker("inspect", "-f", shown, "pg.example.com").split()
    assert told[:3] == ["67108864", "pg.example.com", "always"]
    assert told[3].endswith("/data/etc/postgresql/pg.example.com:/etc/postgresql")
    told = first.docker("inspect", "-f", shown, "s01.example.com").split()
    assert told[3].endswith("/data/var/www/files/s01.example.com:/var/www/files/s01.example.com")
    ports = second.docker("inspect", "-f", "{{.HostConfig.PortBindings}}", "haproxy.example.com")
    assert "80/tcp" in ports

    assert first.pings("pg.example.com", "10.0.1.31")
    assert first.pings("s01.example.com", "10.0.1.31")
    assert second.pings("haproxy.example.com", "10.0.1.16")
    assert second.pings("legacy", "10.0.1.11")
    assert [puppet.host.addresses("weave") for puppet in puppets] == [["10.0.0.1/16"], ["10.0.0.2/16"]]
    assert puppets[0].host.pings("10.0.0.2")
    # What is new is merged through all layers.
    assert "inet 10.0.1.42/24" in second.docker("exec", "legacy", "ip", "addr")
    for puppet in puppets:
        assert [link["mtu"] for link in puppet.host.ip("link", "show", "weave")] == [1400]
        assert [link["linkinfo"]["info_data"]["id"] for link in puppet.host.ip("link", "show", "vxlan-6783")] == [4711]
    facts = puppets[0].fact("docker_hosted_containers")
    assert isinstance(facts, dict)
    assert {"pg.example.com", "s01.example.com"} <= facts.keys()

    absent = "weave::ensure: absent\n"
    for puppet in puppets:
        (puppet.directory / "conf" / "hieradata" / "defaults.yaml").write_text(absent)
    everywhere(puppets, ROLE)
    # Containers go on running.
    made = (["pg.example.com", "s01.example.com"], ["haproxy.example.com"])
    for puppet, state, containers in zip(puppets, before, made):
        engine = puppet.engine
        assert engine
        assert set(containers) <= set(engine.docker("ps", "--format", "{{.Names}}").split())
        assert "weave" not in puppet.host.sh("ip", "link")
        engine.docker("rm", "-f", *containers)
        puppet.host.settle()
        assert puppet.host.state() == state
