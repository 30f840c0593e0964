"""The policy pack's entry point. The rules live in `guardrails`, since `PolicyPack` never returns."""

from pulumi_policy import EnforcementLevel, PolicyPack

from guardrails.adapter import Memory, decode_once, policies
from guardrails.pack import RULES

memory = Memory()
decode_once(memory)
PolicyPack(
    name="eks-inference-guardrails",
    policies=policies(RULES, memory),
    enforcement_level=EnforcementLevel.MANDATORY,
    provider="aws",
    tags=["eks", "gpu", "inference"],
)
