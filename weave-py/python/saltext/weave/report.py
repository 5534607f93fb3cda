"""Reports and errors of the library, in the words that Salt has for them."""

from __future__ import annotations

from typing import Any

from weave_py.errors import WeaveError, error_of

#: So many fields are named in a comment; all of them stand in ``changes``.
NAMED = 8


def changes(report: dict[str, Any]) -> dict[str, Any]:
    """Return what changed, as ``old`` and ``new`` of each field."""
    if not report["changed"]:
        return {}
    fields = {_field(change): {"old": change["before"], "new": change["after"]} for change in report["changes"]}
    # Some steps mend what no field of a document names; Salt takes a state without changes for unchanged.
    return fields or {"steps": {"old": None, "new": report["steps"]}}


def _field(change: dict[str, Any]) -> str:
    subject, field = change["subject"], change["field"]
    return subject if subject == field else f"{subject}.{field}"


def names(changed: dict[str, Any]) -> str:
    """Return the names of the fields that changed, the first of them where they are many."""
    fields = list(changed)
    more = [f"and {len(fields) - NAMED} more"] if len(fields) > NAMED else []
    return ", ".join(fields[:NAMED] + more)


def failure(error: WeaveError | TypeError) -> str:
    """Return all that went wrong: kind, text and hint of each error, and what could not be undone."""
    if isinstance(error, TypeError):
        return f"invalid_spec: {error}"
    errors = [error_of(one) for one in error.report["errors"]] if error.report else [error]
    return "\n".join(line for one in errors for line in _lines(one))


def _lines(error: WeaveError) -> list[str]:
    lines = [f"{error.kind}: {error}"]
    lines += [f"  not undone: {left}" for left in error.left]
    # The first finding stands in the error's own text.
    if len(error.findings) > 1:
        return lines + [f"  {_finding(finding)}" for finding in error.findings]
    return [*lines, f"  hint: {error.hint}"] if error.hint else lines


def _finding(finding: dict[str, Any]) -> str:
    place = ":".join(str(finding[part]) for part in ("file", "line") if part in finding)
    level = "warning" if finding["level"] == "warning" else ""
    text = ": ".join(part for part in (place, level, finding["subject"], finding["message"]) if part)
    return f"{text} (hint: {finding['hint']})" if finding.get("hint") else text
