"""Writes what the contract checks know, from a folder of captures: ``make contracts CONTRACTS=dir``.

The folder holds ``crds/<group>_<plural>.json`` and ``charts/<name>.json``. The checks' own files go to
``tests/contracts/data``; default values that rules reason about go to the catalog, and only there.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from automation.contracts.helm import merge_values
from automation.contracts.store import CHARTS, CRDS, chart_path, definition_path
from catalog._data import DATA
from catalog.charts import charts, same_version

CHART_VALUES = DATA / "chart_values"

CATALOGUED = frozenset(
    {
        "aws-dranet",
        "aws-efa-k8s-device-plugin",
        "aws-load-balancer-controller",
        "aws-node-termination-handler",
        "cluster-autoscaler",
        "dcgm-exporter",
        "dra-driver-nvidia-gpu",
        "gpu-operator",
        "kai-scheduler",
        "karpenter",
        "karpenter-crd",
        "keda",
        "kube-prometheus-stack",
        "kueue",
        "lws",
        "metrics-server",
        "neuron-helm-chart",
        "node-feature-discovery",
        "nvidia-device-plugin",
        "nvidia-dra-driver-gpu",
        "scheduler-plugins",
        "volcano",
    }
)
"""Charts whose defaults the rules of the policy pack need, so the catalog carries them."""


KUBERNETES = re.compile(
    r"nodeSelector|affinity|resources|.*[sS]ecurityContext|.*[aA]nnotations|.*[lL]abels|.*Probe|.*[sS]trategy"
)
"""Names under which charts keep maps of Kubernetes' own making."""

ARGUMENTS = re.compile(r"extraArgs|env")
"""Names of maps that become a program's arguments or environment, even if templates look at some of them."""


class SourceError(Exception):
    """The captures do not fit the catalog's pins."""


def build(source: Path) -> Iterator[tuple[Path, str]]:
    """The path and text of every data file."""
    for path in sorted((source / "crds").glob("*.json")):
        capture = json.loads(path.read_bytes())
        yield definition_path(capture["group"], capture["kind"]), compact(crd(capture))
    captures = {
        path.stem: json.loads(path.read_bytes()) for path in sorted((source / "charts").glob("*.json"))
    }
    for key, pin in charts().items():
        if key not in captures:
            raise SourceError(f"no capture of the pinned chart {key}")
        capture = captures[key]
        if not same_version(capture["version"], pin.version):
            raise SourceError(f"charts.toml pins {key} {pin.version}, the capture is of {capture['version']}")
        values = default_values(capture)
        if key in CATALOGUED:
            yield CHART_VALUES / f"{key}.json", compact({"version": pin.version, "values": values})
            yield chart_path(key), compact(chart(capture, values))
        else:
            yield chart_path(key), compact(chart(capture, values) | {"values": values})


def crd(capture: Mapping[str, Any]) -> dict[str, Any]:
    """What a check needs of one definition: the schemas of the versions served, without status."""
    return {
        "group": capture["group"],
        "kind": capture["kind"],
        "scope": capture["scope"],
        "source": provenance(capture["source"]),
        "versions": {
            version["name"]: without_status(version["schema"])
            for version in capture["versions"]
            if version["served"]
        },
    }


def chart(capture: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What a check needs of one chart beside its default values.

    ``open`` are the keys of dependencies whose own values were not captured, and ``global`` where any
    dependency may read it; ``templates`` the value paths that the templates read and the default values do
    not show; ``whole`` the maps that go to Kubernetes as they are, so that any key may be in them.
    """
    dependencies = capture["dependencies"]
    names = {entry[key] for entry in dependencies for key in ("name", "alias") if entry.get(key)}
    unknown = names - (capture.get("subcharts") or {}).keys() | ({"global"} if names else set())
    read = capture["template_value_paths"]
    return {
        "version": capture["version"],
        "source": provenance(capture["source"]),
        "open": sorted(unknown),
        "templates": sorted(path for path in read if not shown(values, path)),
        "whole": sorted(path for path, default in maps(values) if handed_on(path, default, read)),
        "schema": capture["schema"],
    }


def handed_on(path: str, default: Mapping[str, Any], read: list[str]) -> bool:
    """Whether a chart passes a map on as it is.

    It does if the templates read nothing in it by name, and read it as a whole or in a way that left no
    trace, which its name tells. A map that holds switches is the chart's own.
    """
    name = path.rpartition(".")[2]
    if ARGUMENTS.fullmatch(name):
        return True
    if any(known.startswith(f"{path}.") for known in read):
        return False
    switches = any(isinstance(value, bool) for value in default.values())
    return KUBERNETES.fullmatch(name) is not None or (path in read and not switches)


def maps(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The maps that are not empty by default, by path."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield above + name, value
            yield from maps(value, f"{above}{name}.")


def default_values(capture: Mapping[str, Any]) -> dict[str, Any]:
    """The chart's values, those of each captured dependency under its key with the chart's own over them."""
    own = capture["values_keys"]
    bundled = {
        name: merge_values(values, own.get(name) or {})
        for name, values in (capture.get("subcharts") or {}).items()
    }
    return {**own, **bundled}


def shown(values: Mapping[str, Any], path: str) -> bool:
    found: Any = values
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return False
        found = found[key]
    return True


def without_status(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: entry for name, entry in schema["properties"].items() if name != "status"}
    return {**schema, "properties": properties}


def provenance(source: Mapping[str, Any]) -> str:
    return " ".join(str(source[key]) for key in ("repo", "version", "ref", "date") if source.get(key))


def compact(value: Any) -> str:
    """JSON with one value a line and no indentation, so that a change shows as a line."""
    return json.dumps(value, indent=0, separators=(",", ":"), ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder with crds/ and charts/")
    source: Path = parser.parse_args(arguments).source
    try:
        files = dict(build(source))
    except (OSError, SourceError, json.JSONDecodeError) as error:
        print(f"build_contracts: {error}", file=sys.stderr)
        return 1
    for folder in (CRDS, CHARTS, CHART_VALUES):
        folder.mkdir(parents=True, exist_ok=True)
        for stale in set(folder.glob("*.json")) - files.keys():
            stale.unlink()
    for path, text in files.items():
        path.write_text(text)
    print(f"{len(files)} files, {sum(map(len, files.values())) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
