"""Measure a preview as its users do: the whole process, against the imports that it cannot do without.

    python -m automation.bench [STACK] [--runs N]

The bound is three times the imports plus two seconds; exit status 1 where the best run exceeds it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

IMPORTS = "import pulumi, pulumi_aws, pulumi_eks, pulumi_kubernetes, pulumi_policy"
_SAMPLE_SECONDS = 0.1
_ACCEPTED = (0, 3)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the times of the imports and of a preview, their bound, and the preview's peak memory."""
    parser = argparse.ArgumentParser(prog="python -m automation.bench", description=__doc__)
    parser.add_argument("stack", nargs="?", default="dev")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args(argv)
    command = [sys.executable, "-m", "automation", "preview", arguments.stack]
    imports = [_seconds([sys.executable, "-c", IMPORTS]) for _ in range(arguments.runs)]
    previews = [_seconds(command) for _ in range(arguments.runs)]
    bound, best = 3 * min(imports) + 2, min(previews)
    _print("imports", imports)
    _print(f"preview {arguments.stack}", previews)
    print(f"bound         {bound:6.2f} s   3 x imports + 2 s; the best preview takes {best / bound:.0%}")
    print(f"peak memory   {_peak_megabytes(command):6.0f} MB  all processes of a preview together")
    return 0 if best <= bound else 1


def _print(subject: str, seconds: Sequence[float]) -> None:
    median = statistics.median(seconds)
    print(f"{subject:13} {min(seconds):6.2f} s   best of {len(seconds)}; median {median:.2f} s")


def _seconds(command: Sequence[str]) -> float:
    """Run `command`; return its wall time in seconds."""
    started = time.perf_counter()
    process = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - started
    if process.returncode not in _ACCEPTED:
        sys.exit(f"{' '.join(command)} failed:\n{process.stderr.decode(errors='replace')}")
    return seconds


def _peak_megabytes(command: Sequence[str]) -> float:
    """Run `command`; return the largest resident memory that it and its descendants had at one time."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _resident_megabytes(process.pid))
        time.sleep(_SAMPLE_SECONDS)
    return peak


def _resident_megabytes(root: int) -> float:
    """Return the resident memory of a process and its descendants, 0 where the system does not tell."""
    parents: dict[int, int] = {}
    pages: dict[int, int] = {}
    for entry in os.scandir("/proc") if os.path.isdir("/proc") else ():
        if not entry.name.isdigit():
            continue
        try:
            with open(f"/proc/{entry.name}/stat") as stat, open(f"/proc/{entry.name}/statm") as statm:
                parents[int(entry.name)] = int(stat.read().rpartition(")")[2].split()[1])
                pages[int(entry.name)] = int(statm.read().split()[1])
        except OSError:  # it ended while we looked
            continue
    family = {root}
    while True:
        grown = family | {pid for pid, parent in parents.items() if parent in family}
        if grown == family:
            break
        family = grown
    return sum(pages.get(pid, 0) for pid in family) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    raise SystemExit(main())
