"""What the types say of wrong values, before anything is looked at."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from puppet_run import MODULES

# Types are asked in one process: Puppet takes seconds to start.
ASK = """
require 'json'
require 'puppet'
Puppet.initialize_settings(['--confdir', '/nonexistent', '--vardir', '/nonexistent'])
told = JSON.parse($stdin.read).map do |type, title, attributes|
  given = { title: title, catalog: Puppet::Resource::Catalog.new }
  resource = Puppet::Type.type(type).new(given.merge(attributes.transform_keys(&:to_sym)))
  attributes.keys.to_h { |field| [field, resource[field]] }.merge('name' => resource.name)
rescue Puppet::Error => e
  e.message
end
puts JSON.generate(told)
"""

REFUSED = [
    ("weave_attachment", "web", {}, "name: `web` is no attachment; allowed: CONTAINER ADDRESS"),
    ("weave_attachment", "web 10.2.1.4", {}, "name: `10.2.1.4` has no prefix length; allowed: an address and a prefix"),
    ("weave_attachment", "web 10.2.1.400/24", {}, "name: `10.2.1.400/24` is no address"),
    ("weave_attachment", "web 10.2.1.4/24 lo", {}, "name: `lo` is no name of an interface"),
    ("weave_attachment", "w/b 10.2.1.4/24", {}, "name: `w/b` is no container"),
    ("weave_attachment", "web 10.2.1.4/24", {"mac": "01:00:00:00:00:01"}, "`01:00:00:00:00:01` is a multicast address"),
    ("weave_attachment", "web 10.2.1.4/24", {"mtu": 20}, "Parameter mtu failed on Weave_attachment[web 10.2.1.4/24]"),
    ("weave_attachment", "web 10.2.1.4/24", {"gateway": "here"}, "`here` is no address"),
    ("weave_attachment", "web 10.2.1.4/24", {"routes": "10.9.1.0/16"}, "the network is 10.9.0.0/16"),
    ("weave_attachment", "web 10.2.1.4/24", {"multicast": "perhaps"}, "`perhaps` is neither; allowed: true, false"),
    ("weave_container", "a b", {"image": "x"}, "name: `a b` is no name of a container"),
    ("weave_container", "app", {}, "image: is missing"),
    ("weave_container", "app", {"image": "x", "ips": "10.2.1.4/33"}, "`10.2.1.4/33` has no prefix length of 1 to 32"),
    ("weave_container", "app", {"image": "x", "ips": "net:10.2.1.4/24"}, "is 10.2.1.0/24); allowed: net:default"),
    ("weave_container", "app", {"image": "x", "ips": "net:here"}, "`here` is no address"),
    ("weave_container", "app", {"image": "x", "state": "up"}, "`up` is no state; allowed: running, stopped, created"),
    ("weave_container", "app", {"image": "x", "pull": "often"}, "Valid values are missing, always, never"),
    ("weave_exposure", "10.2.1.1", {}, "ip: `10.2.1.1` has no prefix length"),
    ("weave_publication", "web", {"to": "web"}, "name: `web` is no port of the host; allowed: 8080, 8080/udp"),
    ("weave_publication", "0", {"to": "web"}, "name: `0` is no port of the host"),
    ("weave_publication", "80", {"to": "a b"}, "`a b` is neither an address nor a container"),
    ("weave_publication", "80", {}, "to: is missing; allowed: a container, or an address"),
    ("weave_host", "a", {}, "document: is missing; allowed: it, or the `file`"),
    ("weave_host", "a", {"document": {}, "file": "/etc/weave/host.yaml"}, "file: there is a `document`, too"),
    ("weave_host", "a", {"document": "router: {}"}, "document failed on Weave_host[a]: is a String; allowed: a hash"),
    ("weave_host", "a", {"file": "host.yaml"}, "file failed on Weave_host[a]: `host.yaml` is no path"),
    ("weave_peer", "a b", {}, "peer: `a b` is no peer"),
    ("weave_peer", "192.0.2.1:0", {}, "peer: `192.0.2.1:0` has no port of 1 to 65535"),
    ("weave_router", "weave", {"port": 70000}, "`70000` is out of range or no whole number; allowed: 1 to 65535"),
    ("weave_router", "weave", {"kind": "sleeve"}, "`sleeve` is no router; allowed: vxlan, image"),
    ("weave_router", "weave", {"container_name": "a b"}, "`a b` is no name of a container; allowed: letters"),
    ("weave_router", "weave", {"password_file": "password"}, "`password` is no absolute path; allowed: such as /etc/"),
    ("weave_router", "weave", {"peer_name": "host1"}, "`host1` is no Ethernet address"),
    ("weave_router", "weave", {"discovery": "maybe"}, "`maybe` is neither; allowed: true, false"),
    ("weave_router", "weave", {"control_port": 0}, "`0` is out of range or no whole number; allowed: 1 to 65535"),
    ("weave_router", "weave", {"pull": "often"}, "`often` is not known; allowed: missing, always, never"),
    ("weave_router", "weave", {"firewall": "no"}, "allowed: {'manage' => true} or false"),
    ("weave_router", "a name/with slash", {}, "bridge: `a name/with slash` is no name of an interface"),
]
TAKEN: list[tuple[str, str, dict[str, Any]]] = [
    ("weave_attachment", "netns:blue ip:10.2.1.4/024", {"name": "netns:/run/netns/blue 10.2.1.4/24"}),
    ("weave_attachment", "web FD00:0::4/64 ethwe", {"name": "web fd00::4/64"}),
    ("weave_attachment", "web 10.2.1.4/24", {"mac": ("0A-57-0A-02-01-04", "0a:57:0a:02:01:04")}),
    (
        "weave_attachment",
        "web 10.2.1.4/24",
        {"routes": ({"to": "10.9.0.0/16", "via": "10.2.1.1"}, ["10.9.0.0/16 via 10.2.1.1"])},
    ),
    (
        "weave_container",
        "app",
        {"image": ("x", "x"), "ips": ("10.2.1.4/24, 10.2.1.5/24", ["10.2.1.4/24", "10.2.1.5/24"])},
    ),
    ("weave_container", "app", {"image": ("x", "x"), "command": (["one word"], ["one word"]), "probe": (False, False)}),
    ("weave_peer", "[2001:DB8::2]:6783", {"name": "[2001:db8::2]:6783"}),
    ("weave_peer", "[2001:DB8:0::2]", {"name": "2001:db8::2"}),
    ("weave_router", "weave", {"peers": ("192.0.2.1 192.0.2.2", ["192.0.2.1", "192.0.2.2"]), "port": ("6783", 6783)}),
    (
        "weave_router",
        "weave",
        {
            "kind": ("image", "image"),
            "image": ("weaveworks/weave:2.8.1", "weaveworks/weave:2.8.1"),
            "container_name": ("w2", "w2"),
            "args": (["--log-level=debug"], ["--log-level=debug"]),
            "docker_options": ({"memory": "1g"}, {"memory": "1g"}),
            "password_file": ("/etc/weave/password", "/etc/weave/password"),
            "nickname": ("one", "one"),
            "peer_name": ("02-00-00-00-00-0A", "02:00:00:00:00:0a"),
            "trusted_subnets": ("10.0.0.0/8, 192.0.2.0/24", ["10.0.0.0/8", "192.0.2.0/24"]),
            "ipalloc_range": ("10.32.0.0/12", "10.32.0.0/12"),
            "ipalloc_default_subnet": ("10.32.1.0/24", "10.32.1.0/24"),
            "discovery": (False, "false"),
            "control_port": ("6784", 6784),
            "pull": ("always", "always"),
        },
    ),
    (
        "weave_container",
        "app",
        {
            "image": ("x", "x"),
            "ips": ("net:default net:10.2.1.0/24 10.2.1.4/24", ["net:default", "net:10.2.1.0/24", "10.2.1.4/24"]),
        },
    ),
    ("weave_host", "this", {"ensure": ("purged", "absent")}),
]


def ask(questions: list[list[object]]) -> list[object]:
    words = ["ruby", "-I", str(MODULES / "weave" / "lib"), "-e", ASK]
    done = subprocess.run(words, input=json.dumps(questions), capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    answers: list[object] = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="module")
def refused() -> list[object]:
    return ask([[kind, title, attributes] for kind, title, attributes, _ in REFUSED])


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_a_wrong_value_is_named_with_what_is_allowed(refused: list[object], number: int) -> None:
    assert REFUSED[number][3] in str(refused[number])


def test_values_are_brought_into_the_form_that_weave_prints() -> None:
    questions: list[list[object]] = []
    expected = []
    for kind, title, fields in TAKEN:
        given = {field: value[0] for field, value in fields.items() if isinstance(value, tuple)}
        questions.append([kind, title, given])
        expected.append({field: value[1] if isinstance(value, tuple) else value for field, value in fields.items()})
    for answer, wanted in zip(ask(questions), expected):
        assert isinstance(answer, dict), answer
        assert {field: answer[field] for field in wanted} == wanted
