"""Every type of the Puppet module in real runs on a host with a real engine; the system's programs are witnesses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from puppet_run import Puppet, noop

from engine import Engine
from lab import Host


@pytest.fixture
def puppet(host: Host, tmp_path: Path) -> Iterator[Puppet]:
    """Puppet on a host whose engine runs, with a container of somebody else's."""
    with Engine(host) as engine:
        engine.image("app")
        engine.docker("run", "-d", "--name", "web", "app")
        yield Puppet(host, tmp_path / "puppet", engine)


FIRST = """
class docker { }
include docker
weave_attachment { 'web 10.2.1.4/24': }
weave_attachment { 'web 10.3.1.4/24 eth5': mtu => 1300, routes => '10.9.0.0/16 via 10.3.1.1', multicast => false }
weave_attachment { 'app 10.2.1.15/24': }
weave_container { 'app':
  ips     => '10.2.1.5/24',
  image   => 'app',
  options => { 'memory' => '64m', 'env' => { 'PASSWORD' => Sensitive('s3cr3t-of-env') } },
}
resources { 'weave_attachment': purge => true }
weave_exposure { '10.2.1.1/24': }
weave_publication { '8080': to => 'web', port => 80 }
weave_publication { '127.0.0.1:53/udp': to => '10.2.1.9', masquerade => false }
weave_peer { ['192.0.2.3', '192.0.2.1']: }
weave_router { 'weave': peers => '192.0.2.1 192.0.2.2', mtu => 1400 }
"""
SECOND = """
weave_attachment { 'web 10.2.1.4/24': mac => '02-00-00-00-00-0A' }
weave_attachment { 'web 10.3.1.4/24 eth5': mtu => 1310, routes => ['10.9.0.0/16 via 10.3.1.1', '10.8.0.0/16'] }
weave_container { 'app':
  ips     => ['10.2.1.6/24', 'fd00:0::6/64'],
  image   => 'app',
  options => Sensitive('--memory=96m -e PASSWORD=s3cr3t-of-line'),
}
weave_exposure { '10.2.1.1/24': masquerade => false }
weave_publication { '8080/tcp': to => '10.2.1.6' }
weave_publication { '127.0.0.1:53/udp': ensure => absent }
weave_peer { '192.0.2.3:7000': ensure => absent }
weave_router { 'weave': peers => ['192.0.2.2', '192.0.2.9:7000'], port => 7000 }
"""
LAST = """
weave_attachment { 'web 10.2.1.4/24': ensure => absent, mtu => 1200 }
resources { 'weave_attachment': purge => true }
weave_container { 'app': ensure => absent, image => 'app', options => '--nonsense=1' }
weave_publication { '8080': ensure => absent, before => Weave_exposure['10.2.1.1/24'] }
weave_exposure { '10.2.1.1/24': ensure => absent }
weave_peer { '192.0.2.2': ensure => absent, before => Weave_router['weave'] }
weave_router { 'weave': ensure => absent }
"""


def link(puppet: Puppet, container: str, name: str) -> str:
    engine = puppet.engine
    assert engine
    return engine.docker("exec", container, "ip", "addr", "show", "dev", name)


def flood(host: Host) -> list[str]:
    lines = host.sh("bridge", "fdb", "show").splitlines()
    return sorted(line.split(" dst ")[1].split()[0] for line in lines if line.startswith("00:00:00:00:00:00"))


