"""The grain ``weave``: who is on the network, and who carries it.

It has no options, commands or environments of containers: grains can be read by many, and those may be secret.
"""

from __future__ import annotations

import logging
from typing import Any

from saltext.weave import CANNOT_LOAD

try:
    import weave_py
except ImportError as error:
    WHY_NOT = CANNOT_LOAD.format(error)
else:
    WHY_NOT = ""

# Where they are missing, nothing of this is loaded.
# pyright: reportPossiblyUnboundVariable=false

log = logging.getLogger(__name__)

__virtualname__ = "weave"


def __virtual__() -> str | tuple[bool, str]:  # noqa: N807
    return (False, WHY_NOT) if WHY_NOT else __virtualname__


def weave() -> dict[str, Any]:
    """Return ``version``, ``engine`` (None without one), ``peers``, ``ips`` (of the host itself) and ``containers``.

    Only the version is known where the host may not be looked at, without root for example.
    """
    grain: dict[str, Any] = {"version": weave_py.__version__}
    try:
        facts = weave_py.call("facts")["result"]
    except weave_py.WeaveError as error:
        log.debug("grain weave: %s", error)
        return {"weave": grain}
    networked = facts["weave_networked_containers"]
    grain["engine"] = facts["weave_versions"]["engine"]
    grain["peers"] = facts["weave_peers"]
    grain["ips"] = networked["docker_host"]["weave_ips"]
    grain["containers"] = networked["by_host"]
    return {"weave": grain}
