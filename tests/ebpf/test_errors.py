from __future__ import annotations

import pytest

from ebpf import errors

# What a caller who knows nothing of the library would catch.
BUILTINS = {
    errors.UnknownFeatureError("x"): LookupError,
    errors.UnsupportedFeatureError("x"): NotImplementedError,
    errors.PermissionDeniedError("x"): PermissionError,
    errors.UnknownKernelError("x"): LookupError,
    errors.ProfileError("x"): ValueError,
    errors.ArgumentError("x"): ValueError,
    errors.ClosedError("x"): ValueError,
    errors.UnpicklableError("x"): TypeError,
    errors.CorruptBufferError("x"): Exception,
    errors.SyscallError(2, "x"): OSError,
    errors.KeyMissingError(2, "x"): KeyError,
    errors.IndexMissingError(7, "x"): IndexError,
    errors.KeyExistsError(17, "x"): KeyError,
    errors.MapFullError(7, "x"): OSError,
    errors.OutOfMemoryError(12, "x"): MemoryError,
    errors.ProgramLoadError(22, "x"): OSError,
    errors.UnsupportedProgramError(22, "x"): NotImplementedError,
    errors.ProgramDeniedError(1, "x"): PermissionError,
    errors.AttachError(22, "x"): OSError,
}


@pytest.mark.parametrize("error", BUILTINS)
def test_each_error_is_ours_and_a_builtin(error: Exception) -> None:
    assert isinstance(error, errors.EbpfError)
    assert isinstance(error, BUILTINS[error])


def test_every_public_error_is_in_the_tree_at_the_top() -> None:
    assert errors.__doc__ is not None
    for name in errors.__all__:
        assert name in errors.__doc__, name


def test_syscall_errors_keep_errno_and_read_as_a_sentence() -> None:
    error = errors.KeyMissingError(2, "no entry under key 7", "BPF_MAP_LOOKUP_ELEM")
    assert error.errno == 2
    assert error.command == "BPF_MAP_LOOKUP_ELEM"
    assert str(error) == "no entry under key 7"


def test_unknown_names_come_with_suggestions() -> None:
    error = errors.UnknownFeatureError("BPF_MAP_TYPE_HSH", ["BPF_MAP_TYPE_HASH"])
    assert str(error) == "no kernel feature is called 'BPF_MAP_TYPE_HSH'. Did you mean BPF_MAP_TYPE_HASH?"
    assert error.suggestions == ("BPF_MAP_TYPE_HASH",)


def test_program_errors_keep_errno_log_and_sentence() -> None:
    for kind in (errors.ProgramLoadError, errors.UnsupportedProgramError, errors.ProgramDeniedError):
        error = kind(22, "it says so", "0: (95) exit", 0, "x.c:1")
        assert (str(error), error.errno, error.log, error.instruction) == ("it says so", 22, "0: (95) exit", 0)
