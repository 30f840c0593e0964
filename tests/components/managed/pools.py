"""The pools of pools.yaml as settings, by their names."""

from __future__ import annotations

from pathlib import Path

import yaml

from settings.managed_pools import ManagedPool

POOLS = {
    pool["name"]: ManagedPool.model_validate(pool, by_alias=True, by_name=False)
    for pool in yaml.safe_load((Path(__file__).parent / "pools.yaml").read_text())
}
