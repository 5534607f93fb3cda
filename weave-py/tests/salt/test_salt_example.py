"""The example is run as it is: two hosts, a fleet in pillar, containers that reach each other."""

from __future__ import annotations

from minion import Minion, Told
from paths import EXAMPLES


def four(minion: Minion) -> Told:
    """Test, apply, test, apply what the example's top file says."""
    # The file itself, with the lab's places for the roots instead of the machine's own.
    (minion.root / "etc/minion").write_text((EXAMPLES / "salt/minion").read_text())
    for part in ("states", "pillar"):
        (minion.root / part).rmdir()
        (minion.root / part).symlink_to(EXAMPLES / "salt" / part)
    return minion.four()


def test_the_example_joins_two_hosts(both_docked: list[Minion]) -> None:
    one, two = both_docked
    for minion in both_docked:
        (state,) = four(minion).values()
        assert state["changes"]["peers"]["new"] == [other.host.address for other in both_docked if other is not minion]
    assert one.engine
    assert two.engine
    assert one.engine.pings("db.example.com", "10.0.1.31")
    assert two.engine.pings("web.example.com", "10.0.1.21")
    assert two.engine.pings("web.example.com", "10.0.0.1")
    assert one.host.addresses("weave") == ["10.0.0.1/16"]
