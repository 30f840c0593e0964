"""Pinned container images that are not a chart's own default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from catalog._data import read_toml


@dataclass(frozen=True, slots=True)
class Image:
    """A pinned image. ``version`` is that of the software in it; ``accelerator`` the only kind it runs on;
    ``architectures`` are the processors that it is built for, empty where no source says."""

    key: str
    repository: str
    tag: str
    version: str
    digest: str | None = None
    accelerator: str | None = None
    architectures: tuple[str, ...] = ()
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
                architectures=tuple(entry.get("architectures", ())),
                note=entry.get("note", ""),
            )
            for key, entry in read_toml("images")["images"].items()
        }
    )


def find_image(reference: str) -> Image | None:
    """The pinned image whose repository a container's ``image`` names, whatever its tag or digest; of several
    from one repository the one with that tag."""
    name = reference.partition("@")[0]
    head, _, last = name.rpartition("/")
    base, _, tag = last.partition(":")
    repository = "/".join(filter(None, (head, base))).removeprefix("docker.io/")
    found = [known for known in images().values() if known.repository == repository]
    return next((known for known in found if known.tag == tag), found[0] if found else None)


def built_for(reference: str) -> tuple[str, ...]:
    """The processor architectures of a pinned repository's image: those that its tag names, else those of the
    pinned one. Empty where neither says, and for images of other repositories."""
    found = find_image(reference)
    if found is None:
        return ()
    tag = reference.partition("@")[0].rpartition("/")[2].partition(":")[2]
    named = tuple(name for mark, name in _MARKS.items() if mark in tag.split("-"))
    return named or found.architectures


_MARKS = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
"""How tags name architectures."""
