#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: exposure
short_description: Give a host addresses on a weave network
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - Gives the host itself addresses on the network, besides those it has, so that it reaches the containers.
options:
  ips:
    description:
      - Addresses with their prefix lengths.
      - Needed with I(state=present). With I(state=absent) those that are listed are taken away, or all where none is.
    type: list
    elements: str
  masquerade:
    description:
      - Whether packets between the network and everything else take the host's address; they do where nothing is said.
      - Has no meaning with I(state=absent).
    type: bool
  state:
    description: Whether the host should have the addresses.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - weave.net.target
  - weave.net.attributes
'''

EXAMPLES = r'''
---
- name: Let the host reach the containers
  weave.net.exposure:
    ips: [10.2.1.1/24]

- name: Take all addresses of the host from the network
  weave.net.exposure:
    state: absent
'''

RETURN = r'''
---
exposure:
  description: All addresses of the host on the network afterwards; in check mode those that it has.
  returned: success
  type: list
  elements: dict
  sample:
    - ip: 10.2.1.1/24
      masquerade: true
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


def exposed(report):
    """Return the addresses, which a document says as text where they are masqueraded, each in the same form."""
    found = section(report).get('expose') or []
    return [dict(ip=each, masquerade=True) if not isinstance(each, dict) else each for each in found]


def main():
    module = Module(
        argument_spec=dict(
            ips=dict(type='list', elements='str'),
            masquerade=dict(type='bool'),
            state=dict(type='str', choices=['present', 'absent'], default='present'),
        ),
        required_if=[('state', 'present', ('ips',))],
        supports_check_mode=True,
    )
    if module.params['state'] == 'present':
        operation, arguments = 'expose', module.arguments('ips', 'masquerade')
    else:
        operation, arguments = 'hide', module.arguments('ips')
    module.operate(operation, arguments, lambda report: dict(exposure=exposed(report)))


if __name__ == '__main__':
    main()
