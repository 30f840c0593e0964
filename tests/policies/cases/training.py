"""Cases of the rules about jobs that train."""

from __future__ import annotations

from tests.policies.changes import add, remove, set_, unknown, without
from tests.policies.harness import Case, cases

_GANG = 'metadata.annotations["kai.scheduler/batch-min-member"]'
_KEPT = 'spec.template.metadata.annotations["karpenter.sh/do-not-disrupt"]'
_ROLES = "spec.pytorchReplicaSpecs"
_BUDGETS = "spec.disruption.budgets"
_POOL = {"training-not-disrupted": "train"}

CASES = (
    *cases(
        "training",
        Case(
            "KAI Scheduler without GPU Operator",
            without("gpu-operator"),
            fires={"cluster-policy-has-operator": "kai", "device-plugin-present": "training-pool"},
            says="install the gpu-operator chart",
        ),
        Case(
            "KAI Scheduler with GPU Operator for claims, which makes no ClusterPolicy",
            set_("gpu-operator", "values.clusterPolicy.deployCR", False),
            fires={"cluster-policy-has-operator": "kai", "device-plugin-present": "training-pool"},
        ),
        Case(
            "Run:ai without a ClusterPolicy",
            without("kai"),
            add("spare-run-ai"),
            set_("gpu-operator", "values.clusterPolicy.deployCR", False),
            fires={"cluster-policy-has-operator": "spare-run-ai", "device-plugin-present": "training-pool"},
            says="installs Run:ai",
        ),
        Case(
            "a ClusterPolicy of one's own",
            set_("gpu-operator", "values.clusterPolicy.deployCR", False),
            add("spare-policy"),
        ),
        Case(
            "a ClusterPolicy that may not be made",
            unknown("gpu-operator", "values.clusterPolicy.deployCR"),
            undecided={
                "cluster-policy-has-operator": "kai",
                "device-plugin-present": "training-pool",
                "gpu-workload-has-nodes": "train",
            },
        ),
        Case("KAI Scheduler in a cluster made elsewhere", without("gpu-operator", "cluster")),
        Case(
            "a job of several workers that its scheduler takes one by one",
            remove("train", _GANG),
            fires={"gang-for-many-pods": "train"},
            says="has 2 pods with accelerators, and nothing starts them together",
        ),
        Case(
            "a job of several workers under Kubernetes' own scheduler",
            remove("train", "spec.template.spec.schedulerName"),
            fires={"gang-for-many-pods": "train"},
        ),
        Case(
            "a job in a queue of Kueue",
            remove("train", "spec.template.spec.schedulerName"),
            set_("train", 'metadata.labels["kueue.x-k8s.io/queue-name"]', "training"),
        ),
        Case(
            "a group of Volcano",
            set_("train", "spec.template.spec.schedulerName", "volcano"),
            set_("train", 'spec.template.metadata.annotations["scheduling.k8s.io/group-name"]', "train"),
        ),
        Case(
            "a group of coscheduling",
            set_("train", "spec.template.spec.schedulerName", "scheduler-plugins-scheduler"),
            set_("train", 'spec.template.metadata.labels["scheduling.x-k8s.io/pod-group"]', "train"),
        ),
        Case(
            "a group that another scheduler would read",
            set_("train", "spec.template.spec.schedulerName", "volcano"),
            fires={"gang-for-many-pods": "train"},
        ),
        Case("a job of one worker", remove("train", _GANG), set_("train", "spec.parallelism", 1)),
        Case(
            "several pods that give up after a day",
            remove("train", _GANG),
            set_("train", "spec.activeDeadlineSeconds", 86_400),
        ),
        Case(
            "several pods without accelerators",
            remove("train", _GANG),
            set_("train", "spec.template.spec.containers[0].resources.limits", {"cpu": "4"}),
        ),
        Case(
            "a number of workers that is not known yet",
            remove("train", _GANG),
            unknown("train", "spec.parallelism"),
            undecided={"gang-for-many-pods": "train"},
        ),
        Case(
            "Kubeflow's job of a master and its workers",
            add("spare-pytorch"),
            fires={"gang-for-many-pods": "spare-pytorch"},
            says="PyTorchJob tune has 4 pods with accelerators",
        ),
        Case(
            "Kubeflow's job whose pods are all KAI Scheduler's",
            add("spare-pytorch"),
            set_("spare-pytorch", f"{_ROLES}.Master.template.spec.schedulerName", "kai-scheduler"),
            set_("spare-pytorch", f"{_ROLES}.Worker.template.spec.schedulerName", "kai-scheduler"),
        ),
        Case(
            "Kubeflow's job with a group of its own",
            add("spare-pytorch"),
            set_("spare-pytorch", "spec.runPolicy.schedulingPolicy.minAvailable", 4),
        ),
        Case(
            "Kubeflow's job of one pod",
            add("spare-pytorch"),
            set_("spare-pytorch", f"{_ROLES}.Worker.replicas", 1),
            remove("spare-pytorch", f"{_ROLES}.Master"),
        ),
        Case(
            "Kubeflow's job with a number of workers that is not known yet",
            add("spare-pytorch"),
            unknown("spare-pytorch", f"{_ROLES}.Worker.replicas"),
            remove("spare-pytorch", f"{_ROLES}.Master"),
            undecided={"gang-for-many-pods": "spare-pytorch"},
        ),
        Case(
            "Kubeflow's job on a pool that removes used nodes",
            add("spare-pytorch"),
            set_("spare-pytorch", 'metadata.labels["kueue.x-k8s.io/queue-name"]', "training"),
            remove("spare-pytorch", f"{_ROLES}.Worker.template.metadata.annotations"),
            fires={"training-not-disrupted": "spare-pytorch"},
            says="PyTorchJob tune may run on NodePool training",
        ),
        Case(
            "a set of jobs of several workers",
            add("spare-job-set"),
            fires={"gang-for-many-pods": "spare-job-set"},
            says="JobSet sweep has 4 pods with accelerators",
        ),
        Case(
            "a job of several workers each night",
            add("spare-nightly"),
            fires={"gang-for-many-pods": "spare-nightly"},
            says="CronJob nightly has 2 pods with accelerators",
        ),
        Case(
            "a job of several workers each night, in a queue of Kueue",
            add("spare-nightly"),
            set_(
                "spare-nightly", 'spec.jobTemplate.metadata.labels["kueue.x-k8s.io/queue-name"]', "training"
            ),
        ),
        Case(
            "a long job on a pool that removes used nodes",
            remove("train", _KEPT),
            fires=_POOL,
            says="Job train may run on NodePool training, which removes nodes that are little used",
        ),
        Case(
            "a long job on a pool without a policy, which then removes used nodes",
            remove("train", _KEPT),
            remove("training-pool", "spec.disruption.consolidationPolicy"),
            fires=_POOL,
        ),
        Case(
            "a long job whose pods may be disrupted, it says",
            set_("train", _KEPT, "false"),
            fires=_POOL,
        ),
        Case(
            "a long job on a pool that removes empty nodes alone",
            remove("train", _KEPT),
            set_("training-pool", "spec.disruption.consolidationPolicy", "WhenEmpty"),
        ),
        Case(
            "a long job on a pool whose budget keeps used nodes",
            remove("train", _KEPT),
            set_("training-pool", _BUDGETS, [{"nodes": "0", "reasons": ["Underutilized", "Drifted"]}]),
        ),
        Case(
            "a long job on a pool whose budget keeps used nodes by day",
            remove("train", _KEPT),
            set_("training-pool", _BUDGETS, [{"nodes": "0", "schedule": "0 9 * * *", "duration": "8h"}]),
            fires=_POOL,
        ),
        Case(
            "a long job on a pool whose budget keeps empty nodes",
            remove("train", _KEPT),
            set_("training-pool", _BUDGETS, [{"nodes": "0", "reasons": ["Empty"]}]),
            fires=_POOL,
        ),
        Case(
            "a job of half an hour on a pool that removes used nodes",
            remove("train", _KEPT),
            set_("train", "spec.activeDeadlineSeconds", 1800),
        ),
        Case(
            "a policy that is not known yet",
            remove("train", _KEPT),
            unknown("training-pool", "spec.disruption.consolidationPolicy"),
            undecided={**_POOL, "node-pool-fields": "training-pool"},
        ),
    ),
)
