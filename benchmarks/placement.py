"""How much processor time placing many workloads on many pools takes: `python -m benchmarks.placement`.

No workload asks for the same as another and no pool is like another: nothing is saved by their likeness.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from typing import Any

from fleet.placement import placements
from fleet.platform import Platform
from fleet.resources import Resource, Stack

FAMILIES = ("g4dn", "g5", "g6", "g6e", "p4d", "p5", "m7i", "c7i", "r7i", "m7g", "c7g", "inf2", "trn1")
TEAMS = ("red", "blue", "green", "yellow")
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


def main() -> None:
    """Print the seconds that each size takes, and what became of the workloads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workloads", type=int, default=1000)
    parser.add_argument("--pools", type=int, default=50)
    arguments = parser.parse_args()
    half, whole = (arguments.workloads // 2, arguments.pools // 2), (arguments.workloads, arguments.pools)
    for workloads, pools in (half, (whole[0], half[1]), (half[0], whole[1]), whole):
        platform = Platform(Stack(random_stack(workloads, pools)))
        started = time.process_time()
        table = placements(platform)
        seconds = time.process_time() - started
        answers = Counter(each.verdict.holds for _, verdicts in table for each in verdicts)
        print(f"{workloads:6} workloads on {pools:4} pools: {seconds:6.2f} s  {dict(answers)}")


def random_stack(workloads: int, pools: int) -> list[Resource]:
    """Return a Standard cluster with Karpenter's pools, its accelerator software, daemons and workloads."""
    chance = random.Random(workloads * 1000 + pools)
    return [
        _resource("aws:eks/cluster:Cluster", "cluster", {"name": "cluster"}),
        _object(
            "karpenter.k8s.aws/v1", "EC2NodeClass", "class", {"amiSelectorTerms": [{"alias": "al2023@v1"}]}
        ),
        _release("gpu-operator", "v26.7.0"),
        _release("neuron-helm-chart", "1.10.0"),
        *(_daemon(index) for index in range(5)),
        *(_pool(chance, index) for index in range(pools)),
        *(_workload(chance, index) for index in range(workloads)),
    ]


def _resource(token: str, name: str, properties: dict[str, Any]) -> Resource:
    return Resource(f"urn:pulumi:benchmark::project::{token}::{name}", token, name, properties)


def _object(api_version: str, kind: str, name: str, spec: dict[str, Any]) -> Resource:
    properties = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}
    return _resource(f"kubernetes:{api_version}:{kind}", name, properties)


def _release(chart: str, version: str) -> Resource:
    return _resource(
        "kubernetes:helm.sh/v3:Release", chart, {"chart": chart, "version": version, "values": {}}
    )


def _pool(chance: random.Random, index: int) -> Resource:
    own = "karpenter.k8s.aws/instance-"
    requirements = [
        {
            "key": f"{own}family",
            "operator": chance.choice(("In", "NotIn")),
            "values": chance.sample(FAMILIES, 3),
        },
        {"key": f"{own}cpu", "operator": "Lt", "values": [str(chance.randint(8, 200))]},
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": chance.sample(ZONES, 2)},
    ]
    taint = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    template = {
        "metadata": {"labels": {"team": chance.choice(TEAMS), "pool": f"pool-{index}"}},
        "spec": {
            "requirements": requirements,
            "taints": [taint] if chance.random() < 0.5 else [],
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "class"},
        },
    }
    limits = {"cpu": str(chance.randint(100, 2000))}
    return _object("karpenter.sh/v1", "NodePool", f"pool-{index}", {"template": template, "limits": limits})


def _daemon(index: int) -> Resource:
    container = {"name": "main", "resources": {"requests": {"cpu": "50m", "memory": f"{64 + index}Mi"}}}
    pod = {"containers": [container], "tolerations": [{"operator": "Exists"}]}
    template = {"metadata": {"labels": {"app": f"daemon-{index}"}}, "spec": pod}
    return _object("apps/v1", "DaemonSet", f"daemon-{index}", {"template": template})


def _workload(chance: random.Random, index: int) -> Resource:
    requests = {"cpu": f"{chance.randint(100, 16000)}m", "memory": f"{chance.randint(100, 60000)}Mi"}
    limits = {"nvidia.com/gpu": chance.choice((1, 2, 4, 8))} if chance.random() < 0.5 else {}
    expression = {"key": "team", "operator": "In", "values": chance.sample(TEAMS, 2)}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    pod = {
        "containers": [{"name": "main", "resources": {"requests": requests, "limits": limits}}],
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}] if limits else [],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        "nodeSelector": {"topology.kubernetes.io/zone": chance.choice(ZONES)}
        if chance.random() < 0.5
        else {},
    }
    template = {"metadata": {"labels": {"app": f"workload-{index}"}}, "spec": pod}
    return _object("apps/v1", "Deployment", f"workload-{index}", {"replicas": 2, "template": template})


if __name__ == "__main__":
    main()
