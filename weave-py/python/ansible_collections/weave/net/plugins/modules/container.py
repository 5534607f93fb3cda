#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: container
short_description: Run a Docker container on a weave network
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - Runs a container and gives it its addresses on the network.
  - A container that is there is compared with what is asked, option by option; defaults of the image and of Docker are no
    differences. What can be changed in place is. For the rest a new container is made beside the old one, which takes its
    name, its nameless volumes and its addresses once it has stayed up; else the old one comes back.
  - Containers that weave did not make are never changed or removed; where one differs, the task fails.
options:
  name:
    description: The container's name.
    type: str
    required: true
  state:
    description:
      - C(present) is as the other options say.
      - C(latest) is the same, from the newest image that its registry has.
      - C(absent) removes the container, if weave made it. Its volumes stay. Besides I(name), no option is read.
    type: str
    choices: [present, latest, absent]
    default: present
  image:
    description:
      - The image, as C(docker run) takes it.
      - Needed unless I(state=absent).
    type: str
  command:
    description:
      - The command, where it is not the image's. One line, split as a shell does, or a list of words.
      - It stands neither in the log of the target nor in the options of the result, but in the diff.
    type: raw
  options:
    description:
      - Options of C(docker run). One line, a list of lines, or a map with the long names.
      - What is not given is left to the image and to Docker.
      - They may hold secrets, so they stand neither in the log of the target nor in the options of the result. The values
        of environment variables are left out of the diff, too.
    type: raw
  ips:
    description: All addresses on the network, with their prefix lengths. An empty list takes the container off it.
    type: list
    elements: str
  run_state:
    description:
      - What the container should be doing; a document calls it C(state). It runs where nothing is said.
      - With C(created), whether it runs is left alone.
    type: str
    choices: [running, stopped, created]
  on_change:
    description:
      - What happens if the container was made with other settings. It is made anew where nothing is said.
      - With C(report) it stays, and a warning says what differs; with C(ignore) it stays.
    type: str
    choices: [recreate, report, ignore]
  pull:
    description: When the image is fetched; when the engine does not have it, where nothing is said.
    type: str
    choices: [missing, always, never]
  attach:
    description:
      - When the container gets its interface; at once after its start, where nothing is said.
      - With C(before_start) its process finds the interface at each start, also after a restart. A second container holds
        its network.
    type: str
    choices: [after_start, before_start]
extends_documentation_fragment:
  - weave.net.attachment
  - weave.net.target
  - weave.net.attributes
'''

EXAMPLES = r'''
---
- name: Run a database on the network
  weave.net.container:
    name: pg.example.com
    image: postgres:16
    ips: [10.0.1.21/16]
    options: '-h pg.example.com --memory=2g --restart=always -v /data/pg:/var/lib/postgresql'

- name: The same, with a map
  weave.net.container:
    name: pg.example.com
    image: postgres:16
    ips: [10.0.1.21/16]
    options:
      hostname: pg.example.com
      memory: 2g
      restart: always
      volume: ['/data/pg:/var/lib/postgresql']
      env: {POSTGRES_PASSWORD: '{{ vault_postgres_password }}'}

- name: Remove it, and keep its volumes
  weave.net.container:
    name: pg.example.com
    state: absent
'''

RETURN = r'''
---
container:
  description:
    - What a document says of the container afterwards, and in check mode of the one that there is.
    - Empty where there is none.
  returned: success
  type: dict
  sample: {ips: [10.0.1.21/16], image: 'postgres:16', state: running}
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
  sample: options.memory
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
            name=dict(type='str', required=True),
            state=dict(type='str', choices=['present', 'latest', 'absent'], default='present'),
            image=dict(type='str'),
            command=dict(type='raw', no_log=True),
            options=dict(type='raw', no_log=True),
            ips=dict(type='list', elements='str'),
            run_state=dict(type='str', choices=['running', 'stopped', 'created']),
            on_change=dict(type='str', choices=['recreate', 'report', 'ignore']),
            pull=dict(type='str', choices=['missing', 'always', 'never']),
            attach=dict(type='str', choices=['after_start', 'before_start']),
        ),
        required_if=[('state', 'present', ('image',)), ('state', 'latest', ('image',))],
        supports_check_mode=True,
    )
    if module.params['state'] == 'absent':
        operation, arguments = 'remove', module.arguments('name')
    else:
        names = ('name', 'image', 'command', 'options', 'ips', 'on_change', 'pull', 'attach')
        operation, arguments = 'run', module.arguments(*(names + tuple(ATTACHMENT)))
        # What a document calls `ensure` and `state`.
        arguments.update(ensure=module.params['state'], state=module.params['run_state'])
    module.operate(operation, arguments, lambda report: dict(container=only_container(report)))


if __name__ == '__main__':
    main()
