"""Calls one operation as a script would, and tells what came of it."""

import inspect
import json
import pathlib
import sys

import weave_py

asked = json.load(sys.stdin)
operation = getattr(weave_py, asked["operation"])
arguments = asked["arguments"]
if "file" in arguments and asked["operation"] == "apply":
    arguments["document"] = pathlib.Path(arguments.pop("file"))
if "check" in inspect.signature(operation).parameters:
    arguments["check"] = asked["check"]
try:
    print(json.dumps({"report": operation(**arguments)}))
except weave_py.WeaveError as error:
    raised = {
        "kind": error.kind,
        "op": error.op,
        "subject": error.subject,
        "message": error.message,
        "errno": error.errno,
        "hint": error.hint,
        "left": error.left,
        "findings": error.findings,
    }
    print(json.dumps({"raised": raised, "report": error.report}))
