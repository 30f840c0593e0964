"""The project and its stack as the Pulumi CLI would hand them to a program.

Rules of merging and of texts: pkg/workspace/config.go and sdk/go/common/resource/config of pulumi/pulumi.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automation.errors import PreviewError, UsageError
from automation.yaml_file import read_mapping

SECRET_PLACEHOLDER = "[secret]"
_STACK_NAME = re.compile(r"^[A-Za-z0-9_.-]{1,100}$")


@dataclass(frozen=True, slots=True)
class Project:
    """What Pulumi.yaml says: where the program is, who runs it and which configuration it declares.

    The program runs in the folder `program`, where `entry_point` is "." or a file.
    """

    name: str
    root: Path
    program: Path
    entry_point: str
    python: str
    stack_folder: Path
    declared: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A stack's configuration as the program receives it.

    `values` are strings, structured ones as JSON; `secret_keys` are those that hold a secret. What is
    encrypted cannot be read here: a placeholder takes its place. `secret_texts` are secrets in plain text,
    which must not be shown, and `warnings` tell what could not be taken along.
    """

    values: Mapping[str, str]
    secret_keys: tuple[str, ...]
    secret_texts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def find_project(folder: Path) -> Project:
    """Read the project whose Pulumi.yaml is in `folder`.

    Raises UsageError where there is none and PreviewError where it cannot be run.
    """
    path = next((p for name in ("Pulumi.yaml", "Pulumi.yml") if (p := folder / name).is_file()), None)
    if path is None:
        raise UsageError(f"no Pulumi.yaml in {folder}: run from the root of a Pulumi project")
    content = read_mapping(path)
    name = content.get("name")
    if not isinstance(name, str) or not name:
        raise PreviewError(f"{path}: name: a project needs a name")
    runtime = content.get("runtime", "")
    options: Mapping[str, Any] = {}
    if isinstance(runtime, dict):
        options = runtime.get("options") or {}
        runtime = runtime.get("name", "")
    if runtime != "python":
        raise PreviewError(f'{path}: runtime: only "python" programs can be previewed, not {runtime!r}')
    main = folder / str(content.get("main") or ".")
    if not (main / "__main__.py" if main.is_dir() else main).is_file():
        raise PreviewError(f"{path}: main: there is no Python program {main}")
    declared = content.get("config") or {}
    stack_folder = folder / str(content.get("stackConfigDir") or "")
    if isinstance(declared, str):  # the old spelling of stackConfigDir
        stack_folder, declared = folder / declared, {}
    return Project(
        name=name,
        root=folder,
        program=main if main.is_dir() else main.parent,
        entry_point="." if main.is_dir() else main.name,
        python=interpreter(folder, options),
        stack_folder=stack_folder,
        declared=_declared(path, name, declared),
    )


def interpreter(folder: Path, options: Mapping[str, Any]) -> str:
    """Return the Python of the virtual environment that `options` name, or the one that runs us."""
    import sys

    named = options.get("virtualenv")
    if named:
        for relative in ("bin/python", "Scripts/python.exe"):
            if (candidate := folder / str(named) / relative).exists():
                return str(candidate)
    return sys.executable


def read_configuration(project: Project, stack: str, config_file: Path | None = None) -> Configuration:
    """Return what the program of `project` receives for `stack`.

    Raises UsageError for a stack that does not exist, PreviewError for configuration the CLI refuses.
    """
    path = config_file or _stack_file(project, stack)
    if not path.is_file():
        raise UsageError(f"{path}: there is no such configuration file")
    content = read_mapping(path)
    given = content.get("config") or {}
    if not isinstance(given, dict):
        raise PreviewError(f"{path}: config: must be a mapping of keys to values")
    values: dict[str, str] = {}
    secrets: list[str] = []
    for written, value in given.items():
        key = _full_key(path, str(written))
        if isinstance(value, float) and value != value:
            raise PreviewError(f"{path}: config: {key}: is not a number")
        values[key], is_secret = _text(value)
        if is_secret:
            secrets.append(key)
        _check_type(path, project, key, value, is_secret)
    missing: list[str] = []
    plain: list[str] = []
    for key, declaration in project.declared.items():
        if key in values:
            continue
        default = declaration.get("default", declaration.get("value"))
        if default is not None:
            values[key] = _text(default)[0]
            if declaration.get("secret"):
                secrets.append(key)
                # As the CLI does: a text this short would be found everywhere.
                plain += [values[key]] if len(values[key]) > 2 else []
        else:
            missing.append(key.removeprefix(f"{project.name}:"))
    if missing:
        names = ", ".join(sorted(missing))
        raise PreviewError(
            f"{path}: config: {names}: declared in Pulumi.yaml without a default, so every stack must set it"
        )
    warnings = []
    if content.get("environment"):
        warnings.append(f"{path}: environment: is read from Pulumi Cloud only; its values are missing here")
    return Configuration(values, tuple(secrets), tuple(plain), tuple(warnings))


