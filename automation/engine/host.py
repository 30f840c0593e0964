"""Run a user's program or policy pack the way the Pulumi CLI's Python host does.

A script of its own, because the interpreter is the user's: it needs nothing but the standard library
and the `pulumi` package. Usage: `host.py FD program|policy`, where FD is the read end of a pipe. The
engine writes its orders there as one line of JSON; the SDK is imported while they are on their way.
When the pipe closes the engine is gone, however it went, and this process ends with it.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import gc
import importlib
import json
import logging
import os
import runpy
import sys
import threading
import traceback
from typing import IO, Any

# What the CLI's host returns when the user has already been shown what went wrong.
ERROR_WAS_SHOWN = 32


def main() -> None:
    sys.path.pop(0)  # this file's folder: none of our modules may shadow the user's
    pipe = os.fdopen(int(sys.argv[1]), "rb")
    os.set_inheritable(pipe.fileno(), False)
    # SDKs are hundreds of modules that stay: look for garbage among them less often than every 700 objects.
    gc.set_threshold(50_000)
    status = 1

    def leave() -> None:
        """End without taking those modules apart; registered first, so that it runs after all others."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    atexit.register(leave)
    run = {"program": run_program, "policy": run_policy_pack}[sys.argv[2]]
    try:
        status = run(pipe)
    except SystemExit as end:
        status = status_of(end)


def status_of(end: SystemExit) -> int:
    """Return the status that the interpreter would exit with, and print what it would print."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def import_or_explain(package: str) -> None:
    """Import `package` while the orders are on their way."""
    try:
        importlib.import_module(package)
    except ImportError as error:
        print(f"{sys.executable} cannot import {package}: {error}", file=sys.stderr)
        print("install what requirements.txt names for this interpreter", file=sys.stderr)
        sys.exit(1)


def receive_orders(pipe: IO[bytes]) -> dict[str, Any]:
    line = pipe.readline()
    if not line:
        os._exit(1)
    threading.Thread(target=end_with, args=(pipe,), daemon=True).start()
    orders: dict[str, Any] = json.loads(line)
    return orders


def end_with(pipe: IO[bytes]) -> None:
    pipe.read()
    os._exit(1)


def run_policy_pack(pipe: IO[bytes]) -> int:
    import_or_explain("pulumi_policy")

    orders = receive_orders(pipe)
    # gRPC logs what a policy throws and tells the engine its message only: let the traceback be seen.
    logging.getLogger("grpc").addHandler(logging.StreamHandler())
    sys.argv = ["pulumi.policy", orders["engine"], os.getcwd()]
    sys.path.insert(0, os.getcwd())  # as `python -m` does
    runpy.run_module("pulumi.policy", run_name="__main__", alter_sys=True)
    return 0


def run_program(pipe: IO[bytes]) -> int:
    import_or_explain("pulumi")
    import pulumi
    import pulumi.runtime

    orders = receive_orders(pipe)
    pulumi.runtime.set_all_config(
        pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env()
    )
    settings = pulumi.runtime.Settings(dry_run=True, **orders["settings"])
    pulumi.runtime.configure(settings)
    program = orders["program"]
    sys.argv = [program]

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = concurrent.futures.ThreadPoolExecutor(max_workers=settings.parallel * 4)
    loop.set_default_executor(executor)
    # Futures that nobody awaits are normal when a program stops half-way.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    status = 1
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: run_main(program)))
        status = 0
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
    except Exception as error:
        pulumi.log.error("Program failed with an unhandled exception:\n" + user_traceback(error))
        status = ERROR_WAS_SHOWN
    finally:
        executor.shutdown(wait=True)
        loop.close()
    return status


def run_main(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def user_traceback(error: BaseException) -> str:
    """Format `error` without the frames that lead from this script to the user's code."""
    formatted = traceback.TracebackException.from_exception(error)
    pending: list[traceback.TracebackException | None] = [formatted]
    seen: set[int] = set()
    while pending:
        part = pending.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        frames = list(part.stack)
        users = [index for index, frame in enumerate(frames) if not is_machinery(frame.filename)]
        keep = frames[users[0] :] if users else [f for f in frames if f.filename != __file__]
        part.stack = traceback.StackSummary.from_list(keep)
        if part.__context__ is not None and is_transport(part.__context__):
            part.__context__ = None
        pending += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ())]
    return "".join(formatted.format())


def is_transport(part: traceback.TracebackException) -> bool:
    """Whether this is how an error travelled: the SDK raises another one that says what it was."""
    return part.exc_type is not None and part.exc_type.__module__.startswith("grpc")


def is_machinery(filename: str) -> bool:
    modules = (asyncio, concurrent.futures, sys.modules["pulumi"])
    folders = tuple(os.path.dirname(str(module.__file__)) for module in modules)
    return filename in (__file__, runpy.__file__, "<frozen runpy>") or filename.startswith(folders)


if __name__ == "__main__":
    main()
