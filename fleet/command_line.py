"""The words of a container's command line, as far as they are known before the container runs.

Kubernetes puts variables of the container into its command and arguments as $(NAME). A shell's script is
taken apart into words; its $NAME, ${NAME} and ${NAME:-default} are read from the container's environment too.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any, Final

from fleet.facts import Fact
from fleet.wire import UNKNOWN

HIDDEN: Final = "\0"
"""What stands in a word for a part of it that is not known."""


class CommandLine:
    """The words of a container's command and arguments, variables put in.

    `words` are those of a shell's script where one is given, its commands apart by semicolons; `command` is
    empty where the image's own entry point runs.
    """

    def __init__(self, container: Fact, environment: Mapping[str, Fact]) -> None:
        self._container = container
        self._environment = environment
        self._unknown: Fact | None = None
        self.command = self._words(container["command"])
        self.words = [*self.command, *self._words(container["args"])]
        for index, word in enumerate(self.words):
            script = self.words[index + 2 : index + 3]
            if _is_shell(word) and script and re.fullmatch(r"-[a-z]*c", self.words[index + 1]):
                self.words = self._script(script[0])
                break

    @property
    def starts_something_hidden(self) -> bool:
        """Whether it may start a server out of sight: in a program of its own, or the image's."""
        return not self.words or any(_PROGRAM.search(word) for word in self.words)

    def fact(self, value: Any) -> Fact:
        """Return a value that was read here; an unknown one names what it waits for."""
        place = self._container["args"] if self._container["command"].absent else self._container["command"]
        if value is UNKNOWN and self._unknown is not None:
            place = self._unknown
        return Fact(value, place.urn, place.path)

    def _words(self, listed: Fact) -> list[str]:
        if listed.absent:
            return []
        if not isinstance(listed.value, list):
            self._unknown = self._unknown or listed
            return [HIDDEN]
        return [self._word(each) for each in listed.items()]

    def _word(self, word: Fact) -> str:
        text = word.text()
        if text is None:
            self._unknown = self._unknown or word
            return HIDDEN
        return _KUBERNETES.sub(lambda found: self._variable(found[1], found[0]), text)

    def _variable(self, name: str, otherwise: str) -> str:
        if name not in self._environment:
            return otherwise
        value = self._environment[name]
        text = value.text()
        if text is None or _KUBERNETES.search(text):
            self._unknown = self._unknown or value
            return HIDDEN
        return text

    def _script(self, script: str) -> list[str]:
        """Return the words of a shell's script, its commands apart by semicolons."""
        lines = script.replace("\\\n", " ").splitlines()
        text = " ; ".join(line for line in lines if not line.lstrip().startswith("#"))
        text = _SHELL.sub(lambda found: self._shell_variable(found), text)
        lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            return list(lexer)
        except ValueError:
            return [HIDDEN]

    def _shell_variable(self, found: re.Match[str]) -> str:
        name, default = found["name"] or found["braced"], found["default"]
        if name is None:
            return HIDDEN
        return self._variable(name, HIDDEN if default is None else default)


_KUBERNETES: Final = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_SHELL: Final = re.compile(
    r"\$\(\((?:[^()]|\([^()]*\))*\)\)|\$\([^()]*\)"
    r"|\$\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?::?-(?P<default>[^}]*))?\}|\$\{[^}]*\}"
    r"|\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)|\$[@*#?!0-9]"
)
_PROGRAM: Final = re.compile(r"\0|\.(?:sh|py)$|entrypoint|^(?:.*/)?(?:python[0-9.]*|ray|torchrun|mpirun)$")


def _is_shell(word: str) -> bool:
    return word.rpartition("/")[2] in ("sh", "bash", "ash", "dash", "zsh")


def environment(listed: Fact) -> dict[str, Fact]:
    """Return a container's variables by name; those from Secrets, ConfigMaps and fields are not known."""
    found = {}
    for each in listed.items():
        name, value = each["name"].text(), each["value"]
        if name is not None:
            outside = value.absent and not each["valueFrom"].absent
            found[name] = Fact(UNKNOWN, each.urn, each.path) if outside else value.default("")
    return found
