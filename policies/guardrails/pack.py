"""The rules of the pack, in the order in which they are reported."""

from __future__ import annotations

from typing import Final

from guardrails.auto_mode import (
    auto_mode_instance_supported,
    auto_mode_no_node_access,
    auto_mode_settings_together,
    managed_group_on_auto_mode_has_addons,
)
from guardrails.budget import fleet_within_budget
from guardrails.capacity import gpu_nodes_tainted, gpu_pool_has_limit, spot_pool_diversified
from guardrails.capacity_blocks import capacity_block_settings
from guardrails.deploy_labels import device_plugin_label_is_unstable
from guardrails.dra import dra_not_on_auto_mode, dra_not_on_karpenter
from guardrails.dra_groups import dra_group_has_autoscaler, dra_group_not_from_zero
from guardrails.dra_versions import dra_needs_kubernetes_1_34
from guardrails.efa import efa_for_many_nodes
from guardrails.gpu_software import device_plugin_present, driver_not_reinstalled, single_device_plugin
from guardrails.hardening import (
    control_plane_logged,
    endpoint_not_open,
    imds_v2_required,
    secrets_encrypted_with_kms,
)
from guardrails.karpenter import (
    karpenter_handles_interruption,
    karpenter_supports_kubernetes,
    node_class_selectors_not_empty,
    static_pool_gated,
)
from guardrails.limits import gpu_pool_limits_agree
from guardrails.mig import mig_manager_present, mig_not_on_auto_mode, mig_pool_can_start
from guardrails.mig_layouts import mig_gpu_not_listed, mig_layout_fits, mig_needs_capable_gpu
from guardrails.neuron import neuron_not_on_hybrid
from guardrails.node_classes import node_class_exists
from guardrails.node_pools import node_pool_fields, node_pool_label_domain
from guardrails.parallelism import tensor_parallel_not_on_mig
from guardrails.pinning import charts_pinned, images_pinned
from guardrails.placement import gpu_workload_has_nodes
from guardrails.pods import pods_not_privileged
from guardrails.rule import Rule
from guardrails.system_nodes import system_nodes_steady
from guardrails.time_slicing import time_slicing_on_known_nodes
from guardrails.training import cluster_policy_has_operator, gang_for_many_pods, training_not_disrupted
from guardrails.ultraservers import compute_domain_has_driver, ultraserver_on_managed_group
from guardrails.undecided import undecided_in_preview
from guardrails.versions import al2_retired, kubernetes_version_ends_soon, kubernetes_version_supported
from guardrails.volumes import volumes_encrypted

RULES: Final[tuple[Rule, ...]] = (
    gpu_workload_has_nodes,
    dra_not_on_auto_mode,
    dra_not_on_karpenter,
    dra_needs_kubernetes_1_34,
    dra_group_not_from_zero,
    dra_group_has_autoscaler,
    ultraserver_on_managed_group,
    compute_domain_has_driver,
    mig_not_on_auto_mode,
    mig_needs_capable_gpu,
    mig_gpu_not_listed,
    mig_layout_fits,
    mig_manager_present,
    mig_pool_can_start,
    tensor_parallel_not_on_mig,
    time_slicing_on_known_nodes,
    single_device_plugin,
    device_plugin_label_is_unstable,
    device_plugin_present,
    driver_not_reinstalled,
    cluster_policy_has_operator,
    neuron_not_on_hybrid,
    auto_mode_settings_together,
    auto_mode_no_node_access,
    auto_mode_instance_supported,
    managed_group_on_auto_mode_has_addons,
    node_pool_fields,
    node_pool_label_domain,
    node_class_exists,
    node_class_selectors_not_empty,
    static_pool_gated,
    karpenter_supports_kubernetes,
    karpenter_handles_interruption,
    kubernetes_version_supported,
    kubernetes_version_ends_soon,
    al2_retired,
    gpu_pool_has_limit,
    gpu_pool_limits_agree,
    gpu_nodes_tainted,
    spot_pool_diversified,
    system_nodes_steady,
    capacity_block_settings,
    efa_for_many_nodes,
    gang_for_many_pods,
    training_not_disrupted,
    fleet_within_budget,
    imds_v2_required,
    volumes_encrypted,
    secrets_encrypted_with_kms,
    endpoint_not_open,
    control_plane_logged,
    images_pinned,
    charts_pinned,
    pods_not_privileged,
    # Last, because it tells what the rules above could not decide.
    undecided_in_preview,
)
