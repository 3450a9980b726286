"""Vagrant machines as the runner sees them; `vagrant` is a script here, so that no machine is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from vagrant import machines
from vagrant.errors import MatrixError, MissingTool, UnknownName
from vagrant.matrix import main
from vagrant.result import NOT_OBTAINABLE, Result

KNOWN = machines.machines()


def test_the_rows_are_there_in_order() -> None:
    assert next(iter(KNOWN)) == "ubuntu-14.04"
    assert KNOWN["debian-12"].box == "debian/bookworm64"


def test_a_machine_is_selected_once_in_the_order_asked_for() -> None:
    chosen = machines.select("debian-12, alma-9,debian-12", KNOWN)
    assert [machine.name for machine in chosen] == ["debian-12", "alma-9"]


@pytest.mark.parametrize(("names", "complaint"), [("debian12", "Did you mean debian-12"), (" , ", "names no machine")])
def test_an_unknown_machine_is_named_with_the_closest(names: str, complaint: str) -> None:
    with pytest.raises(UnknownName, match=complaint):
        machines.select(names, KNOWN)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[vagrant]]\nname = "a"\n', "a: box, python missing"),
        ('[[vagrant]]\nname = "a"\nbox = "b"\npython = "c"\nmemory = 1\n', "a: unknown key memory"),
        ('[[vagrant]]\nname = "a"\nbox = "b"\npython = "c"\n' * 2, "two"),
        ("[[vagrant]\n", "kernels.toml"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    table = tmp_path / "kernels.toml"
    table.write_text(text)
    with pytest.raises(MatrixError, match=complaint):
        machines.machines(table)


def test_what_is_not_installed_is_named_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(MissingTool, match="apt-get install vagrant vagrant-libvirt openssh-client rsync"):
        machines.check()


def vagrant(directory: Path, script: str) -> None:
    program = directory / "vagrant"
    program.write_text(f'#!/bin/sh\necho "$1" >> {directory}/calls\ncase "$1" in\n{script}\nesac\n')
    program.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def result_of(command: list[str]) -> Result:
    with machines.MachineGuest(KNOWN["debian-12"], command) as guest:
        outcome = guest.run(5, lambda line: None)
    assert not guest.directory.exists()
    return Result.of_command("debian-12", outcome)


def test_a_box_that_cannot_be_had_is_not_obtainable(programs: Path) -> None:
    vagrant(programs, "up) echo \"The box 'x' could not be found or could not be accessed.\" >&2; exit 1 ;;")
    result = result_of(["true"])
    assert result.status == NOT_OBTAINABLE
    assert "could not be accessed" in result.explanation


def test_a_machine_that_does_not_start_is_no_success_and_is_halted(programs: Path) -> None:
    vagrant(programs, "up) echo 'no usable network' >&2; exit 1 ;;")
    result = result_of(["true"])
    assert result.status == "not started"
    assert "no usable network" in result.explanation
    assert (programs / "calls").read_text().split() == ["status", "up", "halt"]


def test_a_vagrant_that_does_not_even_tell_the_state(programs: Path) -> None:
    vagrant(programs, "status) echo 'No usable default provider' >&2; exit 1 ;;")
    result = result_of(["true"])
    assert result.status == "not started"
    assert "No usable default provider" in result.explanation


SSH = r"""#!/bin/sh
# As a login would: the last word is the command; `sudo` and the machine's directories are this one's.
for command; do :; done
where='s#sudo ##g; s#/run/matrix/shared#{0}/remote#g; s#/vagrant/.*/guest.sh#{0}/guest.sh#'
exec sh -c "$(echo "$command" | sed "$where")"
"""


def test_a_command_runs_in_a_running_machine_and_its_results_come_back(programs: Path) -> None:
    vagrant(programs, "status) echo 1,debian-12,state,running ;;\nssh-config) echo Host debian-12 ;;")
    (programs / "ssh").write_text(SSH.format(programs))
    (programs / "ssh").chmod(0o755)
    guest = 'cat "$1/command"; echo 6.1-guest > "$1/release"; echo 7 > "$1/status"; exit 7'
    (programs / "guest.sh").write_text(guest)
    lines: list[bytes] = []
    with machines.MachineGuest(KNOWN["debian-12"], ["echo", "a b"]) as machine:
        outcome = machine.run(5, lines.append)
    result = Result.of_command("debian-12", outcome)
    assert (result.status, result.code, result.release) == ("failed", 7, "6.1-guest")
    assert b"echo 'a b'\n" in lines
    # What ran before is left running, with this tree's newest state.
    assert (programs / "calls").read_text().split() == ["status", "rsync", "ssh-config"]


def test_a_command_that_does_not_end_is_hung(programs: Path) -> None:
    vagrant(programs, "status) echo 1,debian-12,state,running ;;\nssh-config) echo Host debian-12 ;;")
    (programs / "ssh").write_text(SSH.format(programs))
    (programs / "ssh").chmod(0o755)
    (programs / "guest.sh").write_text("sleep 60")
    with machines.MachineGuest(KNOWN["debian-12"], ["true"]) as machine:
        outcome = machine.run(1, lambda line: None)
    assert outcome.status == "hung"


def test_the_command_line_refuses_a_misspelt_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--vagrant", "debain-12", "--", "true"]) == 2
    assert "Did you mean debian-12" in capsys.readouterr().err
