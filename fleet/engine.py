"""What a container serves: the engine, the model and how it is spread over GPUs, read from its command line.

Flags and short forms: vLLM's ParallelConfig (docs.vllm.ai engine arguments), SGLang's server arguments
(docs.sglang.io), TensorRT-LLM's trtllm-serve, text-generation-inference's launcher. What cannot be read is
unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from fleet.command_line import HIDDEN, CommandLine, environment
from fleet.facts import ABSENT, Fact
from fleet.kubernetes import Workload
from fleet.wire import UNKNOWN


@dataclass(frozen=True, slots=True)
class Serving:
    """A model server: its engine, its model by name or path, and over how many devices it is spread.

    Sizes are whole numbers, 1 where nothing is said. `nodes` is the number of pods that work as one, absent
    where the command does not say; `arguments` are the flags that are given, by name without dashes.
    """

    engine: str
    model: Fact
    tensor: Fact
    pipeline: Fact
    data: Fact
    nodes: Fact
    headless: bool
    arguments: Mapping[str, Fact]


def serving(container: Fact, variables: Mapping[str, Fact] | None = None) -> Serving | None:
    """Return what a container serves, or None for one that is no model server as far as can be seen.

    `variables` are what the container's environment gets from outside, such as LWS_GROUP_SIZE.
    """
    known = {**(variables or {}), **environment(container["env"])}
    line = CommandLine(container, known)
    by_image = _image_engine(container["image"])
    bare = _repository(container["image"].text() or "").endswith(_NEEDS_NO_WORDS)
    launches = list(_launches(line, by_image, bare))
    if not launches:
        hidden = by_image is not None and line.starts_something_hidden
        return _by_environment(by_image, container, known) if by_image and hidden else None
    engine = launches[0][0]
    read = [_flags(words, line) for _, words in launches]
    arguments = {name: _agreed([each.get(name) for each in read], line) for each in read for name in each}
    extra = any(_hides_flags(words) for _, words in launches) or "config" in arguments

    def given(names: tuple[str, ...], otherwise: Any) -> Fact:
        found = next((arguments[name] for name in names if name in arguments), None)
        if found is not None:
            return found
        return line.fact(UNKNOWN if extra else otherwise)

    return Serving(
        engine=engine,
        model=given(_MODEL, UNKNOWN),
        tensor=_whole(given(_TENSOR, 1)),
        pipeline=_whole(given(_PIPELINE, 1)),
        data=_whole(given(_DATA, 1)),
        nodes=_whole(given(_NODES, ABSENT)),
        headless="headless" in arguments,
        arguments=MappingProxyType(arguments),
    )


def group_variables(workload: Workload) -> dict[str, Fact]:
    """Return the variables that pods of a LeaderWorkerSet get of it."""
    if workload.kind != "LeaderWorkerSet":
        return {}
    return {"LWS_GROUP_SIZE": workload.owner.spec.at("leaderWorkerTemplate", "size").default(1)}


_MODEL: Final = ("model", "model-path", "model-id", "")
_TENSOR: Final = ("tensor-parallel-size", "tp", "tp-size", "num-shard")
_PIPELINE: Final = ("pipeline-parallel-size", "pp", "pp-size")
_DATA: Final = ("data-parallel-size", "dp", "dp-size")
_NODES: Final = ("nnodes", "n")

_LAUNCHERS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("vllm", ("vllm", "serve")),
    ("vllm", ("-m", "vllm.entrypoints.openai.api_server")),
    ("vllm", ("-m", "vllm.entrypoints.api_server")),
    ("vllm", ("-m", "dynamo.vllm")),
    ("sglang", ("-m", "sglang.launch_server")),
    ("sglang", ("-m", "dynamo.sglang")),
    ("sglang", ("sglang", "serve")),
    ("tensorrt-llm", ("trtllm-serve",)),
    ("tensorrt-llm", ("-m", "dynamo.trtllm")),
    ("tgi", ("text-generation-launcher",)),
)
"""The words that start a server; the model may follow them."""

_IMAGES: Final[Mapping[str, str]] = MappingProxyType(
    {"vllm": "vllm", "sglang": "sglang", "text-generation-inference": "tgi", "tensorrt": "tensorrt-llm"}
)
_NEEDS_NO_WORDS: Final = ("vllm-openai",)
"""Images whose own entry point serves, whatever it is told."""

_VALUED: Final = frozenset(
    f"{dashes}{name}"
    for name in (*_MODEL[:-1], *_TENSOR, *_PIPELINE, *_DATA, *_NODES, "node-rank", "master-addr", "port")
    for dashes in ("-", "--")
)
"""Flags that a value follows, whatever it may be."""

# -- the command line -----------------------------------------------------------------------------------


def _launches(line: CommandLine, by_image: str | None, bare: bool) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each engine that is started, and the words after its name."""
    names = [word.rpartition("/")[2] for word in line.words]
    found = False
    for index in range(len(names)):
        for engine, start in _LAUNCHERS:
            if tuple(names[index : index + len(start)]) == start:
                found = True
                yield engine, _until_the_end(line.words[index + len(start) :])
    # The image's own entry point takes arguments alone.
    alone = not line.command and (bare or any(word.startswith("--") for word in line.words))
    if not found and by_image is not None and alone:
        yield by_image, line.words


