# SPDX-License-Identifier: MIT OR Apache-2.0
# Both licences may be combined with the GNU General Public License v3.0 of Ansible itself.

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type


class ModuleDocFragment(object):
    """The settings of an attachment, as in a document."""

    DOCUMENTATION = r'''
options:
  interface:
    description: The interface in the container; C(ethwe) where nothing is said.
    type: str
  mtu:
    description: MTU of the interface in bytes, or C(auto); the network's where nothing is said.
    type: str
  mac:
    description: Hardware address of the interface; made from the first address where nothing is said.
    type: str
  gateway:
    description: Next hop of a default route; none where nothing is said.
    type: str
  routes:
    description:
      - Further routes through the interface.
      - Each is a network such as C(10.9.0.0/16), C(10.9.0.0/16 via 10.2.1.1), or a map with C(to) and C(via).
    type: list
    elements: raw
  multicast:
    description: Whether 224.0.0.0/4 is routed to the network; it is where nothing is said. C(false) takes the route away.
    type: bool
  probe:
    description: Whether the network is asked first if somebody has the addresses already; it is where nothing is said.
    type: bool
'''
