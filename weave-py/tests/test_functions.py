"""The functions are those of the library, with its arguments."""

from __future__ import annotations

import inspect
import re

import pytest

import weave_py


def test_there_is_a_function_for_each_operation() -> None:
    for name in weave_py.OPERATIONS:
        assert callable(getattr(weave_py, name)), name
        assert name in weave_py.__all__
        assert inspect.getdoc(getattr(weave_py, name)), name


@pytest.mark.parametrize("name", weave_py.OPERATIONS)
def test_its_arguments_are_those_of_the_operation(name: str) -> None:
    with pytest.raises(weave_py.InvalidSpecError) as raised:
        weave_py.call(name, {"no_such_argument": 1})
    error = raised.value
    assert error.subject == "no_such_argument"
    assert "no_such_argument" in error.message
    listed = re.search(r"allowed: (.*)$", error.message)
    fields = set(re.findall(r"[a-z_]+", listed.group(1))) if listed else set()
    parameters = set(inspect.signature(getattr(weave_py, name)).parameters) - {"check"}
    # A file is a document that is a path, a container's document has its name before it, `from` is a word of Python.
    renamed = {"apply": ({"file"}, set()), "run": (set(), {"name"}), "migrate": ({"from"}, {"from_"})}
    more, fewer = renamed.get(name, (set(), set()))
    assert (parameters | more) - fewer == fields - {"no", "none", "ip"}


def test_what_only_reads_takes_no_check() -> None:
    reading = {"preflight", "status", "ps", "facts", "schema", "version"}
    for name in weave_py.OPERATIONS:
        takes = "check" in inspect.signature(getattr(weave_py, name)).parameters
        assert takes == (name not in reading), name
