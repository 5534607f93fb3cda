"""How each of them is called."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional, Union, cast

from weave_py._call import call
from weave_py.types import Report

Path = Union[str, "os.PathLike[str]"]


def do(operation: str, arguments: Optional[Mapping[str, Any]] = None, check: bool = False) -> Report:
    return cast("Report", call(operation, arguments, check=check))
