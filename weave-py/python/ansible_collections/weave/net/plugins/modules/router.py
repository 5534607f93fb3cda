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
  - The router carries frames between hosts. It is a VXLAN device on a bridge, both of them in the kernel; or, with I(kind)
    C(image), a router in a container, which can encrypt and which speaks with hosts that run such a router already.
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
    description: How frames are carried; C(vxlan) when the router is made.
    type: str
    choices: [vxlan, image]
  port:
    description: Port of the router, the same on all hosts; 6783 when the router is made.
    type: int
  vni:
    description:
      - VXLAN network identifier, 1 to 16777215, the same on all hosts; 6783 when the router is made.
      - Not with I(kind) C(image).
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
  image:
    description:
      - The router's image, such as C(weaveworks/weave:2.8.1).
      - This and all options below are of I(kind) C(image).
    type: str
  name:
    description: The name of the router's container; C(weave) when it is made.
    type: str
  args:
    description:
      - Further arguments of the router, such as C(--log-level=debug); a line, or a list of words.
      - What is an option of this module is not among them.
    type: raw
  docker_options:
    description:
      - Options of C(docker run) for the router's container; a line, a list of words, or a map with the long names.
    type: raw
  password_file:
    description:
      - Absolute path of the file on the host that holds the network's password. It is read when it is applied.
      - With a password the router encrypts all that it carries.
    type: path
  nickname:
    description: What the host is called in the router's reports; the host's name when the router is made.
    type: str
  peer_name:
    description: The name that the router has among its peers, in the form of a MAC; that of the bridge where none is given.
    type: str
  trusted_subnets:
    description: Networks of the underlay in which frames go unencrypted in spite of a password.
    type: list
    elements: str
  ipalloc_range:
    description:
      - The IPv4 network that the routers allocate addresses from, the same on all hosts.
      - Without one nothing is allocated.
    type: str
  ipalloc_default_subnet:
    description: The part of it that C(net:default) means; all of it when the router is made.
    type: str
  discovery:
    description: Whether the router connects to peers that others tell it of; C(true) when the router is made.
    type: bool
  control_port:
    description: TCP port on 127.0.0.1 where the router takes orders; 6784 when the router is made.
    type: int
  pull:
    description: When the router's image is fetched; C(missing) when nothing is said.
    type: str
    choices: [missing, always, never]
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

- name: Launch a router in a container, which encrypts
  weave.net.router:
    kind: image
    image: weaveworks/weave:2.8.1
    password_file: /etc/weave/password
    ipalloc_range: 10.32.0.0/12
    peers: [192.0.2.1, 192.0.2.2]

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

# The settings of a router in a container.
IMAGE = dict(
    image=dict(type='str'),
    name=dict(type='str'),
    args=dict(type='raw', no_log=True),
    docker_options=dict(type='raw', no_log=True),
    password_file=dict(type='path', no_log=False),
    nickname=dict(type='str'),
    peer_name=dict(type='str'),
    trusted_subnets=dict(type='list', elements='str'),
    ipalloc_range=dict(type='str'),
    ipalloc_default_subnet=dict(type='str'),
    discovery=dict(type='bool'),
    control_port=dict(type='int'),
    pull=dict(type='str', choices=['missing', 'always', 'never']),
)


def main():
    module = Module(
        argument_spec=dict(
            state=dict(type='str', choices=['present', 'absent'], default='present'),
            peers=dict(type='list', elements='str'),
            kind=dict(type='str', choices=['vxlan', 'image']),
            port=dict(type='int'),
            vni=dict(type='int'),
            mtu=dict(type='str'),
            underlay=dict(type='str'),
            bridge=dict(type='str'),
            firewall=dict(type='dict', options=dict(manage=dict(type='bool'))),
            **IMAGE
        ),
        supports_check_mode=True,
    )
    if module.params['state'] == 'present':
        names = ('peers', 'kind', 'port', 'vni', 'mtu', 'underlay', 'bridge', 'firewall')
        operation, arguments = 'launch', module.arguments(*(names + tuple(IMAGE)))
    else:
        operation, arguments = 'stop', {}
    module.operate(operation, arguments, lambda report: dict(router=section(report, 'router')))


if __name__ == '__main__':
    main()
