"""Model cards: parameters, cache geometry and checkpoint sizes of the models that platforms serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from catalog._data import read_toml


@dataclass(frozen=True, slots=True)
class GroupedQueryAttention:
    """Keys and values of ``kv_heads`` heads a layer; tensor parallelism splits the heads.

    The last ``sliding_layers`` of the model's layers keep no more than ``sliding_window`` tokens.
    """

    kv_heads: int
    head_dim: int
    sliding_layers: int = 0
    sliding_window: int | None = None


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """One compressed vector a layer, which every tensor-parallel rank holds whole.

    ``index_cache_bytes`` is what sparse attention's index adds a token and layer, whatever the precision.
    """

    kv_lora_rank: int
    qk_rope_head_dim: int
    index_cache_bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ModelCard:
    """One model. ``weights`` are checkpoint bytes by precision; ``repositories`` the precision of each name
    that a checkpoint is published under. ``gated`` checkpoints need a token to download."""

    key: str
    title: str
    parameters: int
    active_parameters: int
    layers: int
    attention_heads: int
    attention: GroupedQueryAttention | LatentAttention
    max_length: int
    repositories: Mapping[str, str]
    weights: Mapping[str, int]
    gated: bool = False
    note: str = ""

    @property
    def mixture_of_experts(self) -> bool:
        return self.active_parameters < self.parameters


def model(key: str) -> ModelCard:
    """The card catalogued under ``key``. Raises KeyError for a model without a card."""
    return models()[key]


@cache
def models() -> Mapping[str, ModelCard]:
    """Every card by key."""
    return MappingProxyType({key: _card(key, entry) for key, entry in read_toml("models")["models"].items()})


def find_model(source: str) -> tuple[ModelCard, str] | None:
    """The card and the weights' precision of what a server is told to serve: a repository such as
    ``Qwen/Qwen3-32B-FP8``, whatever its case. None for anything else, paths and buckets among them."""
    wanted = source.casefold()
    for card in models().values():
        for repository, precision in card.repositories.items():
            if repository.casefold() == wanted:
                return card, precision
    return None


def _card(key: str, entry: Mapping[str, Any]) -> ModelCard:
    return ModelCard(
        key=key,
        title=entry["title"],
        parameters=entry["parameters"],
        active_parameters=entry.get("active_parameters", entry["parameters"]),
        layers=entry["layers"],
        attention_heads=entry["attention_heads"],
        attention=_attention(entry),
        max_length=entry["max_length"],
        repositories=MappingProxyType(entry["repositories"]),
        weights=MappingProxyType({name: round(gb * 1e9) for name, gb in entry["weights_gb"].items()}),
        gated=entry.get("gated", False),
        note=entry.get("note", ""),
    )


def _attention(entry: Mapping[str, Any]) -> GroupedQueryAttention | LatentAttention:
    if "kv_lora_rank" in entry:
        return LatentAttention(
            entry["kv_lora_rank"], entry["qk_rope_head_dim"], entry.get("index_cache_bytes", 0)
        )
    return GroupedQueryAttention(
        entry["kv_heads"], entry["head_dim"], entry.get("sliding_layers", 0), entry.get("sliding_window")
    )
