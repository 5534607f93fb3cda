"""Runs the operations that standard input names, and prints how many microseconds each took."""

import json
import sys
import time

import weave_py

for line in sys.stdin:
    name, arguments = json.loads(line)
    operation = getattr(weave_py, name)
    start = time.perf_counter()
    report = operation(**arguments)
    spent = time.perf_counter() - start
    if not report["changed"]:
        sys.exit(f"{name} changed nothing: {arguments}")
    print(round(spent * 1e6), flush=True)
