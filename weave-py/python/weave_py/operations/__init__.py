"""The operations of weave, as functions with the library's own names.

An argument that is ``None`` is not given, and what stands in parentheses holds.
"""

from weave_py.operations.containers import build, migrate, remove, run
from weave_py.operations.host import apply, facts, install_units, preflight, ps, reset, schema, status, version
from weave_py.operations.network import (
    announce,
    attach,
    connect,
    detach,
    expose,
    forget,
    hide,
    launch,
    publish,
    stop,
    unpublish,
)

__all__ = [
    "announce",
    "apply",
    "attach",
    "build",
    "connect",
    "detach",
    "expose",
    "facts",
    "forget",
    "hide",
    "install_units",
    "launch",
    "migrate",
    "preflight",
    "ps",
    "publish",
    "remove",
    "reset",
    "run",
    "schema",
    "status",
    "stop",
    "unpublish",
    "version",
]