def _stack_file(project: Project, stack: str) -> Path:
    if not _STACK_NAME.match(stack):
        raise UsageError(
            f"{stack!r} is no stack name: letters, digits, hyphens, underscores and periods, at most 100"
        )
    path = project.stack_folder / f"Pulumi.{stack}.yaml"
    if path.is_file():
        return path
    known = sorted(p.name[len("Pulumi.") : -len(".yaml")] for p in project.stack_folder.glob("Pulumi.*.yaml"))
    close = difflib.get_close_matches(stack, known, 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    here = f"stacks here: {', '.join(known)}" if known else "there is no stack file here"
    raise UsageError(f"no stack named {stack}: {path} does not exist; {here}{hint}")


def _declared(path: Path, project: str, declared: object) -> dict[str, Any]:
    """Return Pulumi.yaml's declarations by full key, short forms written out."""
    if not isinstance(declared, dict):
        raise PreviewError(f"{path}: config: must be a mapping of keys to declarations")
    result: dict[str, Any] = {}
    for written, value in declared.items():
        key = str(written) if ":" in str(written) else f"{project}:{written}"
        is_ours = key.startswith(f"{project}:")
        if not isinstance(value, dict):
            value = {"default" if is_ours else "value": value}
        if not is_ours and ("type" in value or "default" in value or "value" not in value):
            raise PreviewError(
                f'{path}: config: {key}: a key of another namespace takes a "value", and no type or default'
            )
        default = value.get("default")
        if default is not None and not _has_type(value.get("type"), value.get("items"), default):
            raise PreviewError(
                f"{path}: config: {key}: default: must be {_type_name(value)}, but is {default!r:.60}"
            )
        result[_full_key(path, key)] = value
    return result


def _full_key(path: Path, key: str) -> str:
    match key.split(":"):
        case [namespace, name] | [namespace, "config", name] if namespace and name:
            return f"{namespace}:{name}"
    raise PreviewError(f"{path}: config: {key}: keys have the form namespace:name")


def _text(value: object) -> tuple[str, bool]:
    """Return the string in which a configuration value travels, and whether it holds a secret."""
    plain, is_secret = _without_secrets(value)
    if isinstance(plain, bool):
        return str(plain).lower(), is_secret
    if plain is None:
        return "", is_secret
    if isinstance(plain, dict | list):
        text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
        return text, is_secret
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain)), is_secret
    return str(plain), is_secret


def _without_secrets(value: object) -> tuple[object, bool]:
    if isinstance(value, dict):
        if value.keys() == {"secure"} and isinstance(value["secure"], str):
            return SECRET_PLACEHOLDER, True
        pairs = {str(key): _without_secrets(item) for key, item in value.items()}
        return {key: item for key, (item, _) in pairs.items()}, any(secret for _, secret in pairs.values())
    if isinstance(value, list):
        items = [_without_secrets(item) for item in value]
        return [item for item, _ in items], any(secret for _, secret in items)
    return value, False


def _check_type(path: Path, project: Project, key: str, value: object, is_secret: bool) -> None:
    declaration = project.declared.get(key, {})
    if declaration.get("type") is None:
        return
    if declaration.get("secret") and not is_secret:
        raise PreviewError(
            f"{path}: config: {key}: is declared secret in Pulumi.yaml, so it must be encrypted: "
            f"pulumi config set --secret {key}"
        )
    if not is_secret and not _has_type(declaration["type"], declaration.get("items"), value):
        raise PreviewError(f"{path}: config: {key}: must be {_type_name(declaration)}, but is {value!r:.60}")


def _has_type(type_name: object, items: object, value: object) -> bool:
    match type_name:
        case None:
            return True
        case "string":
            return not isinstance(value, dict | list)
        case "integer":
            return (
                (isinstance(value, int) and not isinstance(value, bool))
                or (isinstance(value, float) and value.is_integer())
                or (isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]+", value) is not None)
            )
        case "boolean":
            return isinstance(value, bool) or value in ("true", "false")
        case "object":
            return isinstance(value, dict)
    if not isinstance(value, list) or not isinstance(items, dict):
        return False
    return all(_has_type(items.get("type"), items.get("items"), item) for item in value)


def _type_name(declaration: Mapping[str, Any]) -> str:
    items = declaration.get("items")
    if isinstance(items, dict):
        return f"array<{_type_name(items)}>"
    return str(declaration.get("type"))
