"""Previews of the program, as its users run them."""

from __future__ import annotations

import pytest

from tests.program.stack import Stack, preview


@pytest.fixture(scope="session")
def dev() -> Stack:
    """The dev stack as it is committed."""
    return preview()


@pytest.fixture(scope="session")
def starter() -> Stack:
    """The starter stack as it is committed."""
    return preview(stack="starter")


@pytest.fixture(scope="session")
def prod() -> Stack:
    """The prod stack as it is committed."""
    return preview(stack="prod")


@pytest.fixture(scope="session")
def neuron() -> Stack:
    """The neuron stack as it is committed."""
    return preview(stack="neuron")


@pytest.fixture(scope="session")
def dra() -> Stack:
    """The dra stack as it is committed."""
    return preview(stack="dra")
