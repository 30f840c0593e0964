"""What policy packs are told about a program: recorded once, then changed in one place at a time.

The program runs through the offline engine with a recording policy pack, so that a case starts from what the
typed SDK really sends: wire-form properties, dependencies, parents and providers.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from automation.preview import preview
from fleet.resources import Resource, merge
from fleet.wire import decode, reveal
from tests.standins.outputs import planned

PROGRAMS = Path(__file__).parent / "programs"
RECORDER = Path(__file__).parents[1] / "standins" / "recorder"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a value that the cloud has not given yet."""

SPARE = "spare-"
"""Resources of a program whose name begins so are left out, until a case adds them."""


@dataclass(frozen=True)
class Recorded:
    """One resource as the Analyzer protocol names it; `inputs` and `outputs` are JSON in wire form.

    `answered` is what the cloud has added to the inputs.
    """

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str = ""
    provider: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    answered: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What a provider answers in preview: the inputs, what is there, and unknowns for what is not yet."""
        if self.type.startswith("pulumi:") or not self.provider:
            return {}
        with warnings.catch_warnings():
            # The AWS SDK warns of its own modules when they are imported.
            warnings.simplefilter("ignore", DeprecationWarning)
            return {**planned(self.type, dict(self.inputs)), **self.answered}

    @property
    def resource(self) -> Resource:
        """The resource as rules read it."""
        inputs = reveal(decode(dict(self.inputs)))
        return Resource(
            urn=self.urn,
            type=self.type,
            name=self.name,
            properties=merge(inputs, reveal(decode(dict(self.answered)))),
            inputs=inputs,
            parent=self.parent,
            provider=self.provider.get("urn", ""),
            dependencies=self.dependencies,
            property_dependencies=self.property_dependencies,
        )


Capture = tuple[Recorded, ...]


@cache
def capture(program: str) -> Capture:
    """Run `programs/<program>.py` and return every resource that it registers, the spare ones included."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "__main__.py").symlink_to(PROGRAMS / f"{program}.py")
        (root / "Pulumi.yaml").write_text("name: policies\nruntime: python\n")
        (root / "Pulumi.test.yaml").touch()
        with patch.dict(os.environ, RECORDING=str(root / "recording")):
            result = preview(root, "test", packs=[RECORDER])
        errors = [each.message for each in result.diagnostics if each.severity == "error"]
        if result.failed or errors:
            raise RuntimeError(f"{program}.py failed: {errors or result.diagnostics}")
        lines = [json.loads(line) for line in (root / "recording").read_text().splitlines()]
    return tuple(_recorded(lines))


def clean(program: str) -> Capture:
    """Return a program's resources without the spare ones."""
    everything = capture(program)
    return without_urns(everything, {each.urn for each in everything if each.name.startswith(SPARE)})


def without_urns(stack: Capture, urns: Iterable[str]) -> Capture:
    """Return the stack without some resources, and without ties to them."""
    gone = frozenset(urns)
    return tuple(
        replace(
            each,
            provider={} if each.provider.get("urn") in gone else each.provider,
            dependencies=_left(each.dependencies, gone),
            property_dependencies={
                key: _left(urns, gone) for key, urns in each.property_dependencies.items()
            },
        )
        for each in stack
        if each.urn not in gone
    )


def _left(urns: Iterable[str], gone: frozenset[str]) -> tuple[str, ...]:
    return tuple(urn for urn in urns if urn not in gone)


def _recorded(lines: Iterable[Mapping[str, Any]]) -> Iterator[Recorded]:
    inputs: dict[str, Mapping[str, Any]] = {}
    for line in lines:
        request = line["request"]
        if line["rpc"] == "Analyze":
            inputs[request["urn"]] = request.get("properties", {})
        elif line["rpc"] == "AnalyzeStack":
            for each in request.get("resources", ()):
                yield Recorded(
                    urn=each["urn"],
                    type=each["type"],
                    name=each["name"],
                    inputs=inputs[each["urn"]],
                    parent=each.get("parent", ""),
                    provider=each.get("provider", {}),
                    options=each.get("options", {}),
                    dependencies=tuple(each.get("dependencies", ())),
                    property_dependencies={
                        key: tuple(value["urns"])
                        for key, value in each.get("propertyDependencies", {}).items()
                    },
                )
