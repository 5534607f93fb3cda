"""One operation as a state: what Salt is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import weave_py
from saltext.weave import report

#: What another state of the same run may bring about.
_MAY_COME = ("not_found", "container_not_running")


class Words(NamedTuple):
    """What a comment calls it."""

    #: What is done: "launch the router".
    do: str
    #: The same when it has been done: "Launched the router".
    done: str
    #: That it is so: "The router is launched".
    so: str


def publication(operation: str, given: Mapping[str, Any]) -> tuple[Words, str, dict[str, Any]]:
    """Return words, operation and arguments for a port, which is the state's name where none is given."""
    name, arguments = given["name"], {field: value for field, value in given.items() if field != "name"}
    port = name if arguments["host_port"] is None else arguments["host_port"]
    words = {
        "publish": Words(f"publish port {port}", f"Published port {port}", f"Port {port} is published as asked"),
        "unpublish": Words(f"take port {port} back", f"Took port {port} back", f"Port {port} is not published"),
    }
    return words[operation], operation, {**arguments, "host_port": port}


def make(
    name: str, words: Words, operation: str, arguments: Mapping[str, Any], *, test: bool, whole: bool = False
) -> dict[str, Any]:
    """Run an operation for the state ``name``, with ``test`` only up to its plan.

    A state that is ``whole`` needs nothing that other states make.
    """
    try:
        done = weave_py.call(operation, arguments, check=test)
    except (weave_py.WeaveError, TypeError) as error:
        part = getattr(error, "report", None) or {"changed": False, "warnings": []}
        told = report.failure(error)
        if test and not whole and getattr(error, "kind", "") in _MAY_COME:
            comment = f"Would {words.do}, if other states of this run make what is not there yet.\n{told}"
            return answer(name, None, {}, comment)
        return answer(name, False, report.changes(part), told, part["warnings"])
    changes = report.changes(done)
    if not changes:
        return answer(name, True, {}, f"{words.so}; nothing to do.", done["warnings"])
    if test:
        comment = f"Would {words.do}, since these are not as asked: {report.names(changes)}."
        return answer(name, None, changes, comment, done["warnings"])
    comment = f"{words.done}, since these were not as asked: {report.names(changes)}."
    return answer(name, True, changes, comment, done["warnings"])


def answer(
    name: str, result: bool | None, changes: dict[str, Any], comment: str, warnings: list[str] | None = None
) -> dict[str, Any]:
    """Return what a state returns."""
    told = {"name": name, "result": result, "changes": changes, "comment": comment}
    return {**told, "warnings": warnings} if warnings else told


def refusal(name: str, comment: str) -> dict[str, Any]:
    """Return that a state cannot be had as it was asked for."""
    return answer(name, False, {}, f"invalid_spec: {comment}")


def restart(name: str, arguments: Mapping[str, Any], *, test: bool) -> dict[str, Any]:
    """Stop a container and start it again, with its addresses."""
    words = Words(f"restart {name}", f"Restarted {name}", f"{name} runs as asked")
    stopped = make(name, words, "run", {**arguments, "state": "stopped"}, test=test)
    if stopped["result"] is False:
        return stopped
    changes = {f"containers.{name}.state": {"old": "running", "new": "restarted"}}
    if test:
        return answer(name, None, changes, f"Would {words.do}, since what it watches changes.")
    started = make(name, words, "run", {**arguments, "state": "running"}, test=False)
    if started["result"] is False:
        return {**started, "changes": stopped["changes"]}
    return {**started, "changes": changes, "comment": f"{words.done}, since what it watches changed."}
