"""Facts about EC2, EKS, NVIDIA GPUs, charts, images and models, as data with small typed look-ups.

Standard library only, and nothing is read from disk until a look-up asks for it.
Every data file under ``catalog/data`` says as of when its facts hold and where they come from.
"""
