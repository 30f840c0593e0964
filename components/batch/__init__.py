"""Schedulers for groups of pods: how each is installed, what its queues are, how a group is told to it."""
