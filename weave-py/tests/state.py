"""What a network namespace has, without what changes in it by itself."""

from __future__ import annotations

import re
from collections.abc import Callable

# The kernel tells of a carrier, and of all that follows from it, up to a second after somebody made or broke it:
# whether a link runs, in which state a port of a bridge is, and a link's first address of its own, which is checked
# for a while and has multicast groups. Whoever made or broke it is seen in what is left: `UP`, `master`, the links.
_CARRIER = r"(?<=<)NO-CARRIER,|,LOWER_UP\b|,M-DOWN\b| state \S+"
# A bridge also remembers for a while that a port of it came or went.
_CLOCKS = r"_timer +[0-9.]+| topology_change(_detected)? \d"
# What nobody can set: a bridge has the least of what its ports had.
_LIMITS = r" tso_max_\w+ \d+"
_OWN_ADDRESSES = r"\n +inet6 fe80:.* scope link.*\n.*| tentative"
_GROUPS_AND_LEARNED = r"(?m)^(33:33:|01:00:5e:).*\n?|^(?!.*\b(permanent|static)\b).*\n?"
_COUNTERS = r"packets \d+ bytes \d+"
#: What is asked, and what of the answer is left out.
_ASKED = {
    ("ip", "-d", "link"): f"{_CARRIER}|{_CLOCKS}|{_LIMITS}",
    ("ip", "address"): f"{_CARRIER}|{_OWN_ADDRESSES}",
    ("ip", "route"): r" linkdown\b",
    ("bridge", "fdb"): _GROUPS_AND_LEARNED,
    ("nft", "list", "ruleset"): _COUNTERS,
}


def state(run: Callable[..., str]) -> list[str]:
    """Return all that an operation may touch, line by line, as the system's own programs print it."""
    return [line for words, left_out in _ASKED.items() for line in re.sub(left_out, "", run(*words)).splitlines()]


__all__ = ["state"]
