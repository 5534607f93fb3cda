#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: peer
short_description: Add or remove peers of a weave router
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - Peers are the other hosts of the network. The router has to run.
options:
  peers:
    description:
      - Addresses or names, with or without C(:PORT).
      - A host's own addresses are left out by themselves, so that the list may be the same on all hosts.
    type: list
    elements: str
    required: true
  replace:
    description:
      - Whether peers that are not listed are removed.
      - Has no meaning with I(state=absent), which removes those that are listed.
    type: bool
    default: false
  state:
    description: Whether the router should have them.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - weave.net.target
  - weave.net.attributes
seealso:
  - module: weave.net.router
'''

EXAMPLES = r'''
---
- name: Add peers, and keep those that are there
  weave.net.peer:
    peers: [192.0.2.3, 192.0.2.4]

- name: Have all hosts of the play as peers, and no others
  weave.net.peer:
    peers: "{{ ansible_play_hosts_all | map('extract', hostvars, 'ansible_host') | list }}"
    replace: true

- name: Remove a peer
  weave.net.peer:
    peers: [192.0.2.4]
    state: absent
'''

RETURN = r'''
---
peers:
  description: All peers afterwards; in check mode those that there are.
  returned: success
  type: list
  elements: str
  sample: [192.0.2.2, 192.0.2.3]
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
  sample: peers[0]
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


def main():
    module = Module(
        argument_spec=dict(
            peers=dict(type='list', elements='str', required=True),
            replace=dict(type='bool', default=False),
            state=dict(type='str', choices=['present', 'absent'], default='present'),
        ),
        supports_check_mode=True,
    )
    if module.params['state'] == 'present':
        operation, arguments = 'connect', module.arguments('peers', 'replace')
    else:
        operation, arguments = 'forget', module.arguments('peers')
    module.operate(operation, arguments, lambda report: dict(peers=section(report).get('peers') or []))


if __name__ == '__main__':
    main()
