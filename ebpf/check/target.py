"""A kernel to hold objects against, with what is known of it beyond features: its types and its configuration."""

from __future__ import annotations

from ebpf.check.core import CoreAccess
from ebpf.verdict import ABSENT, COMPILED_OUT, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.btf import Btf
    from ebpf.btf.core import Resolution
    from ebpf.check.model import Requirement
    from ebpf.elf import Extern
    from ebpf.host.kconfig import KConfig
    from ebpf.kernel.base import Kernel

__all__ = ["Target"]

_TYPES = "vmlinux_btf"
"""What CO-RE relocations need: the kernel's types, wherever they come from."""


class Target:
    """A kernel, and what else of it is at hand.

    Parameters:
        kernel: answers about features.
        btf: its vmlinux BTF, against which CO-RE relocations are resolved; ``None``: they are taken to resolve.
        modules: the BTF of its modules, for types that vmlinux does not have.
        config: its configuration; ``None``: what the kernel itself knows of it.
        hosts: the files it was recorded in.

    Attributes:
        statuses: the answers so far, by feature and program type.

    Answers are remembered: one target serves any number of objects.
    """

    def __init__(
        self,
        kernel: Kernel,
        btf: Btf | None = None,
        config: KConfig | None = None,
        hosts: tuple[str, ...] = (),
        modules: Sequence[Btf] = (),
    ) -> None:
        self.kernel = kernel
        self.btf = btf
        self.config = config
        self.hosts = hosts
        self.types: list[Btf] = [] if btf is None else [btf, *modules]
        self.statuses: dict[tuple[str, str | None], str] = {}
        self._reasons: dict[tuple[str, str | None], str] = {}
        self._version_code: int | None = None
        self._resolutions: dict[tuple[int, int, str, int], tuple[Btf, Resolution]] = {}

    @property
    def name(self) -> str:
        """How the kernel is called."""
        return self.kernel.name

    @property
    def version_code(self) -> int | None:
        """LINUX_KERNEL_VERSION there: KERNEL_VERSION(5, 4, 0) is 0x50400; ``None`` when the release does not tell."""
        if self._version_code is None:
            from featuredb import version_key

            for text in (self.kernel.release, self.kernel.name, self.kernel.version or ""):
                try:
                    numbers = (*version_key(text), 0)[:3]
                except ValueError:
                    continue
                self._version_code = numbers[0] << 16 | numbers[1] << 8 | min(numbers[2], 255)
                break
        return self._version_code

    def option(self, name: str) -> str | None:
        """A build option's value as the configuration spells it; ``None`` when it is not known."""
        if self.config is not None:
            return self.config.get(name)
        known = getattr(self.kernel, "option", None)
        if known is not None:
            value: str | None = known(name)
            return value
        platform = getattr(self.kernel, "platform", None)
        return platform.kconfig.get(name) if platform is not None else None

    def feature(self, name: str, program_type: str | None = None) -> str:
        """The status of a feature there (`ebpf.verdict.STATUSES`)."""
        key = (name, program_type)
        status = self.statuses.get(key)
        if status is None and name == _TYPES and self.btf is not None:
            status = self.statuses[key] = SUPPORTED  # the loader takes them from a file as well
        if status is None:
            status = self.kernel.check(name, program_type).status
            if self.config is not None and status != ABSENT and self._left_out(name, program_type):
                status = COMPILED_OUT
            self.statuses[key] = status
        return status

    def status(self, requirement: Requirement) -> str:
        """Whether the kernel has what is required: a status as a `Verdict` has it.

        What only its types, symbols or configuration tell is taken to be there when they are not at hand.
        """
        if requirement.subject is None:
            return self.feature(*requirement.key)
        return ABSENT if self._own(requirement) else SUPPORTED

    def reason(self, requirement: Requirement) -> str:
        """Why it has not: one clause."""
        if requirement.subject is not None:
            return self._own(requirement)
        known = self._reasons.get(requirement.key)
        if known is None:
            known = self._reasons[requirement.key] = self._reason(requirement)
        return known

    def _reason(self, requirement: Requirement) -> str:
        name, program_type = requirement.key
        if self.statuses.get(requirement.key) == COMPILED_OUT and self.config is not None:
            off = self._left_out(name, program_type)
            if off:
                return f"needs {off}, which is not set in {self.config.path}"
        verdict = self.kernel.check(name, program_type)
        if verdict.status == ABSENT and verdict.needs:
            return f"needs {verdict.needs}"
        strongest = {COMPILED_OUT: "kconfig", "denied": "host"}.get(verdict.status, "")
        chosen = [reason for reason in verdict.reasons if reason.source == strongest] or list(verdict.reasons)
        return chosen[0].text if chosen else ("not known" if verdict.status == UNKNOWN else "")

    def has_type(self, access: CoreAccess) -> bool | None:
        """Whether its types have what a CO-RE relocation asks for; ``None`` when they are not at hand."""
        resolution = self._resolve(access)
        return None if resolution is None else resolution.found

    def _resolve(self, access: CoreAccess) -> Resolution | None:
        if self.btf is None:
            return None
        key = (id(access.btf), access.relocation.type_id, access.relocation.access, access.kind)
        known = self._resolutions.get(key)
        if known is None or known[0] is not access.btf:
            from ebpf.btf.core import resolve

            known = self._resolutions[key] = (access.btf, resolve(access.btf, access.relocation, self.types))
        return known[1]

    def _own(self, requirement: Requirement) -> str:
        """What the kernel's types, symbols and configuration lack of what is required; empty for nothing."""
        subject = requirement.subject
        if isinstance(subject, CoreAccess):
            resolution = self._resolve(subject)
            return "" if resolution is None or resolution.value is not None else resolution.problem
        if requirement.kind == "option":
            value = self.option(requirement.name)
            return f"{requirement.name} is not set in its configuration" if value == "n" else ""
        if not self.types:
            return ""
        from ebpf.btf import kinds

        wanted = {
            "function": (kinds.FUNC, kinds.TYPEDEF),  # a tracepoint's is a type
            "variable": (kinds.VAR,),
        }.get(requirement.kind)
        if wanted is None or any(types.find(requirement.name, *wanted) is not None for types in self.types):
            return ""
        return f"the kernel has no {requirement.kind} {requirement.name}"

    def has_symbol(self, extern: Extern) -> bool | None:
        """Whether it has a function or a variable that programs may use; ``None`` when that is not known."""
        import featuredb

        name = extern.essential_name
        if extern.kind == "ksym_func" and featuredb.kind_of(name) == "kfunc":
            status = self.feature(name)
            if status != UNKNOWN:
                return status in (SUPPORTED, "denied")
        if self.btf is None:
            return None
        from ebpf.btf import kinds

        kind = kinds.FUNC if extern.kind == "ksym_func" else kinds.VAR
        return any(types.find(name, kind) is not None for types in self.types) or None

    def _left_out(self, name: str, program_type: str | None) -> str:
        """The build options that a feature needs and that the configuration at hand does not set, in words."""
        import featuredb
        from ebpf.kernel.named import missing_kconfig, unmet

        config = self.config
        if config is None:
            return ""
        return missing_kconfig(featuredb.get(name), program_type, lambda text: unmet(text, config.get))

    def __repr__(self) -> str:
        return f"<Target {self.name}>"