def test_every_type_makes_changes_and_removes(puppet: Puppet) -> None:
    host, engine = puppet.host, puppet.engine
    assert engine
    puppet.four(FIRST).says(
        noop("Weave_router[weave]/ensure", "'absent'", "present", "created: "),
        "router.mtu 1400",
        noop("Weave_container[app]/ensure", "'absent'", "present", "created: "),
        noop("Weave_attachment[web 10.2.1.4/24]/ensure", "'absent'", "'present' (noop)", "created (noop)"),
        "Weave_attachment[app 10.2.1.15/24]: Adding autorequire relationship with Weave_container[app]",
        "Weave_container[app]: Adding autorequire relationship with Weave_router[weave]",
        "Weave_router[weave]: Adding autorequire relationship with Class[Docker]",
    )
    assert flood(host) == ["192.0.2.2", "192.0.2.3"]
    assert host.addresses("weave") == ["10.2.1.1/24"]
    assert "masquerade" in host.sh("nft", "list", "table", "inet", "weave")
    assert "dnat ip to 10.2.1.4:80" in host.sh("nft", "list", "table", "inet", "weave")
    assert "inet 10.2.1.4/24" in link(puppet, "web", "ethwe")
    assert "mtu 1300" in link(puppet, "web", "eth5")
    assert "10.9.0.0/16 via 10.3.1.1" in engine.docker("exec", "web", "ip", "route")
    app = link(puppet, "app", "ethwe")
    assert "inet 10.2.1.5/24" in app
    assert "inet 10.2.1.15/24" in app
    assert engine.docker("exec", "app", "sh", "-c", "echo $PASSWORD") == "s3cr3t-of-env"
    assert "224.0.0.0/4 dev ethwe" in engine.docker("exec", "web", "ip", "route")
    assert engine.pings("web", "10.2.1.5")
    listing_tells_what_is_there(puppet)
    drift_is_put_right(puppet)

    puppet.four(SECOND).says(
        noop(
            "Weave_router[weave]/port",
            "router.port 6783",
            "router.port 7000 (noop)",
            "changed router.port 6783 to 7000",
        ),
        noop(
            "Weave_exposure[10.2.1.1/24]/masquerade", "'true'", "'false' (noop)", "masquerade changed 'true' to 'false'"
        ),
        "Weave_container[app]/options: current_value [redacted], should be [redacted] (noop)",
        noop(
            "Weave_attachment[web 10.2.1.4/24]/mac",
            "'0a:57:0a:02:01:04'",
            "'02:00:00:00:00:0a'",
            "mac changed '0a:57:0a:02:01:04' to '02:00:00:00:00:0a'",
        ),
    )
    assert flood(host) == ["192.0.2.2", "192.0.2.9"]
    assert "dport 7000" in host.sh("nft", "list", "table", "inet", "weave")
    assert "ip saddr 10.2.1.0/24" not in host.sh("nft", "list", "table", "inet", "weave")
    assert "dnat ip to 10.2.1.6:8080" in host.sh("nft", "list", "table", "inet", "weave")
    assert "02:00:00:00:00:0a" in link(puppet, "web", "ethwe")
    assert "mtu 1310" in link(puppet, "web", "eth5")
    app = link(puppet, "app", "ethwe")
    assert "inet 10.2.1.6/24" in app
    assert "inet6 fd00::6/64" in app
    assert "10.2.1.5" not in app
    assert engine.docker("exec", "app", "sh", "-c", "echo $PASSWORD") == "s3cr3t-of-line"

    puppet.four(LAST).says(noop("Weave_container[app]/ensure", "'present'", "'absent' (noop)", "removed (noop)"))
    assert flood(host) == []
    assert host.addresses("weave") == []
    assert engine.containers() == ["web"]
    assert "ethwe" not in engine.docker("exec", "web", "ip", "link")
    assert "eth5" not in engine.docker("exec", "web", "ip", "link")


def listing_tells_what_is_there(puppet: Puppet) -> None:
    attachments = puppet.resource("weave_attachment")
    for name in ("app 10.2.1.5/24", "app 10.2.1.15/24", "web 10.2.1.4/24", "web 10.3.1.4/24 eth5"):
        assert f"weave_attachment {{ '{name}':\n  ensure => 'present'" in attachments
    assert "mtu => 1400" in puppet.resource("weave_router")
    assert "'192.0.2.3'" in puppet.resource("weave_peer")
    assert "masquerade => 'true'" in puppet.resource("weave_exposure")
    assert "weave_publication { '8080/tcp':\n  ensure => 'present'" in puppet.resource("weave_publication")
    container = puppet.resource("weave_container")
    assert "weave_container { 'app':" in container
    assert "ips => ['10.2.1.5/24', '10.2.1.15/24']" in container
    assert "weave_host {" in puppet.resource("weave_host")
    assert "ensure => 'absent'" in puppet.resource("weave_container", "nobody")
    # It changes, too.
    puppet.resource("weave_attachment", "web 10.2.1.44/24", "ensure=present")
    assert "inet 10.2.1.44/24" in link(puppet, "web", "ethwe")
    puppet.resource("weave_attachment", "web 10.2.1.44/24", "ensure=absent")
    assert "10.2.1.44" not in link(puppet, "web", "ethwe")
    fact = puppet.fact("weave_networked_containers")
    assert isinstance(fact, dict)
    assert fact["by_ip"]["10.2.1.4/24"]["hostname"] == "web"
    assert puppet.fact("weave_networked_containers", "/usr/sbin:/usr/bin:/sbin:/bin") is None


def drift_is_put_right(puppet: Puppet) -> None:
    host, engine = puppet.host, puppet.engine
    assert engine
    host.sh("nft", "delete", "table", "inet", "weave")
    host.sh("ip", "link", "set", "weave", "mtu", "1390")
    engine.docker("restart", "web")
    engine.docker("stop", "app")
    # No property tells of the state, so `ensure` tells everything, but for what is beside a secret.
    puppet.apply(FIRST.replace("'64m'", "'96m'"), noop=True).says(
        noop("Weave_container[app]/ensure", "'incomplete'", "present (", "completed: "),
        "containers.app.memory [redacted]",
    )
    puppet.apply(FIRST, noop=True).says(
        noop("Weave_router[weave]/ensure", "'incomplete'", "present (", "completed: "),
        ("router.mtu 1400", " to 1400"),
        noop("Weave_attachment[web 10.2.1.4/24]/ensure", "'absent'", "'present'", "created (noop)"),
    )
    assert puppet.apply(FIRST).code == 2
    assert puppet.apply(FIRST).code == 0


