"""Serve provider stand-ins until standard input closes; print the value for PULUMI_DEBUG_PROVIDERS."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.standins.provider import Journal, serve

PACKAGES = ("aws", "eks", "kubernetes")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.standins", description=__doc__)
    parser.add_argument("packages", nargs="*", default=PACKAGES, help="default: %(default)s")
    parser.add_argument("--journal", type=Path, help="append every call to this file, one JSON object a line")
    parser.add_argument(
        "--drift", type=Path, help="JSON file {URN: {property: value}} that reads find changed"
    )
    arguments = parser.parse_args()
    journal = Journal(arguments.journal)
    servers = {package: serve(package, journal, arguments.drift) for package in arguments.packages}
    print(",".join(f"{package}:{port}" for package, (_, port) in servers.items()), flush=True)
    sys.stdin.read()
    for server, _ in servers.values():
        server.stop(grace=None)


if __name__ == "__main__":
    main()
