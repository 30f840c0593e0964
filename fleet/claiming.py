"""Which pools serve resource claims, and which devices the claims of a pod take."""

from __future__ import annotations

from typing import Final

from fleet.claims import CHANNEL_CLASS, claims
from fleet.devices import some
from fleet.kubernetes import Workload
from fleet.memo import per_platform
from fleet.offers import offer_of
from fleet.platform import NodePool, Platform
from fleet.span import CLAIMS, Span, span
from fleet.verdict import Verdict, undecided, verdict

ALLOCATION_LABEL: Final = "eks-inference/gpu-allocation"
"""By this label a pool of ours is told to be one whose GPUs go by claims, whatever runs on its nodes."""


@per_platform
def serves_claims(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a DRA driver of the stack that can run on the pool's nodes serves claims there."""
    return _some(platform, pool, "")


@per_platform
def serves_class(platform: Platform, pool: NodePool, device_class: str) -> Verdict:
    """Whether such a driver serves claims of one device class."""
    return _some(platform, pool, device_class)


def is_for_claims(platform: Platform, pool: NodePool) -> Verdict:
    """Whether pods get devices of the pool by claims: a driver serves them, or its label says so."""
    return serves_claims(platform, pool) | pool.labels[ALLOCATION_LABEL].equals("dra")


def claims_channels_only(platform: Platform, workload: Workload) -> Verdict:
    """Whether a pod claims channels of compute domains and no other device."""
    found = span(lambda reading: claims(platform, workload, reading))
    classes = {each.device_class for request in found.most for each in request}
    if found.known or classes - {CHANNEL_CLASS, ""}:
        return verdict(classes == {CHANNEL_CLASS})
    return undecided(*found.undecided.get(CLAIMS, ()))


def _some(platform: Platform, pool: NodePool, device_class: str) -> Verdict:
    offer = offer_of(platform, pool)
    most, least = (each.nodes.bits & each.claims.serving(device_class) for each in (offer.most, offer.least))
    named = {CLAIMS: offer.undecided[CLAIMS]} if CLAIMS in offer.undecided else offer.undecided
    return some(Span(most, least, named))
