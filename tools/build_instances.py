"""Writes the instance type data of the catalog from a folder of sources: ``make instances CONTRACTS=dir``.

The folder holds ``ec2_types.json``, every type that Karpenter knows with its labels and allocatable
resources, and ``instances.json``, the accelerator types in depth. Where both speak, ``instances.json`` wins.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from catalog._data import DATA, read_toml
from catalog.instances import (
    DEFAULT_EVICTION_MIB,
    Accelerator,
    InstanceType,
    allocatable_cpu_millis,
    allocatable_memory_mib,
)

Record = dict[str, Any]

KINDS = {"nvidia": "nvidia", "amd": "amd", "aws": "neuron", "qualcomm": "qualcomm"}
NAME_FIELDS = ("name", "family", "size")
FAMILY_FIELDS = (
    "category",
    "generation",
    "arch",
    "cpu_manufacturer",
    "cpu_mhz",
    "hypervisor",
    "encryption_in_transit",
    "flex",
)
GENERAL, ACCELERATED = "instance_types", "accelerated_instance_types"


class SourceError(Exception):
    """The sources contradict each other or what the catalog relies on."""


def build(source: Path) -> dict[str, str]:
    """The text of each data file by name, from the sources in a folder."""
    ec2 = json.loads((source / "ec2_types.json").read_bytes())
    overlay = json.loads((source / "instances.json").read_bytes())
    records = {name: from_ec2(name, entry) for name, entry in ec2["types"].items()}
    for name, entry in overlay["instances"].items():
        records[name] = from_overlay(name, entry, records.get(name))
    meta = {
        "as_of": overlay["meta"]["as_of"],
        "prices_as_of": overlay["meta"]["price_generated"],
        "units": "memory MiB, network and EBS Mbps, local NVMe GB, prices on-demand Linux USD an hour",
        "sources": {"all": ec2["meta"]["source"], **public(overlay["meta"]["sources"])},
    }
    general = {name: record for name, record in records.items() if "accelerator" not in record}
    accelerated = {name: record for name, record in records.items() if "accelerator" in record}
    return {
        GENERAL: render(meta | {"sources": {"all": ec2["meta"]["source"]}}, general),
        ACCELERATED: render(meta, accelerated),
    }


def from_ec2(name: str, entry: Mapping[str, Any]) -> Record:
    """One type of ``ec2_types.json`` as the fields of an InstanceType."""
    allocatable = entry["allocatable"]
    record: Record = {
        "family": entry["family"],
        "size": entry["size"],
        "category": entry["category"],
        "generation": entry["generation"],
        "arch": entry["arch"],
        "vcpu": entry["cpu"],
        "memory_mib": entry["memory"],
        "cpu_manufacturer": entry["cpu-manufacturer"],
        "cpu_mhz": entry["cpu-sustained-clock-speed-mhz"],
        "hypervisor": entry["hypervisor"],
        "encryption_in_transit": entry["encryption-in-transit-supported"],
        "flex": entry["capability-flex"],
        "network_mbps": entry.get("network-bandwidth"),
        "ebs_mbps": entry.get("ebs-bandwidth"),
        "local_nvme_gb": entry.get("local-nvme", 0),
        "default_pods": int(allocatable["pods"]),
        "pod_enis": int(allocatable.get("vpc.amazonaws.com/pod-eni", 0)),
        "efa_interfaces": int(allocatable.get("vpc.amazonaws.com/efa", 0)),
        "prices": entry.get("usd_per_hour") or {},
    }
    prefix = "gpu" if "gpu-name" in entry else "accelerator"
    if f"{prefix}-name" in entry:
        manufacturer = entry[f"{prefix}-manufacturer"]
        record["accelerator"] = {
            "kind": KINDS[manufacturer],
            "name": entry[f"{prefix}-name"],
            "manufacturer": manufacturer,
            "count": entry[f"{prefix}-count"],
            "memory_mib": entry.get("gpu-memory"),
            "neuron_cores": int(allocatable.get("aws.amazon.com/neuroncore", 0)),
        }
    require_same_allocatable(name, record, allocatable)
    return record


def require_same_allocatable(name: str, record: Record, stated: Mapping[str, str]) -> None:
    """The catalog computes allocatable CPU and memory: Karpenter's table must say the same."""
    memory = allocatable_memory_mib(
        record["memory_mib"], record["arch"], record["default_pods"], DEFAULT_EVICTION_MIB
    )
    computed = {"cpu": f"{allocatable_cpu_millis(record['vcpu'])}m", "memory": f"{memory}Mi"}
    for resource, value in computed.items():
        if stated[resource] != value:
            raise SourceError(
                f"{name}: allocatable {resource} is {stated[resource]}, the catalog's formula gives {value}"
            )


def from_overlay(name: str, entry: Mapping[str, Any], base: Record | None) -> Record:
    """One type of ``instances.json`` over what ``ec2_types.json`` says of it."""
    record = dict(base) if base else unknown_to_karpenter(entry["family"])
    record |= {
        "family": entry["family"],
        "size": entry["size"],
        "arch": entry["arch"],
        "vcpu": entry["vcpus"],
        "memory_mib": entry["memory_gib"] * 1024,
        "cpu_manufacturer": entry["cpu_manufacturer"],
        "network_mbps": round(entry["network_gbps"] * 1000),
        "local_nvme_gb": entry["local_nvme_gb"],
        "efa_interfaces": entry["efa_max_interfaces"],
        "default_pods": entry.get("max_pods_default"),
        "capacity": entry["capacity"],
        "spot": entry.get("spot"),
        "ultraservers": entry.get("ultraserver", {}),
        "prices": entry["on_demand_usd_per_hour"] or {},
        "notes": [unsourced(note) for note in entry.get("notes", [])],
        "sources": entry.get("sources", []),
        "accelerator": accelerator(entry, record.get("accelerator", {})),
    }
    families = read_toml("instance_families")
    require_listed(name, entry["eks_auto_mode"], families["auto_mode"])
    require_listed(name, entry["karpenter_1_15_dra_metadata"], families["karpenter_dra"])
    return record


