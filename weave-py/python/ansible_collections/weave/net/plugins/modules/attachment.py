#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: attachment
short_description: Give a container addresses on a weave network
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - Gives a container that somebody else runs an interface on the network, and addresses, besides those it has.
  - The container has to run. One that restarts loses its interface; the same task gives it back.
  - To say all addresses that a container has, and no others, use M(weave.net.host).
options:
  container:
    description: Name or id of the container, or C(netns:PATH), or C(pid:N).
    type: str
    required: true
  ips:
    description:
      - Addresses with their prefix lengths, or requests for one that a router in a container allocates, C(net:default) or
        C(net:10.2.1.0/24).
      - Needed with I(state=present). With I(state=absent) those that are listed are taken away, or all where it is
        left out; an empty list is refused, as it may have come out empty by mistake. The interface goes with the last.
    type: list
    elements: str
  state:
    description:
      - Whether the container should have the addresses.
      - With C(absent), only I(container), I(ips) and I(interface) are read.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - weave.net.attachment
  - weave.net.target
  - weave.net.attributes
'''

EXAMPLES = r'''
---
- name: Give a container two addresses
  weave.net.attachment:
    container: db
    ips: [10.2.1.4/24, 10.2.2.4/24]

- name: Route a network through the interface
  weave.net.attachment:
    container: db
    ips: [10.2.1.4/24]
    routes: [10.9.0.0/16 via 10.2.1.1]

- name: Attach a bare network namespace
  weave.net.attachment:
    container: netns:/run/netns/test
    ips: [10.2.1.3/24]

- name: Take the container off the network
  weave.net.attachment:
    container: db
    state: absent
'''

RETURN = r'''
---
attachment:
  description:
    - The attachment afterwards, and in check mode as it is, as a document says it of a container.
    - Empty where there is none.
  returned: success
  type: dict
  sample: {ips: [10.2.1.4/24]}
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

from ansible_collections.weave.net.plugins.module_utils.operation import ATTACHMENT, Module, only_container


def main():
    module = Module(
        argument_spec=dict(
            ATTACHMENT,
            container=dict(type='str', required=True),
            ips=dict(type='list', elements='str'),
            state=dict(type='str', choices=['present', 'absent'], default='present'),
        ),
        required_if=[('state', 'present', ('ips',))],
        supports_check_mode=True,
    )
    if module.params['state'] == 'present':
        operation, arguments = 'attach', module.arguments('container', 'ips', *ATTACHMENT)
    else:
        operation, arguments = 'detach', module.arguments('container', 'ips', 'interface')
    module.operate(operation, arguments, lambda report: dict(attachment=only_container(report)))


if __name__ == '__main__':
    main()
