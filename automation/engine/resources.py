"""The resources that a preview has registered, and the names they are known by."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto.callback_pb2 import Callback
from pulumi.runtime.proto.resource_pb2 import TransformResourceOptions

STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True)
class Stack:
    """Whose resources these are, and its configuration, as texts."""

    name: str
    project: str
    organization: str
    configuration: Mapping[str, str]
    secret_keys: Sequence[str] = ()

    @property
    def root_urn(self) -> str:
        """The URN of the stack as a resource: the ancestor of all others."""
        return self.urn("", STACK_TYPE, f"{self.project}-{self.name}")

    def urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN of a resource: the types of its ancestors below the stack lead to its own."""
        ancestors = parent.split("::", 3)[2] if parent else STACK_TYPE
        chain = type_ if ancestors == STACK_TYPE else f"{ancestors}${type_}"
        return f"urn:pulumi:{self.name}::{self.project}::{chain}::{name}"


@dataclass(slots=True)
class Registration:
    """One resource as the engine holds it.

    `inputs` and `outputs` are in wire form. `provider` is a reference: the provider's URN, "::" and its id.
    `options` are those that transforms leave; `transforms` are the resource's own. `note` is for the user.
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: Struct
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    provider: str = ""
    options: TransformResourceOptions = field(default_factory=TransformResourceOptions)
    transforms: tuple[Callback, ...] = ()
    outputs: Struct = field(default_factory=Struct)
    note: str = ""
    is_read: bool = False

    @property
    def is_default_provider(self) -> bool:
        return is_provider(self.type) and not self.parent


def is_provider(type_: str) -> bool:
    return type_.startswith("pulumi:providers:")


def package_of(type_: str) -> str:
    return type_.split(":", 1)[0]


class Registry:
    """The registrations of one preview, by URN, in order. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_urn: dict[str, Registration] = {}

    def add(self, registration: Registration) -> bool:
        """Keep `registration`; return whether its URN was free."""
        with self._lock:
            return self._by_urn.setdefault(registration.urn, registration) is registration

    def get(self, urn: str) -> Registration | None:
        return self._by_urn.get(urn)

    def __iter__(self) -> Iterator[Registration]:
        with self._lock:
            return iter(tuple(self._by_urn.values()))

    def ancestors(self, urn: str) -> Iterator[Registration]:
        """Yield the resource `urn`, its parent, and so on up to the stack."""
        while (registration := self._by_urn.get(urn)) is not None:
            yield registration
            urn = registration.parent

    def provider_of(self, registration: Registration) -> Registration | None:
        return self._by_urn.get(registration.provider.rpartition("::")[0])
