"""The operations of weave that only read, by the library's own names and with its own arguments.

What each read is the ``result`` of its report.
"""

from __future__ import annotations

from typing import Any

from saltext.weave import CANNOT_LOAD

try:
    from saltext.weave import calls
except ImportError as error:
    WHY_NOT = CANNOT_LOAD.format(error)
else:
    WHY_NOT = ""

# Where they are missing, nothing of this is loaded.
# pyright: reportPossiblyUnboundVariable=false

# With the module that has the others.
__virtualname__ = "weave"


def __virtual__() -> str | tuple[bool, str]:  # noqa: N807
    return (False, WHY_NOT) if WHY_NOT else __virtualname__


def preflight() -> dict[str, Any]:
    """Look whether this host is fit; ``result`` is a list of findings.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.preflight
    """
    return calls.call("preflight", {})


def status(latest: bool | None = None) -> dict[str, Any]:
    """Tell what the network is like on this host; ``state`` reads like a document.

    latest
        Whether the registry is asked for the newest image of a router in a container (false)

    CLI Example:

    .. code-block:: bash

        salt '*' weave.status
        salt '*' weave.status latest=True
    """
    return calls.call("status", locals())


def ps(containers: str | list[str] | None = None) -> dict[str, Any]:
    """List the attachments of this host: id, hardware address and addresses of each.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.ps
    """
    return calls.call("ps", locals())


def facts(mask_env: bool | None = None) -> dict[str, Any]:
    """Tell everything about the containers of this host; ``mask_env`` (true) hides values of environment variables.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.facts
    """
    return calls.call("facts", locals())


def schema(document: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a document (``host`` or ``fleet``) as ``result``.

    CLI Example:

    .. code-block:: bash

        salt-call --local weave.schema fleet
    """
    return calls.call("schema", locals())


def version() -> dict[str, Any]:
    """Tell versions as ``result``.

    CLI Example:

    .. code-block:: bash

        salt '*' weave.version
    """
    return calls.call("version", {})