_ENDS: Final = re.compile(r"[;&|()<>]+")


def _until_the_end(words: Sequence[str]) -> Sequence[str]:
    end = next((index for index, word in enumerate(words) if _ENDS.fullmatch(word)), len(words))
    return words[:end]


def _flags(words: Sequence[str], line: CommandLine) -> dict[str, Fact]:
    """Return the values of flags by name, the last of each; the model by no name, where it comes first."""
    found: dict[str, Fact] = {}
    if words and not words[0].startswith("-") and words[0] != HIDDEN:
        found[""] = _read(words[0], line)
    for index, word in enumerate(words):
        if word.startswith("-") and not re.fullmatch(r"-[\d.]+", word):
            name, given, value = word.lstrip("-").partition("=")
            following = words[index + 1] if index + 1 < len(words) else "-"
            if not given:
                value = "true" if following.startswith("-") else following
            found[name.replace("_", "-")] = _read(value, line)
    return found


def _hides_flags(words: Sequence[str]) -> bool:
    """Whether a word is not known that may be any flag, or several."""
    before = ["", *words]
    return any(
        word == HIDDEN and previous.replace("_", "-") not in _VALUED
        for previous, word in zip(before, words, strict=False)
    )


def _read(text: str, line: CommandLine) -> Fact:
    return line.fact(UNKNOWN if HIDDEN in text else text)


def _agreed(values: list[Fact | None], line: CommandLine) -> Fact:
    """Return what all starts of a script say of a flag; unknown where they differ."""
    texts = {each.value if each is not None else None for each in values}
    first = next(each for each in values if each is not None)
    return first if len(texts) == 1 else line.fact(UNKNOWN)


def _whole(fact: Fact) -> Fact:
    text = fact.text()
    if text is None:
        return fact
    return Fact(int(text) if text.isascii() and text.isdecimal() else UNKNOWN, fact.urn, fact.path)


# -- images that are told by their environment -----------------------------------------------------------

_BY_VARIABLE: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "model": re.compile(r"(?:SM_VLLM_|HF_|NIM_)?MODEL(?:_ID|_NAME|_PATH)?"),
        "tensor": re.compile(r"(?:[A-Z]+_)*(?:TENSOR_PARALLEL_(?:SIZE|DEGREE)|TP_SIZE)|NUM_SHARD"),
        "pipeline": re.compile(r"(?:[A-Z]+_)*(?:PIPELINE_PARALLEL_(?:SIZE|DEGREE)|PP_SIZE)"),
        "data": re.compile(r"(?:[A-Z]+_)*(?:DATA_PARALLEL_(?:SIZE|DEGREE)|DP_SIZE)"),
    }
)


def _by_environment(engine: str, container: Fact, variables: Mapping[str, Fact]) -> Serving:
    """Return what a server's image is told by variables; what they leave out is up to a program not seen."""
    place = container["command"] if not container["command"].absent else container["image"]

    def named(key: str) -> Fact:
        names = (name for name in variables if _BY_VARIABLE[key].fullmatch(name))
        return next((variables[name] for name in names), Fact(UNKNOWN, place.urn, place.path))

    sizes = {key: _whole(named(key)) for key in ("tensor", "pipeline", "data")}
    nodes = Fact(UNKNOWN, place.urn, place.path)
    return Serving(
        engine, named("model"), **sizes, nodes=nodes, headless=False, arguments=MappingProxyType({})
    )


def _image_engine(image: Fact) -> str | None:
    repository = _repository(image.text() or "")
    return next((engine for part, engine in _IMAGES.items() if part in repository), None)


def _repository(image: str) -> str:
    return "/".join(part.partition(":")[0] for part in image.partition("@")[0].split("/")[-2:])
