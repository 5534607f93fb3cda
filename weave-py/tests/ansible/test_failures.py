"""A task that fails names the field and what to do, and leaves the host as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import Host
from stage import Stage, command_directory, task

SECRET = "correct-horse-battery"


def test_a_wrong_field_is_named(stage: Stage) -> None:
    failed = stage.fails("router", peers=["192.0.2.2", "bad peer!"])
    assert failed["msg"].startswith("launch: peers[1]: `bad peer!` is neither an address nor a host name; allowed: ")
    assert (failed["kind"], failed["subject"]) == ("invalid_spec", "peers[1]")


def test_everything_that_is_wrong_with_a_document_is_named(stage: Stage, tmp_path: Path) -> None:
    failed = stage.fails("host", document={"peerz": [], "containers": {"web": {"ips": ["10.2.1.4"]}}})
    assert failed["msg"].startswith("apply: document.peerz: `peerz` is no field here; allowed: ensure, router, ")
    assert failed["hint"] == "did you mean `peers`?"
    assert failed["msg"].endswith("Hint: did you mean `peers`?")
    assert [finding["subject"] for finding in failed["findings"]] == ["peerz", "containers.web.ips[0]"]
    file = tmp_path / "fleet.yaml"
    file.write_text("hosts:\n  one: {address: 192.0.2.1}\ncontainers:\n  web: {host: two, ip: 10.2.1.4/24}\n")
    failed = stage.fails("fleet", file=str(file), host="one")
    (finding,) = failed["findings"]
    assert (finding["file"], finding["line"], finding["subject"]) == (str(file), 4, "containers.web.host")


def test_a_host_that_is_not_fit_is_told_why(stage: Stage, host: Host) -> None:
    stage.must(task("router", peers=["192.0.2.2"]))
    host.sh("nft", "delete", "table", "inet", "weave")
    failed = stage.fails("preflight")
    assert failed["msg"].startswith("This host is not fit. router: UDP port 6783 is open to everybody")
    assert (failed["kind"], failed["subject"]) == ("unsupported", "router")
    assert failed["hint"].startswith("run `weave apply` or `weave launch` again")
    assert {"ok", "fail"} <= {finding["level"] for finding in failed["findings"]}


def test_what_is_missing_on_the_host_is_said(stage: Stage, host: Host) -> None:
    failed = stage.fails("attachment", container=host.container("web").target, ips=["10.2.1.4/24"])
    assert (failed["kind"], failed["subject"]) == ("not_found", "bridge")
    assert failed["msg"].startswith("attach: bridge: there is no bridge to attach to. Hint: run `weave launch` first")


@pytest.mark.parametrize("route", ["library", "command"])
def test_of_a_document_the_rest_is_done(stage: Stage, host: Host, route: str, tmp_path: Path) -> None:
    other(stage, route, tmp_path)
    web = host.container("web")
    containers = {web.target: {"ips": ["10.2.1.4/24"]}, "netns:/run/netns/nobody": {"ips": ["10.2.1.5/24"]}}
    played = stage.play(task("host", document={"router": {}, "containers": containers}))
    assert played.code == 2, played.text
    (failed,) = played.of(host)
    assert (failed["failed"], failed["changed"]) == (True, True)
    assert "nobody" in failed["msg"]
    assert [error["kind"] for error in failed["errors"]] == ["not_found"]
    assert failed["diff"]["after"][f"containers.{web.target}"]["ips"] == ["10.2.1.4/24"]
    assert failed["host"]["containers"][web.target]["ips"] == web.addresses("ethwe") == ["10.2.1.4/24"]
    assert failed["actions"]


def test_without_the_library_the_command_is_used(stage: Stage, host: Host, tmp_path: Path) -> None:
    other(stage, "command", tmp_path)
    web = host.container("web")
    stage.four("host", document={"router": {}, "containers": {web.target: {"ips": ["10.2.1.4/24"]}}})
    assert web.addresses("ethwe") == ["10.2.1.4/24"]
    failed = stage.fails("peer", peers=["bad peer!"])
    assert failed["msg"].startswith("connect: peers[0]: `bad peer!` is neither an address nor a host name")
    failed = stage.fails("host", document={"peerz": []})
    assert failed["hint"] == "did you mean `peers`?"
    info = stage.must(task("info")).of(host)[0]
    assert info["facts"]["weave_networked_containers"]["weave_ips"] == ["10.2.1.4/24"]


def test_without_either_both_are_named(stage: Stage, tmp_path: Path) -> None:
    other(stage, "none", tmp_path)
    failed = stage.fails("container", name="web", image="busybox", options=f"-e PASSWORD={SECRET}")
    assert "(weave_py)" in failed["msg"]
    assert "the weave command" in failed["msg"]
    assert SECRET not in str(failed)


def test_another_program_of_that_name_is_told(stage: Stage, tmp_path: Path) -> None:
    other(stage, "none", tmp_path)
    stage.path = tmp_path / "classic"
    stage.path.mkdir()
    script = stage.path / "weave"
    script.write_text("#!/bin/sh\necho 'Usage: weave ...' >&2\nexit 1\n")
    script.chmod(0o755)
    failed = stage.fails("router")
    assert failed["msg"].startswith(f"{script} printed no report")
    assert "classic script" in failed["msg"]


def test_secrets_stay_out_of_what_is_returned(stage: Stage) -> None:
    containers = {"web": {"image": "busybox", "options": f"-d --memory=64m -e PASSWORD={SECRET}", "pull": "never"}}
    container = task("container", name="web", image="busybox", options={"env": {"PASSWORD": SECRET}, "memory": "1x"})
    mistyped = task("container", name="web", image="busybox", options={"env": {"PASSWORD": SECRET}}, pull="maybe")
    tasks = [task("host", document={"router": {}, "containers": containers}), container, mistyped]
    for each in tasks:
        each["ignore_errors"] = True
    played = stage.play(*tasks, words=("-vvv", "--diff"))
    results = played.of(stage.hosts[0])
    # There is no engine on this host; of the second, another field is wrong; of the third, one is none of Ansible's.
    assert [result["failed"] for result in results] == [True, True, True], played.text
    assert "memory" in results[1]["msg"]
    assert SECRET not in str(results)
    assert SECRET not in played.text
    # What is no secret stays as it is, even where it is a part of an option with one.
    assert "********" not in str(results[:2])


def other(stage: Stage, route: str, directory: Path) -> None:
    """Give the target another way to weave than the wheel."""
    if route == "library":
        return
    stage.python = Path("/usr/bin/python3")
    if route == "command":
        stage.path = command_directory(directory / "bin")
