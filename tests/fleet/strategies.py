"""Random pods and pools whose constraints touch each other often enough to matter."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

TAINT_KEYS = ("nvidia.com/gpu", "team", "dedicated")
CUSTOM = {"team": ("red", "blue", "green"), "tier": ("1", "2", "10"), "example.com/rack": ("a", "b")}
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c", "eu-west-1a")
EXACT = {
    "kubernetes.io/arch": ("amd64", "arm64"),
    "topology.kubernetes.io/zone": ZONES,
    "karpenter.sh/capacity-type": ("on-demand", "spot", "reserved"),
    "node.kubernetes.io/instance-type": (
        "g6e.xlarge",
        "p5.48xlarge",
        "m7i.large",
        "c7g.large",
        "g5.12xlarge",
    ),
    "karpenter.sh/nodepool": ("pool", "another"),
    **CUSTOM,
}
BY_TYPE = {
    "instance-category": ("c", "m", "r", "g", "p"),
    "instance-family": ("g5", "g6e", "p5", "m7i", "c7g", "trn1"),
    "instance-generation": ("4", "5", "6", "7"),
    "instance-size": ("large", "xlarge", "12xlarge", "48xlarge"),
    "instance-cpu": ("2", "4", "8", "48", "96", "192"),
    "instance-gpu-name": ("h100", "l40s", "a10g"),
    "instance-gpu-count": ("1", "4", "8"),
    "instance-local-nvme": ("250", "900", "3800"),
}
NUMERIC = ("instance-generation", "instance-cpu", "instance-gpu-count", "instance-local-nvme")


def labels_of(domain: str) -> dict[str, tuple[str, ...]]:
    return {**EXACT, **{f"{domain}/{name}": values for name, values in BY_TYPE.items()}}


@st.composite
def expressions(draw: st.DrawFn, domain: str, operators: tuple[str, ...]) -> Json:
    known = labels_of(domain)
    key = draw(st.sampled_from(sorted(known)))
    numeric = key == "tier" or key.rpartition("/")[2] in NUMERIC
    operator = draw(st.sampled_from([each for each in operators if numeric or each not in _BOUNDS]))
    if operator in ("Exists", "DoesNotExist"):
        return {"key": key, "operator": operator}
    count = 1 if operator in _BOUNDS else 3
    values = draw(st.lists(st.sampled_from(known[key]), min_size=1, max_size=count, unique=True))
    return {"key": key, "operator": operator, "values": values}


_BOUNDS = ("Gt", "Lt", "Gte", "Lte")
OF_PODS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
OF_POOLS = ("In", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte")

taints = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(TAINT_KEYS),
            "effect": st.sampled_from(("NoSchedule", "NoExecute", "PreferNoSchedule")),
        },
        optional={"value": st.sampled_from(("true", "present"))},
    ),
    max_size=2,
)
tolerations = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"key": st.sampled_from(TAINT_KEYS), "operator": st.just("Exists")},
            optional={"effect": st.sampled_from(("NoSchedule", "NoExecute"))},
        ),
        st.fixed_dictionaries(
            {"key": st.sampled_from(TAINT_KEYS), "value": st.sampled_from(("true", "present"))},
            optional={"effect": st.sampled_from(("NoSchedule", "NoExecute")), "operator": st.just("Equal")},
        ),
        st.just({"operator": "Exists"}),
    ),
    max_size=2,
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from((1, 4, 30, 100, 400)),
        "memory": st.sampled_from((2**30, 2**34, 2**37, 2**40)),
        "nvidia.com/gpu": st.sampled_from((1, 4, 8, 9)),
    },
)
devices = st.dictionaries(
    st.sampled_from(
        ("nvidia.com/mig-1g.10gb", "nvidia.com/gpu.shared", "vpc.amazonaws.com/efa", "ephemeral-storage")
    ),
    st.sampled_from((1, 2, 30)),
    max_size=1,
)
limits = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from((4, 64)),
        "nvidia.com/gpu": st.sampled_from((1, 4)),
        "nodes": st.just(1),
    },
)
own_labels = st.dictionaries(st.sampled_from(sorted(CUSTOM)), st.sampled_from(("red", "1", "a")), max_size=2)


@st.composite
def pods(draw: st.DrawFn, domain: str = "karpenter.k8s.aws") -> Json:
    known = labels_of(domain)
    pod: Json = {"tolerations": draw(tolerations), "requests": draw(requests)}
    keys = draw(st.lists(st.sampled_from(sorted(known)), max_size=1))
    pod["nodeSelector"] = {key: draw(st.sampled_from(known[key])) for key in keys}
    term = st.lists(expressions(domain, OF_PODS), min_size=1, max_size=2)
    pod["affinity"] = draw(st.none() | st.lists(term, min_size=1, max_size=2))
    return pod


@st.composite
def node_pools(draw: st.DrawFn, domain: str = "karpenter.k8s.aws") -> Json:
    # Karpenter joins requirements on one key in its own way, which is tested apart.
    of_keys = st.lists(expressions(domain, OF_POOLS), max_size=3, unique_by=lambda each: each["key"])
    requirements = draw(of_keys)
    required = {each["key"] for each in requirements}
    return {
        "requirements": requirements,
        "labels": {key: value for key, value in draw(own_labels).items() if key not in required},
        "taints": draw(taints),
        "limits": draw(limits),
    }


@st.composite
def node_groups(draw: st.DrawFn) -> Json:
    types = st.sampled_from(("g6e.xlarge", "m7i.large", "p5.48xlarge", "g5.12xlarge", "c7i.24xlarge"))
    return {
        "instanceTypes": draw(st.lists(types, min_size=1, max_size=2, unique=True)),
        "labels": draw(own_labels),
        "taints": draw(taints),
    }
