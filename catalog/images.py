"""Pinned container images that are not a chart's own default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from catalog._data import read_toml


@dataclass(frozen=True, slots=True)
class Image:
    """A pinned image. ``version`` is that of the software in it; ``accelerator`` the only kind it runs on."""

    key: str
    repository: str
    tag: str
    version: str
    digest: str | None = None
    accelerator: str | None = None
    note: str = ""

    @property
    def reference(self) -> str:
        """What a container's ``image`` says: the tag for readers; the digest, where known, decides."""
        return f"{self.repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


def image(key: str) -> Image:
    """The image pinned under ``key``. Raises KeyError for an image that is not pinned."""
    return images()[key]


@cache
def images() -> Mapping[str, Image]:
    """Every pinned image by its key."""
    return MappingProxyType(
        {
            key: Image(
                key=key,
                repository=entry["repository"],
                tag=entry["tag"],
                version=entry["version"],
                digest=entry.get("digest"),
                accelerator=entry.get("accelerator"),
                note=entry.get("note", ""),
            )
            for key, entry in read_toml("images")["images"].items()
        }
    )


def find_image(reference: str) -> Image | None:
    """The pinned image whose repository a container's ``image`` names, whatever its tag or digest."""
    name = reference.partition("@")[0]
    head, _, last = name.rpartition("/")
    repository = "/".join(filter(None, (head, last.partition(":")[0])))
    repository = repository.removeprefix("docker.io/")
    return next((known for known in images().values() if known.repository == repository), None)
