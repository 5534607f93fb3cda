#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: host
short_description: Make a host's part of a weave network what a document says
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - Brings a host to what its document says of router, peers, addresses of its own, packet filter and containers.
  - The document is exact for what it names and silent about what it does not name. Peers that are listed are all there
    are, the addresses of a container are all it has; a container that is not listed is left alone.
  - Everything that is wrong with a document is found at once, before anything is touched.
options:
  state:
    description:
      - C(present) is what the document says.
      - C(absent) removes everything that weave made on the host, and nothing else, whatever the document says. Containers
        stay, without their interfaces.
    type: str
    choices: [present, absent]
    default: present
  document:
    description:
      - The host's document as data, with the fields C(ensure), C(router), C(peers), C(expose), C(publish), C(firewall),
        C(containers) and C(purge_containers). The command C(weave schema host) prints what each of them takes.
      - Needed with I(state=present), unless there is I(file).
      - Options of containers may hold secrets, so the document stands neither in the log of the target nor in the result.
        The values of environment variables are left out of the diff; a command is not, so set C(no_log) on the task
        where one holds a secret.
    type: dict
  file:
    description: The path of a file on the target that holds the document, as YAML or JSON.
    type: path
extends_documentation_fragment:
  - weave.net.target
  - weave.net.attributes
seealso:
  - module: weave.net.fleet
'''

EXAMPLES = r'''
---
- name: Join two containers to the network
  weave.net.host:
    document:
      router: {}
      peers: [192.0.2.1, 192.0.2.2]
      expose: [10.0.0.1/16]
      containers:
        # Weave runs this one.
        pg.example.com:
          ips: [10.0.1.21/16]
          image: postgres:16
          options: '-h pg.example.com --memory=2g --restart=always -v /data/pg:/var/lib/postgresql'
        # Of this one it looks after the addresses only.
        cache.example.com:
          ips: [10.0.1.22/16]

- name: Take the document that lies on the host
  weave.net.host:
    file: /etc/weave/host.yaml

- name: Leave the network
  weave.net.host:
    state: absent
'''

RETURN = r'''
---
host:
  description: This host afterwards, and in check mode as it is, as a document that I(document) takes.
  returned: success, and where only a part failed
  type: dict
  sample:
    ensure: present
    router: {kind: vxlan, port: 6783, vni: 6783, mtu: auto, underlay: 192.0.2.1, bridge: weave}
    peers: [192.0.2.2]
    expose: [10.0.0.1/16]
    firewall: {manage: true}
    containers:
      pg.example.com: {ips: [10.0.1.21/16]}
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
  sample: document.peers[0]
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
findings:
  description: Everything that is wrong with the document, each with C(subject), C(message), and where known C(file), C(line).
  returned: failure
  type: list
  elements: dict
'''

from ansible_collections.weave.net.plugins.module_utils.operation import Module, section


def main():
    module = Module(
        argument_spec=dict(
            state=dict(type='str', choices=['present', 'absent'], default='present'),
            document=dict(type='dict', no_log=True),
            file=dict(type='path'),
        ),
        mutually_exclusive=[('document', 'file')],
        required_if=[('state', 'present', ('document', 'file'), True)],
        supports_check_mode=True,
    )
    if module.params['state'] == 'present':
        operation, arguments = 'apply', module.arguments('document', 'file')
    else:
        operation, arguments = 'reset', {}
    module.operate(operation, arguments, lambda report: dict(host=section(report)))


if __name__ == '__main__':
    main()
