#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: router
short_description: Launch or stop the router of a weave network
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - The router carries frames between hosts. It is a VXLAN device on a bridge, both of them in the kernel.
  - An option that is not given stays as it is, or takes its default when the router is made.
options:
  state:
    description:
      - C(present) launches the router, and changes in place what differs.
      - C(absent) stops it. Bridge, attachments and exposed addresses stay; with M(weave.net.host) everything goes.
        All other options are left unread.
    type: str
    choices: [present, absent]
    default: present
  peers:
    description: Other hosts, by address or name, to add to those that the router has. M(weave.net.peer) takes them away.
    type: list
    elements: str
  kind:
    description: How frames are carried; C(vxlan) is the only way.
    type: str
    choices: [vxlan]
  port:
    description: UDP port, the same on all hosts; 6783 when the router is made.
    type: int
  vni:
    description: VXLAN network identifier, 1 to 16777215, the same on all hosts; 6783 when the router is made.
    type: int
  mtu:
    description:
      - MTU of the network in bytes, or C(auto).
      - C(auto), as when the router is made, is what the paths to the peers leave.
    type: str
  underlay:
    description: This host's end of the tunnel. An address, an interface, or a network such as 192.0.2.0/24.
    type: str
  bridge:
    description: The name of the bridge; C(weave) when the router is made.
    type: str
  firewall:
    description: Who looks after the packet filter.
    type: dict
    suboptions:
      manage:
        description: Whether weave makes and keeps its rules.
        type: bool
extends_documentation_fragment:
  - weave.net.target
  - weave.net.attributes
seealso:
  - module: weave.net.peer
'''

EXAMPLES = r'''
---
- name: Launch the router
  weave.net.router:
    peers: [192.0.2.1, 192.0.2.2]
    underlay: 192.0.2.0/24

- name: Make packets smaller, in place
  weave.net.router:
    mtu: 1400

- name: Stop carrying frames between hosts
  weave.net.router:
    state: absent
'''

RETURN = r'''
---
router:
  description: The router afterwards, and in check mode as it is, as in a document; empty where there is none.
  returned: success
  type: dict
  sample: {kind: vxlan, port: 6783, vni: 6783, mtu: auto, underlay: 192.0.2.1, bridge: weave}
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
            state=dict(type='str', choices=['present', 'absent'], default='present'),
            peers=dict(type='list', elements='str'),
            kind=dict(type='str', choices=['vxlan']),
            port=dict(type='int'),
            vni=dict(type='int'),
            mtu=dict(type='str'),
            underlay=dict(type='str'),
            bridge=dict(type='str'),
            firewall=dict(type='dict', options=dict(manage=dict(type='bool'))),
        ),
        supports_check_mode=True,
    )
    if module.params['state'] == 'present':
        names = ('peers', 'kind', 'port', 'vni', 'mtu', 'underlay', 'bridge', 'firewall')
        operation, arguments = 'launch', module.arguments(*names)
    else:
        operation, arguments = 'stop', {}
    module.operate(operation, arguments, lambda report: dict(router=section(report, 'router')))


if __name__ == '__main__':
    main()
