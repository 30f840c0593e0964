"""What can go wrong before or around a preview, in words for the user."""

from __future__ import annotations


class PreviewError(Exception):
    """A preview cannot run or cannot be trusted; the message says where, what and what to do."""


class UsageError(PreviewError):
    """The command line asks for something that does not exist."""
