"""The examples are run as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lab import Host
from paths import EXAMPLES

JOIN, DRIFT = (str(EXAMPLES / "python" / name) for name in ("join.py", "drift.py"))


def test_join_does_what_the_document_says(host: Host, tmp_path: Path) -> None:
    web = host.container("web")
    file = tmp_path / "host.yaml"
    file.write_text(json.dumps({"peers": ["192.0.2.2"], "containers": {web.target: {"ips": "10.2.1.4/24"}}}))
    done = host.run(sys.executable, JOIN, str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"containers.{web.target} ips: None -> ['10.2.1.4/24']" in done.stdout.splitlines()
    assert web.addresses("ethwe") == ["10.2.1.4/24"]
    done = host.run(sys.executable, JOIN, str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_join_tells_all_that_failed(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "host.yaml"
    containers = {f"netns:/{name}": {"ips": f"10.2.1.{number}/24"} for number, name in enumerate("ab", 1)}
    file.write_text(json.dumps({"peers": ["192.0.2.2"], "containers": containers}))
    done = host.run(sys.executable, JOIN, str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert "netns:/a: does not exist" in done.stderr
    assert "netns:/b: does not exist" in done.stderr
    assert "" not in done.stderr.splitlines()
    assert "weave" in host.links()


def test_drift_is_told_and_left_as_it_is(host: Host, tmp_path: Path) -> None:
    web = host.container("web")
    file = tmp_path / "host.yaml"
    file.write_text(json.dumps({"peers": ["192.0.2.2"], "containers": {web.target: {"ips": "10.2.1.4/24"}}}))
    host.call("apply", file=str(file))
    done = host.run(sys.executable, DRIFT, str(file))
    assert (done.returncode, done.stdout) == (0, "as the document says\n"), done.stderr
    watch = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{host.name}", sys.executable, DRIFT, "--every", "0.05", str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "WEAVE_RUN_DIR": str(host.run_dir)},
    )
    try:
        assert watch.stdout
        assert watch.stdout.readline() == "as the document says\n"
        web.sh("ip", "address", "delete", "10.2.1.4/24", "dev", "ethwe")
        drifted = host.state()
        assert watch.stdout.readline() == f"containers.{web.target} ips: None instead of ['10.2.1.4/24']\n"
    finally:
        watch.terminate()
        watch.communicate()
    assert host.run(sys.executable, DRIFT, str(file)).returncode == 2
    assert host.state() == drifted
