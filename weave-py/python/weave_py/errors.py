"""What can go wrong: one class for each kind of failure, all of them a :class:`WeaveError`."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "ConflictError",
    "ContainerNotRunningError",
    "DockerError",
    "FirewallError",
    "InvalidSpecError",
    "KernelError",
    "NotFoundError",
    "PermissionDeniedError",
    "RouterError",
    "TimeoutExpiredError",
    "UnsupportedError",
    "VerifyFailedError",
    "WeaveError",
]


class WeaveError(Exception):
    """An operation failed; what it had done is undone, as far as ``left`` does not say otherwise.

    ``str()`` is one line: the operation, the subject, the cause.
    """

    #: The kind of failure, as in JSON: ``invalid_spec``, ``not_found``, …
    kind: ClassVar[str] = ""

    def __init__(self, error: dict[str, Any], report: dict[str, Any] | None = None) -> None:
        """Take the error as an operation reports it, and the report where there is one."""
        #: The operation: ``attach``, ``apply``, …
        self.op: str | None = error.get("op")
        #: The field, container, link or file it is about.
        self.subject: str = error.get("subject", "")
        #: The cause in words.
        self.message: str = error.get("message", "")
        #: The kernel's error number.
        self.errno: int | None = error.get("errno")
        #: What to do about it.
        self.hint: str | None = error.get("hint")
        #: What could not be put back.
        self.left: list[str] = error.get("left", [])
        #: All that is wrong with a document: ``file``, ``line``, ``key`` and ``message`` of each.
        self.findings: list[dict[str, Any]] = error.get("findings", [])
        #: The report of an operation of which a part succeeded; ``report["errors"]`` has all that failed.
        self.report: dict[str, Any] | None = report
        super().__init__(error, report)

    def __str__(self) -> str:
        """Return the operation, the subject and the cause in one line."""
        return ": ".join(part for part in (self.op, self.subject, self.message) if part)


class InvalidSpecError(WeaveError, ValueError):
    """A field of the input is wrong. Nothing was touched."""

    kind = "invalid_spec"


class NotFoundError(WeaveError, LookupError):
    """A container, file, interface or program that is needed does not exist."""

    kind = "not_found"


class ConflictError(WeaveError):
    """Something foreign stands where weave would have to act, or an address is taken."""

    kind = "conflict"


class PermissionDeniedError(WeaveError):
    """The privilege for the operation is missing."""

    kind = "permission_denied"


class ContainerNotRunningError(WeaveError):
    """The container exists and does not run, so it has no network namespace."""

    kind = "container_not_running"


class KernelError(WeaveError):
    """The kernel refused a request."""

    kind = "kernel"


class DockerError(WeaveError):
    """The Docker engine refused a request or could not be reached."""

    kind = "docker"


class FirewallError(WeaveError):
    """The packet filter refused a request."""

    kind = "firewall"


class RouterError(WeaveError):
    """The weave router container refused a request, or could not be reached."""

    kind = "router"


class VerifyFailedError(WeaveError):
    """After acting, the host was not as planned."""

    kind = "verify_failed"


class TimeoutExpiredError(WeaveError):
    """A deadline passed."""

    kind = "timeout"


class UnsupportedError(WeaveError):
    """A feature is needed that this kernel, engine or host lacks."""

    kind = "unsupported"


_CLASSES = {cls.kind: cls for cls in WeaveError.__subclasses__()}


def error_of(error: dict[str, Any], report: dict[str, Any] | None = None) -> WeaveError:
    """Return the exception for an error as an operation reports it."""
    return _CLASSES.get(error.get("kind", ""), WeaveError)(error, report)
