"""The role on a host like those of RHEL, where packages come through dnf, four times in each of its ways, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Host
from rocky import Rocky
from stage import COMMAND, SYSTEM_PYTHON, WHEEL, Played, Stage, of_tarball, of_wheel

#: What a release of nftables is called there, and of pip.
NFTABLES = "nftables-1.0.6-1.el9."
PIP = "python3-pip-21.3.1-1.el9."
DOCUMENT = "/etc/weave/host.yaml"


@pytest.fixture
def rocky(host: Host, tmp_path: Path) -> Iterator[Rocky]:
    """Start the host's machine, which has no packages, and nothing of weave."""
    with Rocky(host, tmp_path) as started:
        yield started


@pytest.fixture
def bare(stage: Stage, rocky: Rocky) -> Stage:
    """Return the host with that machine; Ansible finds out by itself what it is."""
    stage.python = SYSTEM_PYTHON
    stage.spaces = rocky.spaces
    return stage


def four(stage: Stage, rocky: Rocky, **options: Any) -> list[dict[str, Any]]:
    """Check, apply, check, apply: changed, changed, unchanged, unchanged, and a check touches nothing.

    Return what was changed.
    """
    packages, files = rocky.packages(), set(rocky.files())
    assert changes(play(stage, "--check", **options))
    assert rocky.packages() == packages
    assert set(rocky.files()) ^ files == set()
    did = changes(play(stage, **options))
    assert did
    assert changes(play(stage, "--check", "--diff", **options)) == []
    assert changes(play(stage, **options)) == []
    return did


def play(stage: Stage, *words: str, **options: Any) -> Played:
    """Run the role, with the places that it has by itself."""
    given = {f"weave_install_{name}": value for name, value in options.items()}
    role = {"name": "weave", "ansible.builtin.include_role": {"name": "weave.net.install"}, "vars": given}
    played = stage.play(role, words=words)
    assert played.code == 0, played.text
    return played


def changes(played: Played) -> list[dict[str, Any]]:
    """Return the results that are changes."""
    (results,) = played.results.values()
    return [result for result in results if result.get("changed")]


def installed(did: list[dict[str, Any]]) -> list[str]:
    """Return what dnf says that it has installed, without the architectures."""
    (said,) = (result["results"] for result in did if "results" in result)
    return sorted(line.removeprefix("Installed: ").rpartition(".")[0] + "." for line in said)


def own(files: list[str]) -> set[str]:
    """Return the paths of files and links, as the machine sees them."""
    return {line.split(" ")[1].removeprefix("/layers/upper") for line in files if line[0] in "fl"}


@pytest.mark.parametrize("controller", [of_tarball], indirect=True, ids=["old"])
def test_a_wheel_with_units(bare: Stage, rocky: Rocky) -> None:
    before = rocky.files()
    assert rocky.packages() == []
    (facts,) = (result["ansible_facts"] for result in bare.must({"ansible.builtin.setup": {}}).of(bare.hosts[0]))
    names = ("distribution", "distribution_major_version", "os_family", "pkg_mgr")
    assert [facts[f"ansible_{name}"] for name in names] == ["Rocky", "9", "RedHat", "dnf"]

    content = {"router": {}, "peers": ["192.0.2.2"]}
    did = four(bare, rocky, source=str(WHEEL), document=DOCUMENT, document_content=content)
    assert installed(did) == [NFTABLES, PIP]
    assert rocky.packages() == ["nftables", "python3-pip"]
    # Nothing else has written what is theirs.
    assert rocky.sh("rpm", "-V", "nftables", "python3-pip") == ""
    assert rocky.sh("/usr/local/bin/weave", "version").startswith("weave ")

    units = [f"/etc/systemd/system/{name}.service" for name in ("weave-net", "weave-watch")]
    assert rocky.sh("systemd-analyze", "--man=no", "verify", *units) == ""
    wanted = [unit.replace("system/", "system/multi-user.target.wants/") for unit in units]
    neighbour = "/etc/NetworkManager/conf.d/90-weave.conf"
    written = {DOCUMENT, neighbour, "/usr/local/bin/weave", *units, *wanted}
    assert written <= own(rocky.files()) - own(before)

    four(bare, rocky, state="absent")
    # The packages are the distribution's, and the document may be somebody else's.
    assert rocky.packages() == ["nftables", "python3-pip"]
    assert own(rocky.files()) ^ own(before) == {DOCUMENT, "/usr/sbin/nft", "/usr/bin/pip3"}


@pytest.mark.parametrize("controller", [of_wheel], indirect=True, ids=["new"])
def test_the_command_alone(bare: Stage, rocky: Rocky, host: Host) -> None:
    before = rocky.files()
    did = four(bare, rocky, source=str(COMMAND), method="command")
    assert installed(did) == [NFTABLES]
    assert rocky.packages() == ["nftables"]
    # The path that sudo sets on such hosts lacks /usr/local/bin, as that of this one does.
    bare.four("router", peers=["192.0.2.2"])
    assert "vxlan-6783" in host.links()
    assert "192.0.2.2" in rocky.sh("nft", "list", "table", "inet", "weave")
    bare.four("host", state="absent")
    four(bare, rocky, state="absent")
    assert rocky.packages() == ["nftables"]
    assert own(rocky.files()) ^ own(before) == {"/usr/sbin/nft"}
