"""The one way from Python into the library."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Any

from weave_py import _native
from weave_py.errors import error_of

_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)


def call(operation: str, arguments: Mapping[str, Any] | None = None, *, check: bool = False) -> dict[str, Any]:
    """Run an operation by its name.

    Arguments that are ``None`` count as not given, so the library's own defaults hold.

    Raises a subclass of :class:`~weave_py.errors.WeaveError` when it failed, also when only a part of it did; then
    the exception has the report. Raises ``TypeError`` for a value that no document can hold.
    """
    given = {name: plain(value, name) for name, value in (arguments or {}).items() if value is not None}
    report = _native.call(operation, given, check)
    if "error" in report:
        raise error_of(report["error"])
    if report["errors"]:
        raise error_of(report["errors"][0], report)
    return report


def plain(value: Any, path: str) -> Any:
    """Return ``value`` as data that a document can hold; ``path`` says where it is found."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        # A subclass may mean more than its text, and print otherwise: Ansible marks what is not to be trusted, and an
        # enumeration prints its name.
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {_key(key, path): plain(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item, f"{path}[]") for item in value), key=str)
    if isinstance(value, _ADDRESSES):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    message = f"{path}: {type(value).__name__} is no plain data; allowed: text, numbers, true, false, lists, maps"
    raise TypeError(message)


def _key(key: Any, path: str) -> str:
    if isinstance(key, (str, int, *_ADDRESSES)) and not isinstance(key, bool):
        return str(key)
    message = f"{path}: a key is {type(key).__name__}; allowed: text"
    raise TypeError(message)
