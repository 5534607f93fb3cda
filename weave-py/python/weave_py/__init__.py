"""Joins the Docker containers of many plain hosts to one private network, idempotently.

Each operation is a function that says what should be. It looks, plans, does only what is missing, and returns a
report: ``changed``, ``changes``, ``steps``, ``warnings``, ``state`` (the host afterwards, as a document) and ``result``
(what a reading operation read). With ``check=True`` it stops after the plan and touches nothing; then ``state`` is the
host as it is.

When something failed, a :class:`WeaveError` is raised; what was done until then is undone.
"""

from weave_py._call import call
from weave_py._native import OPERATIONS, VERSION
from weave_py.errors import (
    ConflictError,
    ContainerNotRunningError,
    DockerError,
    FirewallError,
    InvalidSpecError,
    KernelError,
    NotFoundError,
    PermissionDeniedError,
    RouterError,
    TimeoutExpiredError,
    UnsupportedError,
    VerifyFailedError,
    WeaveError,
)
from weave_py.operations import (
    announce,
    apply,
    attach,
    build,
    connect,
    detach,
    expose,
    facts,
    forget,
    hide,
    install_units,
    launch,
    migrate,
    preflight,
    ps,
    publish,
    remove,
    reset,
    run,
    schema,
    status,
    stop,
    unpublish,
    version,
)

__version__: str = VERSION

__all__ = [
    "OPERATIONS",
    "ConflictError",
    "ContainerNotRunningError",
    "DockerError",
    "FirewallError",
    "InvalidSpecError",
    "KernelError",
    "NotFoundError",
    "PermissionDeniedError",
    "RouterError",
    "TimeoutExpiredError",
    "UnsupportedError",
    "VerifyFailedError",
    "WeaveError",
    "__version__",
    "announce",
    "apply",
    "attach",
    "build",
    "call",
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
