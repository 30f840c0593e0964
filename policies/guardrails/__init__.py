"""Guardrails for GPU inference on Amazon EKS: what cannot work is rejected before it is built."""
