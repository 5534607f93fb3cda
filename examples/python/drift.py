"""Watch whether this host is still as its document says, and touch nothing: drift.py [--every SECONDS] host.yaml.

Without --every it looks once, and exits with 2 where the host differs.
"""

from __future__ import annotations

import argparse
import pathlib
import time

import weave_py


def drift(document: pathlib.Path) -> list[str]:
    """Return what applying the document would change, or why that cannot be told."""
    try:
        report = weave_py.apply(document, check=True)
    except weave_py.WeaveError as error:
        return [str(error)]
    return [
        f"{change['subject']} {change['field']}: {change['before']} instead of {change['after']}"
        for change in report["changes"]
    ]


def main() -> int:
    """Tell of each change of what differs, a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", type=pathlib.Path)
    parser.add_argument("--every", type=float, metavar="SECONDS", help="look again and again")
    words = parser.parse_args()
    known = None
    while True:
        found = drift(words.document)
        if found != known:
            print("\n".join(found) or "as the document says", flush=True)
            known = found
        if words.every is None:
            return 2 if found else 0
        time.sleep(words.every)


if __name__ == "__main__":
    raise SystemExit(main())
