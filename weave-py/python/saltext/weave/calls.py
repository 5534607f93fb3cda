"""How the execution modules call the library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salt.exceptions import CommandExecutionError  # pyright: ignore[reportMissingImports]

import weave_py
from saltext.weave import report


def call(operation: str, arguments: Mapping[str, Any], *, test: bool = False) -> dict[str, Any]:
    """Run an operation; its error is one of Salt's."""
    try:
        return weave_py.call(operation, arguments, check=test)
    except (weave_py.WeaveError, TypeError) as error:
        raise CommandExecutionError(report.failure(error)) from error
