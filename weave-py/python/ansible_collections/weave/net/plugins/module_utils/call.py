# SPDX-License-Identifier: MIT OR Apache-2.0
"""The one way from a module into weave: the library where it can be loaded, else the command."""

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

import json
import traceback

from ansible.module_utils.basic import missing_required_lib

WEAVE_PY_ERROR = None
try:
    import weave_py
except ImportError:
    WEAVE_PY_ERROR = traceback.format_exc()

# Where the command is put by hand; the path that sudo sets often lacks it.
LOCAL = ['/usr/local/bin']

ERROR_FIELDS = ('kind', 'op', 'subject', 'message', 'errno', 'hint', 'left', 'findings')


def call(module, operation, arguments):
    """Carry out an operation, or in check mode plan it, and return its report and its errors.

    An argument that is C(None) is not given. There is no report where nothing of the operation was done.
    """
    given = dict((name, value) for name, value in arguments.items() if value is not None)
    if WEAVE_PY_ERROR is None:
        return by_library(module, operation, given)
    command = module.get_bin_path('weave') or module.get_bin_path('weave', opt_dirs=LOCAL)
    if command:
        return by_command(module, command, operation, given)
    msg = '%s Or put the weave command on the path of this host; it is used where the library is not.'
    module.fail_json(msg=msg % missing_required_lib('weave_py'), exception=WEAVE_PY_ERROR)


def by_library(module, operation, given):
    try:
        return weave_py.call(operation, given, check=module.check_mode), []
    except weave_py.WeaveError as error:
        if error.report:
            return error.report, error.report['errors']
        return None, [dict((name, getattr(error, name)) for name in ERROR_FIELDS)]
    except TypeError as error:
        return None, [no_data(operation, error)]


def by_command(module, command, operation, given):
    try:
        # On stdin, since everybody on the host sees the words of a command.
        arguments = json.dumps(given)
    except TypeError as error:
        return None, [no_data(operation, error)]
    out = err = ''
    words = [command, 'call', operation, '-', '--json'] + (['--check'] if module.check_mode else [])
    try:
        # One that does not read what it is given ends with a broken pipe.
        out, err = module.run_command(words, data=arguments, handle_exceptions=False)[1:]
        answer = json.loads(out)
    except (EnvironmentError, ValueError) as error:
        msg = '%s printed no report; is it the command of this weave, and not the classic script? %s'
        module.fail_json(msg=msg % (command, error), stdout=out, stderr=err)
    if 'error' in answer:
        return None, [answer['error']]
    return answer, answer['errors']


def no_data(operation, error):
    return {'kind': 'invalid_spec', 'op': operation, 'message': str(error)}
