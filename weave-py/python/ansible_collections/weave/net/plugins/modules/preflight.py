#!/usr/bin/python
# -*- coding: utf-8 -*-
#
# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r'''
---
module: preflight
short_description: Check whether a host has what a weave network needs
version_added: 0.1.0
author:
  - The authors of weave (!UNKNOWN)
description:
  - Tries what the kernel can do, asks the engine, reads what matters of the packet filter, and says for each thing what to
    do.
  - Fails where something is missing that weave cannot do without. C(ignore_errors) or C(failed_when) of the task let the
    play go on.
extends_documentation_fragment:
  - weave.net.target
  - weave.net.attributes.reading
'''

EXAMPLES = r'''
---
- name: See that the hosts are fit before anything is touched
  weave.net.preflight:
'''

RETURN = r'''
---
findings:
  description: What was looked at.
  returned: always
  type: list
  elements: dict
  contains:
    subject:
      description: What was looked at.
      type: str
    level:
      description: C(ok), C(warn) or C(fail).
      type: str
    message:
      description: What was found.
      type: str
    hint:
      description: What to do about it, where something is.
      type: str
  sample:
    - {subject: kernel vxlan, level: ok, message: works}
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
from ansible_collections.weave.net.plugins.module_utils.operation import Module, failure, sentence


def main():
    module = Module(argument_spec=dict(), supports_check_mode=True)
    report, errors = call(module, 'preflight', {})
    module.fail_if(errors)
    findings = report['result']['findings']
    failed = [dict(finding, kind='unsupported') for finding in findings if finding['level'] == 'fail']
    if failed:
        result = failure(failed)
        module.fail_json(**dict(result, msg='This host is not fit. ' + result['msg'], findings=findings))
    for finding in findings:
        if finding['level'] == 'warn':
            module.warn(sentence(finding))
    module.exit_json(changed=False, findings=findings)


if __name__ == '__main__':
    main()
