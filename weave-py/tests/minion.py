"""Salt without a master on a host of the lab: real ``salt-call``, with all that it has in one directory."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import Engine
from lab import Host
from paths import TARGET

#: The lines of Salt that it is tested with, as `.ci/salt` installs them.
SALTS = ["3006", "3008"]

Told = dict[str, dict[str, Any]]


class Minion:
    """Salt of one version on one host."""

    def __init__(self, salt: str, host: Host, directory: Path, name: str = "minion") -> None:
        """Write its configuration into ``directory``; ``name`` is the minion's id."""
        self.host = host
        self.root = directory / name
        self.bin = TARGET / f"salt-{salt}" / "bin"
        assert (self.bin / "salt-call").exists(), f"Salt {salt} is missing: run .ci/salt"
        self.engine: Engine | None = None
        for part in ("etc/minion.d", "states", "pillar"):
            (self.root / part).mkdir(parents=True)
        self.configure("minion", {"file_client": "local"})
        self.configure(
            "minion.d/lab.conf",
            {
                "id": name,
                "root_dir": str(self.root),
                "file_roots": {"base": [str(self.root / "states")]},
                "pillar_roots": {"base": [str(self.root / "pillar")]},
                # What Salt asks the network and the hardware at each start.
                "enable_fqdns_grains": False,
                "enable_gpu_grains": False,
            },
        )

    def configure(self, file: str, data: Any) -> None:
        """Write a file of its configuration; JSON is YAML."""
        (self.root / "etc" / file).write_text(json.dumps(data))

    def pillar(self, data: Any) -> None:
        """Give it data."""
        (self.root / "pillar/top.sls").write_text(json.dumps({"base": {"*": ["data"]}}))
        (self.root / "pillar/data.sls").write_text(json.dumps(data))

    def run(
        self, *words: str, env: dict[str, str] | None = None, before: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run salt-call with these words; ``before`` is a program that runs it."""
        # Without an engine of its own, the machine's must not be asked.
        docker = self.engine.env if self.engine else {"DOCKER_HOST": f"unix://{self.root}/no.sock"}
        command = [str(self.bin / "salt-call"), "--local", "--config-dir", str(self.root / "etc"), *words]
        return self.host.run(*before, *command, env={**docker, **(env or {})})

    def call(self, function: str, *words: str) -> Any:
        """Call a function and return what it returns."""
        done = self.run("--out", "json", function, *words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["local"]

    def refused(self, function: str, *words: str, before: Sequence[str] = ()) -> str:
        """Call a function that has to fail, and return what it says."""
        done = self.run(function, *words, before=before)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def apply(self, states: str | Any = None, *, test: bool = False) -> Told:
        """Apply states (the text or the data of an sls file, or what the top file says); return them by their ids."""
        words = []
        if states is not None:
            (self.root / "states/lab.sls").write_text(states if isinstance(states, str) else json.dumps(states))
            words = ["lab"]
        done = self.run("--out", "json", "state.apply", *words, f"test={test}")
        assert done.stdout, done.stderr
        told = json.loads(done.stdout)["local"]
        assert isinstance(told, dict), told
        # Whether a state failed is what salt-call exits with.
        assert (done.returncode == 0) == all(state["result"] is not False for state in told.values()), told
        return {state["__id__"]: state for state in told.values()}

    def four(self, states: str | Any = None) -> Told:
        """Test, apply, test, apply: would change, changed, nothing to do twice; a test touches nothing.

        Returns what applying told. A state that needs what another one of them makes need not know its changes.
        """
        self.host.settle()
        before = self.host.state()
        would = self.apply(states, test=True)
        assert {key: state["result"] for key, state in would.items()} == dict.fromkeys(would), would
        assert self.host.state() == before
        did = self.apply(states)
        for key, state in did.items():
            assert state["result"] is True, state
            assert state["changes"], state
            if "other states of this run" not in would[key]["comment"]:
                # What several states ask for, the first of them has done.
                assert would[key]["changes"].keys() >= state["changes"].keys(), (would[key], state)
        for test in (True, False):
            again = self.apply(states, test=test)
            left = {key: (state["result"], state["changes"]) for key, state in again.items()}
            assert left == dict.fromkeys(did, (True, {})), again
        return did


__all__ = ["SALTS", "Minion", "Told"]
