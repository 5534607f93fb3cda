"""Writes the result of each task as a line of JSON, for the tests to read."""

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped]


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Besides what is printed."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"

    def _write(self, result: Any, failed: bool = False) -> None:
        name = result._host.get_name()
        with open(os.environ["RECORD"], "a") as record:
            record.write(json.dumps({"host": name, "result": dict(result._result, failed=failed)}, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        """Take one that went well."""
        self._write(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Take one that failed."""
        self._write(result, failed=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Take one of a host that was not reached."""
        self._write(result, failed=True)
