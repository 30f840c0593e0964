"""The platform that a previewed stack is, for placement and for what looks at its pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation.result import Preview
    from fleet.platform import Platform


def platform_of(found: Preview) -> Platform:
    """Return the platform that the resources of a preview add up to."""
    from fleet.platform import Platform
    from fleet.resources import Resource, Stack
    from fleet.wire import reveal

    return Platform(
        Stack(
            Resource(
                urn=each.urn,
                type=each.type,
                name=each.name,
                properties=reveal(dict(each.inputs)),
                parent=each.parent or "",
                provider=each.provider,
                dependencies=each.dependencies,
                property_dependencies=each.property_dependencies,
            )
            for each in found.resources
        )
    )
