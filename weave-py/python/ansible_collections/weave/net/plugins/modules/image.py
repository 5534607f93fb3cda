#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: image
short_description: Build a Docker image unless what it is built from is as it was
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - Builds an image from a directory on the target, a Dockerfile's text, or both.
  - An image that was built from the same is left alone. What counts are the files that are sent, their modes, the
    Dockerfile, I(build_args), I(target), I(platform) and I(labels); a hash over them is in the image's label
    C(weave.context).
  - Nothing removes an image, since others may use it.
options:
  tag:
    description: The image's name, such as C(app:1.2) or C(registry.example.com/app).
    type: str
    required: true
  context:
    description: The directory on the target that is sent to the engine, without what its C(.dockerignore) leaves out.
    type: path
  dockerfile:
    description: The Dockerfile, as a path in I(context); C(Dockerfile) where nothing is said.
    type: str
  content:
    description:
      - The text of a Dockerfile that stands nowhere. Then no I(context) is needed.
      - It stands neither in the log of the target nor in the result.
    type: str
  build_args:
    description:
      - Values for the C(ARG)s of the Dockerfile. A map, or a list of C(NAME=VALUE).
      - They may be secrets, so they stand neither in the log of the target nor in the result.
    type: raw
  target:
    description: The stage to stop after, in a Dockerfile with several.
    type: str
  platform:
    description: The platform, where another than the engine's is wanted, such as C(linux/arm64).
    type: str
  pull:
    description: Whether the registry is asked for newer base images once the image has to be built.
    type: bool
  no_cache:
    description: Whether layers of earlier builds are left unused once the image has to be built.
    type: bool
  labels:
    description: Labels of the image. A map, or a list of C(NAME=VALUE).
    type: raw
extends_documentation_fragment:
  - weave.net.target
  - weave.net.attributes
seealso:
  - module: weave.net.container
'''

EXAMPLES = r'''
---
- name: Build an image from a directory of the host
  weave.net.image:
    tag: app:1.2
    context: /srv/app
    build_args: {RELEASE: '1.2'}

- name: Build an image from the text of a Dockerfile
  weave.net.image:
    tag: tools
    content: |
      FROM debian:12
      RUN apt-get update && apt-get install -y iputils-ping
'''

RETURN = r'''
---
image:
  description: The image.
  returned: success
  type: dict
  contains:
    id:
      description: Its id; nothing in check mode where it would be another.
      type: str
    why:
      description: Why it was or would be built; nothing where it was not.
      type: str
  sample: {id: 'sha256:5b0bcabd1ed2', why: there is no image of that name}
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
  sample: context
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

from ansible_collections.weave.net.plugins.module_utils.operation import Module


def main():
    module = Module(
        argument_spec=dict(
            tag=dict(type='str', required=True),
            context=dict(type='path'),
            dockerfile=dict(type='str'),
            content=dict(type='str', no_log=True),
            build_args=dict(type='raw', no_log=True),
            target=dict(type='str'),
            platform=dict(type='str'),
            pull=dict(type='bool'),
            no_cache=dict(type='bool'),
            labels=dict(type='raw'),
        ),
        required_one_of=[('context', 'content')],
        supports_check_mode=True,
    )
    module.operate('build', module.params, lambda report: dict(image=report['result']))


if __name__ == '__main__':
    main()
