"""Puppet on a host of the lab, with a configuration of its own."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from engine import Engine
from lab import Host

MODULES = Path(__file__).parents[3] / "examples" / "puppet"
# What stands in these is never to be read anywhere.
SECRETS = ("s3cr3t-of-env", "s3cr3t-of-line", "s3cr3t-of-document")


@dataclass
class Run:
    """What a run of Puppet came to."""

    code: int
    text: str

    def says(self, *texts: str | tuple[str, str]) -> None:
        """Find all of that in what it printed; of two, Puppet 8 says the second."""
        for text in texts:
            either = (text,) if isinstance(text, str) else text
            assert any(one in self.text for one in either), f"not said: {text}\n{self.text}"


def noop(what: str, before: str, after: str, newer: str) -> tuple[str, str]:
    """Return how Puppet 7 says what would be done, and how Puppet 8 does."""
    return f"{what}: current_value {before}, should be {after}", f"{what}: {newer}"


class Puppet:
    """One host's Puppet."""

    def __init__(self, host: Host, directory: Path, engine: Engine | None = None) -> None:
        """Make its directories."""
        self.host = host
        self.engine = engine
        self.directory = directory
        self.modules = directory / "modules"
        self.modules.mkdir(parents=True)
        (directory / "conf").mkdir()

    def run(self, *words: str, path: str = "") -> Run:
        """Run one of its commands on the host; no secret may be in anything it leaves."""
        env = {"LC_ALL": "C.UTF-8", **({"PATH": path} if path else {})}
        env["DOCKER_HOST"] = self.engine.address if self.engine else "unix:///nonexistent"
        settings = ["--confdir", str(self.directory / "conf"), "--vardir", str(self.directory / "var"), "--color=false"]
        settings += ["--modulepath", f"{MODULES}:{self.modules}"]
        done = self.host.run("puppet", words[0], *settings, *words[1:], env=env)
        text = done.stdout + done.stderr
        written = [path for path in (self.directory / "var").rglob("*") if path.is_file()]
        for secret in SECRETS:
            assert secret not in text, text
            assert not any(secret.encode() in path.read_bytes() for path in written), secret
        return Run(done.returncode, text)

    def apply(self, manifest: str, *, noop: bool = False) -> Run:
        """Apply a manifest, with everything that Puppet can tell of it."""
        file = self.directory / "site.pp"
        file.write_text(manifest)
        words = ["--detailed-exitcodes", "--debug", "--report", "--reports", "store"]
        strict = ["--strict", "error", "--strict_variables"]
        return self.run("apply", *words, *strict, *(["--noop"] if noop else []), str(file))

    def four(self, manifest: str) -> Run:
        """Noop, apply, noop, apply: would change, changes, nothing, nothing; noop touches nothing. Return the first."""
        self.host.settle()
        before = self.host.state()
        would = self.apply(manifest, noop=True)
        assert would.code == 0, would.text
        assert "(noop)" in would.text, would.text
        assert self.host.state() == before
        did = self.apply(manifest)
        assert did.code == 2, did.text
        self.host.settle()
        after = self.host.state()
        again = self.apply(manifest, noop=True)
        assert "(noop)" not in again.text, again.text
        assert self.apply(manifest).code == 0
        assert self.host.state() == after
        return would

    def resource(self, *words: str) -> str:
        """Return what `puppet resource` prints."""
        done = self.run("resource", *words)
        assert done.code == 0, done.text
        return re.sub(r" +=>", " =>", done.text)

    def fact(self, name: str, path: str = "") -> object:
        """Return a fact, or nothing; what there is not is shown as an empty text."""
        done = self.run("facts", "show", "--render-as", "json", name, path=path)
        return json.loads(done.text[done.text.index("{") : done.text.rindex("}") + 1]).get(name) or None
