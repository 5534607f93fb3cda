# SPDX-License-Identifier: MIT OR Apache-2.0
"""What all modules have in common: how one is made, and how the report of an operation becomes its result."""

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.weave.net.plugins.module_utils.call import call

HIDDEN = 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER'

# The settings of an attachment, besides the container and its addresses.
ATTACHMENT = dict(
    interface=dict(type='str'),
    mtu=dict(type='str'),
    mac=dict(type='str'),
    gateway=dict(type='str'),
    routes=dict(type='list', elements='raw'),
    multicast=dict(type='bool'),
    probe=dict(type='bool'),
)


class Module(AnsibleModule):
    """A module whose options with secrets stay out of logs and results, while everything else can be read."""

    def __init__(self, *args, **kwargs):
        super(Module, self).__init__(*args, **kwargs)
        # Each value of an option with no_log would be blotted out wherever it occurs in the result, even where a
        # container's option is `-d`. The core leaves out what is secret; the options themselves are left out below.
        self.no_log_values.clear()

    def arguments(self, *names):
        """Return the options that are arguments of an operation."""
        return dict((name, plain(self.params[name], self.argument_spec[name])) for name in names)

    def operate(self, operation, arguments, data):
        """Carry out an operation and end with its result; C(data) takes from the report what the module returns."""
        report, errors = call(self, operation, arguments)
        result = dict(changed=False)
        if report:
            for warning in report['warnings']:
                self.warn(warning)
            result.update(changed=report['changed'], actions=report['steps'], diff=difference(report['changes']))
            result.update(data(report))
        if errors:
            self.fail_json(**dict(result, **failure(errors)))
        self.exit_json(**result)

    def fail_if(self, errors):
        """End where an operation that is only a part of the module's work has failed."""
        if errors:
            self.fail_json(**failure(errors))

    def exit_json(self, **result):
        """End well."""
        super(Module, self).exit_json(**dict(result, invocation=self._invocation()))

    def fail_json(self, msg, **result):
        """End badly."""
        super(Module, self).fail_json(msg, **dict(result, invocation=self._invocation()))

    def _invocation(self):
        secret = [name for name, option in self.argument_spec.items() if option.get('no_log')]
        return dict(module_args=dict(
            (name, HIDDEN if name in secret and value is not None else value) for name, value in self.params.items()
        ))


def plain(value, option):
    """Return a value without what Ansible leaves in it: nothing for suboptions, blanks around the parts of a line."""
    if value is not None and 'options' in option:
        return dict((name, part) for name, part in value.items() if part is not None)
    if value is not None and option.get('elements') == 'str':
        return [part.strip() for part in value]
    return value


def difference(changes):
    """Return what differs, by subject and field; where there is nothing, nothing is said."""
    sides = {}
    for side in ('before', 'after'):
        sides[side] = {}
        for change in changes:
            fields = sides[side].setdefault(change['subject'], {})
            if change[side] is not None:
                fields[change['field']] = change[side]
    return sides


def failure(errors):
    """Return what a result says of errors: the text of all, and the fields of the first."""
    first = errors[0]
    fields = dict((name, first.get(name)) for name in ('kind', 'subject', 'hint', 'errno'))
    fields.update((name, first.get(name) or []) for name in ('findings', 'left'))
    return dict(fields, msg=' '.join(sentence(error) for error in errors), errors=errors)


def sentence(error):
    """Return the operation, the subject, the cause, and what to do about it."""
    parts = [error.get(name) for name in ('op', 'subject', 'message')]
    said = [': '.join(part for part in parts if part)]
    if error.get('hint'):
        said.append('Hint: ' + error['hint'])
    return ' '.join(part if part.endswith(('.', '?', '!')) else part + '.' for part in said)


def section(report, *path):
    """Return a part of the host's document afterwards; nothing where there is none."""
    part = report.get('state') or {}
    for name in path:
        part = part.get(name) or {}
    return part


def only_container(report):
    """Return what a document says of the container that an operation is about, by whichever name it was asked for."""
    return next(iter(section(report, 'containers').values()), {})