def unknown_to_karpenter(family: str) -> Record:
    """What a family's name alone tells of a type that Karpenter does not list."""
    match = re.match(r"([a-z]+)(\d+)", family)
    if match is None:
        raise SourceError(f"cannot read category and generation from the family name {family!r}")
    return {"category": match[1], "generation": int(match[2]), "karpenter": False}


def accelerator(entry: Mapping[str, Any], base: Mapping[str, Any]) -> Record:
    stated = entry["accelerator"]
    mig = entry.get("mig") or {}
    return {
        "kind": KINDS[stated["manufacturer"]],
        "name": stated["name"],
        "manufacturer": stated["manufacturer"],
        "count": stated["count"],
        "memory_mib": exact_memory(stated["memory_gib_per_accelerator"], base.get("memory_mib")),
        "nominal_gb": stated["memory_gb_nominal"],
        "interconnect": stated["interconnect"],
        "compute_capability": stated.get("cuda_compute_capability"),
        "neuron_cores": entry["extended_resources"].get("aws.amazon.com/neuroncore", 0),
        "mig_profiles": mig.get("profiles", {}),
        "mig_listed": mig.get("listed_by_aws", False),
    }


def exact_memory(gib: float, mib: int | None) -> int:
    """GiB are rounded in the overlay: EC2's own MiB stand where they mean the same."""
    if mib is not None and abs(mib / 1024 - gib) < 0.01:
        return mib
    return round(gib * 1024)


def unsourced(note: str) -> str:
    return re.sub(r" \(source [A-Z0-9]+\)", "", note)


def public(sources: Mapping[str, str]) -> dict[str, str]:
    """The sources without the numbers under which a copy was read, which mean nothing to a reader."""
    return {
        key: re.sub(r"^index id \d+ \((.*)\)$", r"\1", re.sub(r" \(index id \d+\)|index id \d+, ", "", text))
        for key, text in sources.items()
    }


def require_listed(name: str, stated: bool, table: Mapping[str, Any]) -> None:
    family = name.split(".")[0]
    if stated != (family in table["families"]):
        raise SourceError(
            f"{name}: the overlay says {stated}, instance_families.toml of {table['as_of']} differs"
        )


def render(meta: Record, records: Mapping[str, Record]) -> str:
    """One line a type, grouped by family; what most of a family share is said once, defaults not at all."""
    families: dict[str, list[Record]] = defaultdict(list)
    for _, record in sorted(records.items(), key=lambda item: (item[1]["family"], item[1]["vcpu"], item[0])):
        families[record["family"]].append(with_defaults(InstanceType, record))
    body = ",\n".join(family_lines(family, members) for family, members in families.items())
    return f'{{"meta": {json.dumps(meta, indent=1)},\n"families": {{\n{body}\n}}}}\n'


def family_lines(family: str, members: list[Record]) -> str:
    defaults = with_defaults(InstanceType, {})
    usual = defaults | {key: most_common([member[key] for member in members]) for key in FAMILY_FIELDS}
    common = {key: usual[key] for key in FAMILY_FIELDS if key not in defaults or usual[key] != defaults[key]}
    sizes = ",\n".join(
        f"  {compact(member['size'])}: "
        + compact(
            {k: v for k, v in member.items() if k not in NAME_FIELDS and (k not in usual or v != usual[k])}
        )
        for member in members
    )
    return f' {compact(family)}: {{"common": {compact(common)}, "sizes": {{\n{sizes}}}}}'


def most_common(values: list[Any]) -> Any:
    return max(values, key=values.count)


def with_defaults(kind: type[InstanceType] | type[Accelerator], record: Record) -> Record:
    """The record in the order of the class, with every field that has a default, as plain JSON values."""
    full = {field.name: default_of(field) for field in fields(kind) if has_default(field)} | record
    if full.get("accelerator"):
        full["accelerator"] = without_defaults(full["accelerator"])
    return {field.name: full[field.name] for field in fields(kind) if field.name in full}


def without_defaults(device: Record) -> Record:
    defaults = with_defaults(Accelerator, {})
    return {key: value for key, value in device.items() if key not in defaults or value != defaults[key]}


def has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def default_of(field: Field[Any]) -> Any:
    """A field's default as it is written in JSON."""
    value = field.default_factory() if field.default_factory is not MISSING else field.default
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def stale(source: Path) -> Iterator[str]:
    """The names of data files that the sources would write differently."""
    for name, text in build(source).items():
        path = DATA / f"{name}.json"
        if not path.exists() or path.read_text() != text:
            yield name


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder with ec2_types.json and instances.json")
    source: Path = parser.parse_args(arguments).source
    try:
        files = build(source)
    except (OSError, SourceError, json.JSONDecodeError) as error:
        print(f"build_instances: {error}", file=sys.stderr)
        return 1
    for name, text in files.items():
        (DATA / f"{name}.json").write_text(text)
        print(f"catalog/data/{name}.json: {len(text) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
