"""Answers about a platform, computed once a platform and forgotten with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from fleet.platform import Platform

A = TypeVar("A")


def per_platform(answer: Callable[..., A]) -> Callable[..., A]:
    """Remember what a function of a platform and hashable arguments returns, while the platform lives."""
    known: WeakKeyDictionary[Platform, dict[tuple[Any, ...], A]] = WeakKeyDictionary()

    @wraps(answer)
    def remembered(platform: Platform, *arguments: Any) -> A:
        answers = known.setdefault(platform, {})
        if arguments not in answers:
            answers[arguments] = answer(platform, *arguments)
        return answers[arguments]

    return remembered
