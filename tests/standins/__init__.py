"""Stand-ins for the AWS, EKS and Kubernetes providers, against which the real Pulumi CLI runs offline.

`python -m tests.standins` serves the providers; `tests.standins.cli` runs `pulumi` against them.
"""
