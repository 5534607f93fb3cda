# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type


class ModuleDocFragment(object):
    """What a module can do besides its work."""

    DOCUMENTATION = r'''
options: {}
attributes:
  check_mode:
    description: Can run in check mode, say what would change, and touch nothing.
    support: full
  diff_mode:
    description: Returns what differs in diff mode.
    support: full
  idempotent:
    description: When it runs a second time and nothing else happened in between, it changes nothing.
    support: full
  platform:
    description: The system that it acts on.
    support: full
    platforms: linux
'''

    READING = r'''
options: {}
attributes:
  check_mode:
    description: Can run in check mode, say what would change, and touch nothing.
    support: full
    details: It only reads.
  diff_mode:
    description: Returns what differs in diff mode.
    support: N/A
    details: It only reads.
  idempotent:
    description: When it runs a second time and nothing else happened in between, it changes nothing.
    support: full
    details: It only reads.
  platform:
    description: The system that it acts on.
    support: full
    platforms: linux
'''
