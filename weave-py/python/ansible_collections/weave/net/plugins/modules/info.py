#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: info
short_description: Tell what a weave network is like on a host
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - Returns the host's part of the network as a document, the details of its router, peers and attachments, and facts
    about all its containers.
options:
  mask_env:
    description: Whether values of environment variables of containers are hidden.
    type: bool
    default: true
  latest:
    description:
      - Whether the registry is asked for the newest image of a router in a container.
      - The answer is C(status.router.latest), with C(image), C(digest), C(newer), or C(why) it is not known.
    type: bool
    default: false
extends_documentation_fragment:
  - weave.net.target
  - weave.net.attributes.reading
'''

EXAMPLES = r'''
---
- name: Look at the network
  weave.net.info:
  register: weave

- name: Show who is attached
  ansible.builtin.debug:
    msg: "{{ weave.facts.weave_networked_containers.by_ip }}"

- name: Keep the host as a document
  ansible.builtin.copy:
    content: "{{ weave.host | to_nice_yaml }}"
    dest: /etc/weave/host.yaml
    mode: '0600'
'''

RETURN = r'''
---
host:
  description: The host as a document that M(weave.net.host) takes.
  returned: success
  type: dict
  sample:
    ensure: present
    router: {kind: vxlan, port: 6783, vni: 6783, mtu: auto, underlay: 192.0.2.1, bridge: weave}
    peers: [192.0.2.2]
status:
  description:
    - Details, with C(version), C(router), C(peers) with path and MTU of each, C(exposures), C(firewall) and
      C(attachments).
    - Of a router in a container C(router) has its C(name), C(image), C(version), C(encryption), C(allocation),
      C(connections) and others besides, C(why) where it does not run, and each of C(peers) its C(connection).
  returned: success
  type: dict
facts:
  description:
    - The facts C(docker_hosted_containers), C(weave_networked_containers), C(weave_router_ip_on_docker_bridge),
      C(weave_peers) and C(weave_versions), which has C(router) where one runs in a container.
  returned: success
  type: dict
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
  sample: engine
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

from ansible_collections.weave.net.plugins.module_utils.call import call
from ansible_collections.weave.net.plugins.module_utils.operation import Module, section


def main():
    module = Module(
        argument_spec=dict(mask_env=dict(type='bool', default=True), latest=dict(type='bool', default=False)),
        supports_check_mode=True,
    )
    facts, errors = call(module, 'facts', module.arguments('mask_env'))
    module.fail_if(errors)
    for warning in facts['warnings']:
        module.warn(warning)
    module.operate('status', module.arguments('latest'), lambda report: dict(
        host=section(report),
        status=report['result'],
        facts=facts['result'],
    ))


if __name__ == '__main__':
    main()
