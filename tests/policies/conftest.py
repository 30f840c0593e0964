from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.policies.warm_pack import WarmPack, running


@pytest.fixture(scope="session")
def pack() -> Iterator[WarmPack]:
    """The policy pack, started once."""
    with running() as warm:
        yield warm
