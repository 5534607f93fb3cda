# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type


class ModuleDocFragment(object):
    """What every module needs of the host that it acts on."""

    DOCUMENTATION = r'''
options: {}
requirements:
  - Linux and root
  - the Python package C(weave_py) in the interpreter that Ansible uses on the target, or the command C(weave) there
notes:
  - The target needs weave itself, and the controller only this collection. The role C(weave.net.install) brings weave to
    the target.
  - Environment variables that weave knows, such as C(DOCKER_HOST) for an engine that listens elsewhere, or
    C(WEAVE_LOCK_TIMEOUT) and C(WEAVE_ENGINE_TIMEOUT), the seconds to wait for another weave on the host and for an answer
    of the engine, can be set with the keyword C(environment) of the task.
  - What C(changed), the diff, and C(actions) say in check mode is what the same task does without it.
  - When a step fails, those before it are undone.
'''
