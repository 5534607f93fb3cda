"""What is raised, and what it says."""

from __future__ import annotations

import enum
import pickle
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import weave_py
from lab import Host
from weave_py.errors import error_of


def test_a_wrong_value_is_named_and_nothing_is_touched(host: Host) -> None:
    before = host.state()
    with pytest.raises(weave_py.InvalidSpecError) as raised:
        host.call("launch", port=70000)
    error = raised.value
    assert (error.kind, error.op, error.subject) == ("invalid_spec", "launch", "port")
    assert "70000" in error.message
    assert "1 to 65535" in error.message
    assert str(error).startswith("launch: port: 70000")
    assert isinstance(error, ValueError)
    assert host.state() == before


def test_each_kind_has_a_class() -> None:
    kinds = {cls.kind for cls in weave_py.WeaveError.__subclasses__()}
    assert kinds == {
        "conflict",
        "container_not_running",
        "docker",
        "firewall",
        "invalid_spec",
        "kernel",
        "not_found",
        "permission_denied",
        "router",
        "timeout",
        "unsupported",
        "verify_failed",
    }
    for kind in kinds:
        error = error_of({"kind": kind, "subject": "x", "message": "y"})
        assert error.kind == kind
        assert isinstance(error, weave_py.WeaveError)
        assert getattr(weave_py, type(error).__name__) is type(error)


def test_not_found_and_conflict(host: Host) -> None:
    host.call("launch")
    with pytest.raises(weave_py.NotFoundError) as raised:
        host.call("attach", container="netns:/run/netns/nobody", ips="10.2.1.4/24")
    assert raised.value.subject == "netns:/run/netns/nobody"
    assert raised.value.hint
    web = host.container("web")
    web.sh("ip", "link", "add", "ethwe", "type", "bridge")
    before = host.state()
    with pytest.raises(weave_py.ConflictError, match="ethwe that weave did not make"):
        host.call("attach", container=web.target, ips="10.2.1.4/24")
    assert host.state() == before


def test_of_a_document_that_was_done_in_part_the_report_is_there(host: Host) -> None:
    web = host.container("web")
    containers: dict[str, Any] = {
        web.target: {"ips": ["10.2.1.4/24"]},
        "netns:/run/netns/nobody": {"ip": "10.2.1.5/24"},
    }
    with pytest.raises(weave_py.NotFoundError) as raised:
        host.call("apply", document={"peers": ["192.0.2.2"], "containers": containers})
    report = raised.value.report
    assert report is not None
    assert report["changed"] is True
    assert [error["subject"] for error in report["errors"]] == ["netns:/run/netns/nobody"]
    assert web.addresses("ethwe") == ["10.2.1.4/24"]


def test_a_document_says_all_that_is_wrong_with_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "host.yaml"
    file.write_text("peers: [192.0.2.300]\ncontainers:\n  web: {ip: 10.2.1.4}\n")
    with pytest.raises(weave_py.InvalidSpecError) as raised:
        weave_py.apply(file)
    found = [(finding["file"], finding["line"]) for finding in raised.value.findings]
    assert found == [(str(file), 1), (str(file), 3)]
    with pytest.raises(weave_py.NotFoundError, match="no such file"):
        weave_py.apply(tmp_path / "nothing.yaml")
    with pytest.raises(weave_py.InvalidSpecError, match="one of the two"):
        weave_py.call("apply", {"document": {}, "file": str(file)})
    with pytest.raises(weave_py.InvalidSpecError, match="missing field `document`"):
        weave_py.call("apply", {})


def test_a_list_that_came_out_empty_takes_nothing_away(host: Host) -> None:
    web = host.container("web")
    host.call("launch")
    host.call("attach", container=web.target, ips=["10.2.1.4/24"])
    host.call("expose", ips=["10.2.1.9/24"])
    before = host.state()
    message = "ips: is empty; leave it out to take all away"
    with pytest.raises(weave_py.InvalidSpecError, match=message):
        host.call("detach", container=web.target, ips=[])
    with pytest.raises(weave_py.InvalidSpecError, match=message):
        host.call("hide", ips=[])
    assert host.state() == before
    host.call("detach", container=web.target)
    host.call("hide")
    assert "ethwe" not in web.links()


def test_what_is_no_data_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"document\.peers\[1\]: object"):
        weave_py.apply({"peers": ["192.0.2.1", object()]})
    with pytest.raises(TypeError, match="document: a key is tuple"):
        weave_py.apply({("a", "b"): 1})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match=r"document: text is no document; .* pathlib\.Path"):
        weave_py.apply("/etc/weave/host.yaml")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        weave_py.attach("web")  # type: ignore[call-arg]


class Peers(str, enum.Enum):
    BAD = "not/a/peer"


def test_a_text_may_be_of_an_enumeration() -> None:
    with pytest.raises(weave_py.InvalidSpecError, match="`not/a/peer`"):
        weave_py.connect([Peers.BAD])


def test_a_set_need_not_be_of_one_kind() -> None:
    with pytest.raises(weave_py.InvalidSpecError) as raised:
        weave_py.call("connect", {"peers": {"not/a/peer", 7}})
    assert raised.value.subject.startswith("peers[")


def test_addresses_may_be_those_of_the_standard_library(host: Host) -> None:
    web = host.container("web")
    host.call("launch")
    code = f"""
        import ipaddress, weave_py
        ips = {{ipaddress.ip_interface("10.2.1.4/24"), ipaddress.ip_interface("fd00::4/64")}}
        weave_py.attach({web.target!r}, ips, gateway=ipaddress.ip_address("10.2.1.1"))
    """
    done = host.run(sys.executable, "-c", textwrap.dedent(code))
    assert done.returncode == 0, done.stderr
    assert web.addresses("ethwe") == ["10.2.1.4/24", "fd00::4/64"]
    assert "default via 10.2.1.1" in web.sh("ip", "route")


def test_errors_pass_between_processes() -> None:
    with pytest.raises(weave_py.InvalidSpecError) as raised:
        weave_py.connect(["not/a/peer"])
    copy = pickle.loads(pickle.dumps(raised.value))
    assert type(copy) is weave_py.InvalidSpecError
    assert (str(copy), copy.subject) == (str(raised.value), "peers[0]")
