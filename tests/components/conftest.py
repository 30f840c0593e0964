"""pulumi-eks warns of a class of its own, which nothing here uses, when it is imported."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "NodeGroup uses AWS EC2 LaunchConfiguration", DeprecationWarning)
    import pulumi_eks  # noqa: F401
