#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: publication
short_description: Pass a port of a host on to a container of a weave network
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - Passes a port of the host on to a container, on this host or on another.
  - The host needs an address in the container's network; see M(weave.net.exposure).
options:
  host_port:
    description: The port of the host.
    type: int
    required: true
  to:
    description:
      - Where it leads. The name of a container of this host, or the address on the network of one on any host.
      - Needed with I(state=present), and not compared with I(state=absent).
    type: str
  port:
    description:
      - The port there; the same as I(host_port) where nothing is said.
      - Is not compared with I(state=absent).
    type: int
  protocol:
    description: What runs over it; C(tcp) where nothing is said.
    type: str
    choices: [tcp, udp, sctp]
  host_ip:
    description:
      - The address of the host that it is published on; all of them where nothing is said.
      - With I(state=absent), only what is published on that address is taken back.
    type: str
  masquerade:
    description:
      - Whether the container sees the host's address in the place of its client's; it does where nothing is said.
      - Is not compared with I(state=absent).
    type: bool
  state:
    description: Whether the port should be published.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - weave.net.target
  - weave.net.attributes
'''

EXAMPLES = r'''
---
- name: Publish a web server
  weave.net.publication:
    host_port: 8080
    to: web
    port: 80

- name: Take the port back
  weave.net.publication:
    host_port: 8080
    state: absent
'''

RETURN = r'''
---
publications:
  description: All published ports of the host afterwards; in check mode those that it has.
  returned: success
  type: list
  elements: dict
  sample:
    - host_port: 8080
      to: 10.2.1.4
      port: 80
actions:
  description: What was done, or in check mode would be done, each as the command line that it equals.
  returned: success, and where only a part failed
  type: list
  elements: str
  sample: ['ip link set weave up']
diff:
  description: What differs, by subject and field; what was nothing before, or is nothing after, is left out.
  returned: success, and where only a part failed
  type: dict
  sample: {before: {router: {mtu: 1450}}, after: {router: {mtu: 1400}}}
kind:
  description:
    - The kind of failure. One of C(invalid_spec), C(not_found), C(conflict), C(permission_denied),
      C(container_not_running), C(kernel), C(docker), C(firewall), C(router), C(verify_failed), C(timeout),
      C(unsupported).
  returned: failure
  type: str
  sample: invalid_spec
subject:
  description: The field, container, link or file that the failure is about.
  returned: failure
  type: str
  sample: ips[0]
hint:
  description: What to do about it.
  returned: failure, where there is a hint
  type: str
errno:
  description: The kernel's error number.
  returned: failure of the kernel
  type: int
errors:
  description: Everything that failed, each with C(kind), C(subject), C(message), C(errno) and C(hint).
  returned: failure
  type: list
  elements: dict
left:
  description: What was done and could not be undone.
  returned: failure
  type: list
  elements: str
'''

from ansible_collections.weave.net.plugins.module_utils.operation import Module, section


def published(report):
    """Return all published ports."""
    return dict(publications=section(report).get('publish') or [])


def main():
    fields = ('host_port', 'to', 'port', 'protocol', 'host_ip', 'masquerade')
    module = Module(
        argument_spec=dict(
            host_port=dict(type='int', required=True),
            to=dict(type='str'),
            port=dict(type='int'),
            protocol=dict(type='str', choices=['tcp', 'udp', 'sctp']),
            host_ip=dict(type='str'),
            masquerade=dict(type='bool'),
            state=dict(type='str', choices=['present', 'absent'], default='present'),
        ),
        required_if=[('state', 'present', ('to',))],
        supports_check_mode=True,
    )
    operation = 'publish' if module.params['state'] == 'present' else 'unpublish'
    module.operate(operation, module.arguments(*fields), published)


if __name__ == '__main__':
    main()
