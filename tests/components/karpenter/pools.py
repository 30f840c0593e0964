"""The pools of pools.yaml as settings."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from settings.karpenter_pools import KarpenterPool

POOLS = tuple(
    KarpenterPool.model_validate_json(json.dumps(pool), strict=True, by_alias=True, by_name=False)
    for pool in yaml.safe_load((Path(__file__).parent / "pools.yaml").read_text())
)
