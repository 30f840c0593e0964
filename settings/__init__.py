"""The stack configuration as frozen models, one module a topic.

`load` reads the stack's configuration, `parse` plain data; both raise `SettingsError` with every problem.
Settings say what was asked for. Whether the combination can work is for the policy pack to judge.
"""

from settings.errors import Problem, SettingsError
from settings.load import Secrets, load, load_secrets
from settings.parse import parse
from settings.platform import Platform

__all__ = ["Platform", "Problem", "Secrets", "SettingsError", "load", "load_secrets", "parse"]