def test_a_host_from_a_document(puppet: Puppet, tmp_path: Path) -> None:
    host = puppet.host
    before = host.state()
    options = "{ 'env' => { 'PASSWORD' => Sensitive('s3cr3t-of-document') } }"
    puppet.four(f"""
weave_host {{ 'this': document => {{
  'router'     => {{}},
  'peers'      => ['192.0.2.2'],
  'containers' => {{ 'web' => {{ 'ips' => '10.2.1.4/24' }}, 'db' => {{ 'image' => 'app', 'options' => {options} }} }},
}} }}""").says(noop("Weave_host[this]/ensure", "'absent'", "present", "created: "))
    assert "inet 10.2.1.4/24" in link(puppet, "web", "ethwe")
    file = tmp_path / "fleet.yaml"
    fleet = "hosts: {one: {address: 192.0.2.1, weave_ip: 10.2.0.1/16}, other: {address: 192.0.2.9}}\\n"
    fleet += "containers: {web: {host: one, ip: 10.2.1.5/16}}\\n"
    puppet.four(f"""
file {{ '{file}': content => "{fleet}" }}
weave_host {{ 'this': file => '{file}', host => 'one' }}""").says(
        (f"should be file.{file} applied (noop)", " to applied (noop)")
    )
    assert "inet 10.2.1.5/16" in link(puppet, "web", "ethwe")
    assert flood(host) == ["192.0.2.9"]
    puppet.four("weave_host { 'this': ensure => absent }")
    assert puppet.engine
    puppet.engine.docker("rm", "-f", "db")
    assert host.state() == before


PURGED = """
weave_host { 'this': document => { 'router' => {}, 'containers' => { 'web' => { 'ips' => ['10.2.1.4/24'] } } } }
weave_peer { '192.0.2.3:6783': }
resources { ['weave_attachment', 'weave_peer']: purge => true }
"""


def test_purging_leaves_what_is_asked_for_in_other_words(puppet: Puppet) -> None:
    puppet.four(PURGED)
    # A port that is the router's is not in the list, and the address is no resource.
    assert flood(puppet.host) == ["192.0.2.3"]
    assert "inet 10.2.1.4/24" in link(puppet, "web", "ethwe")
    puppet.resource("weave_attachment", "web 10.3.1.4/24 eth5", "ensure=present")
    puppet.resource("weave_peer", "192.0.2.8", "ensure=present")
    assert flood(puppet.host) == ["192.0.2.3", "192.0.2.8"]
    puppet.four(PURGED).says(
        noop("Weave_attachment[web 10.3.1.4/24 eth5]/ensure", "'present'", "'absent' (noop)", "removed (noop)"),
        noop("Weave_peer[192.0.2.8]/ensure", "'present'", "'absent' (noop)", "removed (noop)"),
    )
    assert flood(puppet.host) == ["192.0.2.3"]
    assert "inet 10.2.1.4/24" in link(puppet, "web", "ethwe")
    assert puppet.engine
    assert "eth5" not in puppet.engine.docker("exec", "web", "ip", "link")


def test_errors_name_the_field_and_leave_the_host_alone(puppet: Puppet) -> None:
    host = puppet.host
    before = host.state()
    wrong = puppet.apply("""
weave_host { 'a': document => { 'router' => { 'prot' => 1 } } }
weave_host { 'b': file => '/nonexistent/host.yaml' }
""")
    assert wrong.code == 4, wrong.text
    wrong.says(
        "Weave_host[a]: Could not evaluate: router.prot: `prot` is no field here; allowed: kind, port",
        "did you mean `port`?",
        "Weave_host[b]: Could not evaluate: weave apply: file: /nonexistent/host.yaml: there is no such file",
    )
    failed = puppet.apply("""
weave_attachment { 'nobody 10.2.1.4/24': }
weave_exposure { '10.2.1.4/24': }
weave_container { 'app': image => 'app', options => Sensitive('--s3cr3t-of-line=1') }
weave_container { 'other':
  image   => 'app',
  options => { 'env' => { 'A' => Sensitive('s3cr3t-of-env') }, 'memory' => 'much' },
}
""")
    assert failed.code == 4, failed.text
    failed.says(
        "Weave_attachment[nobody 10.2.1.4/24]/ensure: change from 'absent' to 'present' failed: weave attach: ",
        "run `weave launch` first",
        "containers.app.options: [redacted]",
        "containers.other.options.memory",
    )
    assert host.state() == before
