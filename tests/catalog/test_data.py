"""Rules for the catalog as a whole: standard library alone, nothing read at import, every file dated."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import catalog

PACKAGE = Path(catalog.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))
DATA = PACKAGE / "data"


def imported(module: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_needs_only_the_standard_library(module: Path) -> None:
    assert imported(module) <= set(sys.stdlib_module_names) | {"catalog"}


def test_importing_reads_no_data() -> None:
    program = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        + "".join(f"import catalog.{module.stem}\n" for module in MODULES if module.stem != "__init__")
        + "import json; print(json.dumps([name for name in opened if '/catalog/data/' in name]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def sourced(table: dict[str, Any]) -> bool:
    return "as_of" in table and "source" in table


@pytest.mark.parametrize("file", sorted(DATA.glob("*.toml")), ids=lambda file: file.stem)
def test_every_fact_file_says_as_of_when_and_from_where(file: Path) -> None:
    table = tomllib.loads(file.read_text())
    if "as_of" in table:
        rows = [row for group in table.values() if isinstance(group, dict) for row in group.values()]
        assert "source" in table or all("source" in str(row) for row in rows)
    else:
        assert table
        assert all(sourced(group) for group in table.values())


@pytest.mark.parametrize("name", ["instance_types", "accelerated_instance_types"])
def test_the_generated_files_say_as_of_when_and_from_where(name: str) -> None:
    meta = json.loads((DATA / f"{name}.json").read_text())["meta"]
    assert meta["as_of"]
    assert meta["prices_as_of"]
    assert meta["sources"]["all"]


def test_the_data_stays_small() -> None:
    sizes = {file.name: file.stat().st_size for file in DATA.glob("*.json")}
    assert sizes["instance_types.json"] < 250_000
    assert sizes["accelerated_instance_types.json"] < 50_000
    assert sum(file.stat().st_size for file in (DATA / "chart_values").glob("*.json")) < 150_000
