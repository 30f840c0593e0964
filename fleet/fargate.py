"""Which pods a Fargate profile takes: by namespace and labels, and without what Fargate does not have.

Source: EKS user guide, fargate.md (considerations) and fargate-profile.md (selectors; * and ? are wildcards).
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from fleet.facts import Fact
from fleet.platform import NodePool
from fleet.pods import Pod


def fargate_refusal(pool: NodePool, pod: Pod, generous: bool) -> str:
    """Return why a profile does not take a pod, or nothing if it does."""
    if pod.daemon:
        return "Fargate runs no DaemonSets"
    if pod.host_access:
        return "Fargate runs no privileged pods and none that use the host's network, ports or files"
    selectors = pool.resource["selectors"]
    if selectors.unknown:
        return "" if generous else "the profile's selectors are not known yet"
    if any(_selects(each, pod, generous) for each in selectors.items()):
        return ""
    return f"no selector of the profile matches namespace {pod.neighbour.namespace} and the pod's labels"


def _selects(selector: Fact, pod: Pod, generous: bool) -> bool:
    namespace, labels = selector["namespace"], selector["labels"]
    if pod.neighbour.hidden or labels.unknown or namespace.unknown:
        return generous
    if not fnmatchcase(pod.neighbour.namespace, namespace.text() or ""):
        return False
    own = dict(pod.neighbour.labels)
    return all(
        generous if value.unknown else key in own and fnmatchcase(own[key], value.text() or "")
        for key, value in labels.entries()
    )
