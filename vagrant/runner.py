"""Runs a command in guest after guest, a few at a time, and leaves none behind."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vagrant import layout, rows, tools
from vagrant.cache import Cache
from vagrant.errors import MatrixError, NotObtainable
from vagrant.guest import Guest
from vagrant.machines import Machine, MachineGuest
from vagrant.mirror import Mirror
from vagrant.result import NOT_OBTAINABLE, Result

__all__ = ["Cancelled", "Runner"]


class Cancelled(Exception):
    """The run was interrupted."""


class Runner:
    """Fetches kernels and runs one command in each.

    Parameters:
        cache: where kernels are kept.
        mirror: gives the mirror when something has to be fetched.
        say: prints a line about a kernel.
        output: gets each line of a command's output.
        limit: seconds that a command may take.
        acceleration: whether to use KVM.
        collect: called with a result and the shared directory before that is removed.
    """

    def __init__(
        self,
        cache: Cache,
        mirror: Callable[[], Mirror],
        say: Callable[[str, str], None],
        output: Callable[[str, bytes], None],
        *,
        limit: float,
        acceleration: bool,
        refresh: bool = False,
        collect: Callable[[Result, Path], None] | None = None,
    ) -> None:
        self._cache = cache
        self._mirror = mirror
        self._say = say
        self._output = output
        self._limit = limit
        self._acceleration = acceleration
        self._refresh = refresh
        self._collect = collect
        self._guests: set[Guest | MachineGuest] = set()
        self._cancelled = threading.Event()

    def run(self, kernels: Sequence[rows.Kernel | Machine], command: Sequence[str], jobs: int) -> list[Result]:
        """The results in the order of the kernels. On an interrupt every guest is stopped before it is raised again."""
        wrappers = Path(tempfile.mkdtemp(prefix="ebpf-matrix-"))
        try:
            if any(isinstance(kernel, rows.Kernel) for kernel in kernels):
                self._virtiofsd = self._virtiofsd_in(wrappers)
            with ThreadPoolExecutor(jobs) as pool:
                try:
                    futures = [pool.submit(self._one, kernel, command) for kernel in kernels]
                    return [future.result() for future in futures]
                except BaseException:
                    self._cancelled.set()
                    pool.shutdown(wait=False, cancel_futures=True)
                    for guest in tuple(self._guests):
                        guest.stop()
                    raise
        finally:
            shutil.rmtree(wrappers, ignore_errors=True)

    def fetch(self, kernels: Sequence[rows.Kernel]) -> int:
        """Fill the cache; the number of kernels that could not be fetched, at most 1: an exit code."""
        failed = 0
        for kernel in kernels:
            try:
                self._say(kernel.name, f"{self._files(kernel).release} is there")
            except MatrixError as error:
                self._say(kernel.name, str(error))
                failed = 1
        return failed

    def _virtiofsd_in(self, directory: Path) -> Path | None:
        """A directory with virtiofsd in it; `None` when this machine has its own."""
        if tools.has_virtiofsd():
            return None
        tool = rows.tool("virtiofsd")
        try:
            unpacked = self._cache.entry(
                "virtiofsd",
                tool.suites,
                tool.packages,
                {},
                self._mirror,
                lambda text: self._progress("virtiofsd", text),
            )
        except NotObtainable as error:
            raise MatrixError(
                f"this machine has no virtiofsd (Debian 12 has none), and it cannot be fetched: {error}. On Debian 13: "
                "apt-get install virtiofsd"
            ) from None
        tools.wrap_with_libraries(unpacked, "virtiofsd", directory)
        return directory

    def _one(self, kernel: rows.Kernel | Machine, command: Sequence[str]) -> Result:
        try:
            guest, what = self._guest(kernel, command)
        except NotObtainable as error:
            self._say(kernel.name, f"{NOT_OBTAINABLE}: {error}")
            return Result(kernel.name, NOT_OBTAINABLE, explanation=str(error))
        except MatrixError as error:
            self._say(kernel.name, str(error))
            return Result(kernel.name, "not fetched", explanation=str(error))
        with self._cache.slot(lambda text: self._progress(kernel.name, text)):
            return self._run(kernel.name, guest, what)

    def _run(self, name: str, guest: Guest | MachineGuest, what: str) -> Result:
        with guest:
            self._guests.add(guest)
            try:
                if self._cancelled.is_set():
                    raise Cancelled
                self._say(name, what)
                outcome = guest.run(self._limit, lambda line: self._output(name, line))
                result = Result.of_command(name, outcome)
                if self._collect is not None and not self._cancelled.is_set():
                    self._collect(result, guest.shared)
            finally:
                self._guests.discard(guest)
        return result

    def _guest(self, kernel: rows.Kernel | Machine, command: Sequence[str]) -> tuple[Guest | MachineGuest, str]:
        if isinstance(kernel, Machine):
            return MachineGuest(kernel, command), f"starting, from the box {kernel.box}"
        files = self._files(kernel)
        guest = Guest(
            files,
            command,
            virtiofsd=self._virtiofsd,
            cpu=kernel.cpu,
            acceleration=self._acceleration,
            plan9=kernel.plan9,
        )
        return guest, f"booting {files.release}"

    def _files(self, kernel: rows.Kernel) -> layout.Files:
        if kernel.image:
            config = Path(kernel.config) if kernel.config else None
            modules = Path(kernel.modules) if kernel.modules else None
            return layout.of_image(Path(kernel.image), config, modules)
        tree = self._cache.entry(
            kernel.name,
            kernel.suites,
            kernel.packages,
            kernel.unindexed,
            self._mirror,
            lambda text: self._progress(kernel.name, text),
            self._refresh,
        )
        return layout.of_package(tree)

    def _progress(self, name: str, text: str) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        if text:
            self._say(name, text)
