"""The shapes of what goes in and what comes out."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Union

__all__ = ["Address", "Addresses", "Change", "Document", "Failure", "Options", "Report", "Words"]

#: One address, with its prefix where one is asked for.
Address = Union[
    str,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
]
#: One address or several; in one text they stand apart by blanks or commas.
Addresses = Union[Address, Sequence[Address]]
#: One text or several.
Words = Union[str, Sequence[str]]
#: Options of ``docker run``: a line, a list of words, or a map.
Options = Union[str, Sequence[str], Mapping[str, Any]]
#: A document: its data, or the path of its file.
Document = Union[Mapping[str, Any], "os.PathLike[str]"]


class Change(TypedDict):
    """One difference between what was and what is."""

    #: What changes: ``router``, ``peers``, ``containers.web``, …
    subject: str
    #: Which of its fields.
    field: str
    #: ``None`` where there was nothing.
    before: Any
    #: ``None`` where nothing is left.
    after: Any


class _Failure(TypedDict):
    kind: str
    subject: str
    message: str


class Failure(_Failure, total=False):
    """An error as plain data."""

    op: str
    errno: int
    hint: str
    left: list[str]
    findings: list[dict[str, Any]]


class _Report(TypedDict):
    operation: str
    check: bool
    changed: bool
    changes: list[Change]
    steps: list[str]
    warnings: list[str]
    errors: list[Failure]


class Report(_Report, total=False):
    """What an operation did, or with ``check`` would do."""

    #: The host afterwards (with ``check``, as it is) as a document, as far as it was looked at;
    #: :func:`weave_py.apply` takes it.
    state: dict[str, Any]
    #: What a reading operation read.
    result: Any
