"""Join this host's containers to the network, as a document says: join.py [--host NAME] host.yaml."""

from __future__ import annotations

import argparse
import pathlib
import sys

import weave_py


def main() -> int:
    """Apply the document, and tell what changed or what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", type=pathlib.Path, help="of a host, or of a fleet")
    parser.add_argument("--host", help="which host of the fleet this is")
    words = parser.parse_args()
    try:
        report = weave_py.apply(words.document, host=words.host)
    except weave_py.WeaveError as error:
        print(error, *([error.hint] if error.hint else []), sep="\n", file=sys.stderr)
        # Of a document, what can be done is done, whatever else fails.
        for failure in error.report["errors"][1:] if error.report else []:
            print(failure["subject"], failure["message"], sep=": ", file=sys.stderr)
        return 1
    for warning in report["warnings"]:
        print("warning:", warning, file=sys.stderr)
    for change in report["changes"]:
        print(f"{change['subject']} {change['field']}: {change['before']} -> {change['after']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
