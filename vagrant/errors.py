"""What can go wrong in the matrix, as one line that says what to do."""

from __future__ import annotations

__all__ = ["BadDownload", "MatrixError", "MissingTool", "NotObtainable", "UnknownName"]


class MatrixError(Exception):
    """Base of what the matrix raises on purpose; its message is for the person who ran it."""


class UnknownName(MatrixError):
    """No kernel of the matrix has this name."""


class MissingTool(MatrixError):
    """A program that the matrix needs is not installed; the message ends with the command that installs it."""


class NotObtainable(MatrixError):
    """The mirror does not have a package, or cannot be reached."""


class BadDownload(MatrixError):
    """What was downloaded is not what the index, or kernels.toml, says it is."""
