"""Child processes that never outlive the engine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Literal

from automation.errors import PreviewError

HOST = Path(__file__).with_name("host.py")


class Child:
    """A Python process running a program or a policy pack, waiting for its orders.

    It has a session of its own, so that ending it ends what it started, and it ends by itself when the
    pipe that brings its orders closes.
    """

    def __init__(
        self, kind: Literal["program", "policy"], python: str, cwd: Path, environment: Mapping[str, str]
    ) -> None:
        reader, self._orders = os.pipe()
        self._readers: list[threading.Thread] = []
        try:
            self._process = subprocess.Popen(
                [python, "-u", str(HOST), str(reader), kind],
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(reader,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._orders)
            raise PreviewError(f"{python}: cannot be started: {error.strerror}") from None
        finally:
            os.close(reader)

    @property
    def stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def stderr(self) -> IO[bytes]:
        assert self._process.stderr is not None
        return self._process.stderr

    def order(self, **orders: Any) -> None:
        """Send the orders that the process waits for; one that has died already says so by its status."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._orders, json.dumps(orders).encode() + b"\n")

    def read_lines(self, stream: IO[bytes], handle: Callable[[str], None]) -> None:
        """Give every line that arrives on `stream` to `handle`, on a thread of its own."""

        def read() -> None:
            for line in stream:
                handle(line.decode(errors="replace").rstrip("\r\n"))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        self._readers.append(thread)

    def wait(self) -> int:
        """Wait for the end of the process and of its output; return its exit status."""
        status = self._process.wait()
        for reader in self._readers:
            reader.join(timeout=1)
        return status

    def interrupt(self) -> None:
        """End the process and everything it started, without waiting for it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing is left of the group
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the process and everything it started; afterwards none of it is left."""
        self.interrupt()
        self.wait()
        if not any(reader.is_alive() for reader in self._readers):
            # Else something that left the session still holds them, and closing would wait for it.
            self.stdout.close()
            self.stderr.close()
        if self._orders >= 0:
            os.close(self._orders)
            self._orders = -1
