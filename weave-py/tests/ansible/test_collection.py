"""What the collection says of itself, and how it is shipped."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

import weave_py
from stage import ROOT, TARGET, Controller

COLLECTION = ROOT / "weave-py/python/ansible_collections/weave/net"
MODULES = sorted(path.stem for path in (COLLECTION / "plugins/modules").glob("*.py"))


def documented(controller: Controller) -> dict[str, Any]:
    """Return the documentation of all modules."""
    done = controller.run("ansible-doc", "--json", *(f"weave.net.{name}" for name in MODULES))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return {name.rpartition(".")[2]: entry for name, entry in found.items()}


def test_the_version_is_that_of_the_workspace() -> None:
    (workspace,) = re.findall(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    (galaxy,) = re.findall(r"^version: (.*)", (COLLECTION / "galaxy.yml").read_text(), re.MULTILINE)
    assert galaxy == workspace == weave_py.__version__


def test_every_module_is_documented(controller: Controller) -> None:
    found = documented(controller)
    assert sorted(found) == MODULES
    for name, entry in found.items():
        assert entry["examples"].strip(), name
        assert entry["return"], name
        attributes = entry["doc"]["attributes"]
        assert {attributes[one]["support"] for one in ("check_mode", "idempotent")} == {"full"}, name
        reads = name in {"info", "preflight"}
        assert attributes["diff_mode"]["support"] == ("N/A" if reads else "full"), name
    printed = controller.run("ansible-doc", *(f"weave.net.{name}" for name in MODULES))
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.count("EXAMPLES:") == len(MODULES)
    role = controller.run("ansible-doc", "-t", "role", "weave.net.install")
    assert "weave_install_source" in role.stdout, role.stderr


def test_options_are_the_arguments_of_operations(controller: Controller) -> None:
    operations = {
        "router": ("launch",),
        "peer": ("connect", "forget"),
        "attachment": ("attach", "detach"),
        "exposure": ("expose", "hide"),
        "publication": ("publish", "unpublish"),
        "container": ("run", "remove"),
        "image": ("build",),
        "preflight": ("preflight",),
    }
    found = documented(controller)
    for module, names in operations.items():
        wanted = {name for each in names for name in inspect.signature(getattr(weave_py, each)).parameters} - {"check"}
        if len(names) > 1 or module == "router":
            wanted.add("state")
        if module == "container":
            # `state` says whether it is there, as everywhere in this collection.
            wanted = wanted - {"ensure"} | {"run_state"}
        assert set(found[module]["doc"].get("options", {})) == wanted, module


def test_the_group_has_every_module() -> None:
    text = (COLLECTION / "meta/runtime.yml").read_text()
    assert re.findall(r"^    - (.*)", text, re.MULTILINE) == MODULES


def test_it_is_listed_where_it_is_installed(controller: Controller) -> None:
    done = controller.run("ansible-galaxy", "collection", "list", "weave.net")
    assert re.search(rf"^weave\.net +{re.escape(weave_py.__version__)}", done.stdout, re.MULTILINE), done.stderr


def test_the_wheel_has_all_of_it() -> None:
    tracked = subprocess.run(["git", "ls-files", "."], cwd=COLLECTION, capture_output=True, text=True, check=True)
    files = {f"ansible_collections/weave/net/{name}" for name in tracked.stdout.split()}
    (wheel,) = TARGET.glob("wheels/weave_py-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.startswith("ansible_collections/")}
    # A file `__init__.py` on the way would shut out the collections of others.
    assert shipped == files


@pytest.mark.parametrize("path", sorted(COLLECTION.glob("plugins/**/*.py")), ids=lambda path: path.stem)
def test_modules_are_written_for_old_pythons(path: Path) -> None:
    # A target with an old Python has the command, and its modules have to run there.
    text = path.read_text()
    words = {
        "f-string": r"""\bf["']""",
        "annotation": r"\) -> |: [A-Za-z]+ = ",
        "walrus": ":=",
        "only by name": r"\*, ",
    }
    assert [name for name, word in words.items() if re.search(word, text)] == []
    assert text.isascii()
    compile(text, path, "exec")
