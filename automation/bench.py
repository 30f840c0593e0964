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
import threading
import time
from collections.abc import Sequence

IMPORTS = "import pulumi, pulumi_aws, pulumi_eks, pulumi_kubernetes, pulumi_policy"
_SAMPLE_SECONDS = 0.02
_ACCEPTED = (0, 3)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the times of the imports and of a preview, their bound, and the preview's peak memory."""
    parser = argparse.ArgumentParser(prog="python -m automation.bench", description=__doc__)
    parser.add_argument("stack", nargs="?", default="dev")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args(argv)
    imports = [_run([sys.executable, "-c", IMPORTS]) for _ in range(arguments.runs)]
    command = [sys.executable, "-m", "automation", "preview", arguments.stack]
    previews = [_run(command) for _ in range(arguments.runs)]
    bound = 3 * min(seconds for seconds, _ in imports) + 2
    best = min(seconds for seconds, _ in previews)
    _print("imports", [seconds for seconds, _ in imports])
    _print(f"preview {arguments.stack}", [seconds for seconds, _ in previews])
    print(
        f"bound         {bound:6.2f} s   3 x imports + 2 s; the best preview takes {best / bound:.0%} of it"
    )
    print(
        f"peak memory   {max(peak for _, peak in previews):6.0f} MB  of all processes of a preview together"
    )
    return 0 if best <= bound else 1


def _print(subject: str, seconds: list[float]) -> None:
    print(
        f"{subject:13} {min(seconds):6.2f} s   best of {len(seconds)}; median {statistics.median(seconds):.2f} s"
    )


def _run(command: list[str]) -> tuple[float, float]:
    """Run `command`; return its wall time in seconds and the peak memory of it and its children in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peaks: list[float] = []
    sampler = threading.Thread(target=_sample, args=(process.pid, peaks), daemon=True)
    sampler.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - started
    sampler.join()
    if process.returncode not in _ACCEPTED:
        sys.exit(f"{' '.join(command)} failed:\n{errors.decode(errors='replace')}")
    return seconds, max(peaks, default=0.0)


def _sample(root: int, peaks: list[float]) -> None:
    while resident := _resident_megabytes(root):
        peaks.append(resident)
        time.sleep(_SAMPLE_SECONDS)


def _resident_megabytes(root: int) -> float:
    """Return the resident memory of a process and its descendants; 0 where they have ended or cannot be seen."""
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
