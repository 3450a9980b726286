"""The Vagrantfile, its reader of kernels.toml, and what provisions the machines and makes their boxes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from featuredb.load import read
from vagrant.rows import TABLE

HERE = TABLE.parent


def run(*command: str, cwd: Path = HERE, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "VAGRANT_CHECKPOINT_DISABLE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")


def ruby_reads(table: Path) -> subprocess.CompletedProcess[str]:
    needs("ruby")
    return run(
        "ruby", "-r", "json", "-r", str(HERE / "machines.rb"), "-e", "puts machines(ARGV[0]).to_json", str(table)
    )


def test_ruby_and_python_read_the_same_machines() -> None:
    done = ruby_reads(TABLE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == read(TABLE)["vagrant"]


GOOD = '[[vagrant]]\nname = "a"  # a comment\nbox = "b/c # d"\npython = "python3"\n'


def test_other_tables_may_hold_anything(tmp_path: Path) -> None:
    table = tmp_path / "kernels.toml"
    table.write_text('[[qemu]]\nname = """\nx"""\nlist = [\n  { a = 1 },\n]\n' + GOOD + "[other]\nx = {}\n")
    assert json.loads(ruby_reads(table).stdout) == read(table)["vagrant"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('special = "a \\" b"', "kernels.toml:5: cannot read"),
        ("special = 1.5", "kernels.toml:5: cannot read 1.5"),
        ("packages = [", "kernels.toml:5: cannot read ["),
        ('memory = "1"', "kernels.toml:5: unknown key memory"),
        ("nonsense", "kernels.toml:5: cannot read nonsense"),
        ('[[vagrant]]\nname = "x"', "machine x has no box"),
    ],
)
def test_what_the_reader_does_not_understand_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    table = tmp_path / "kernels.toml"
    table.write_text(GOOD + line + "\n")
    done = ruby_reads(table)
    assert done.returncode
    assert complaint in done.stderr


def test_a_distribution_brings_its_python_or_uv_does() -> None:
    for row in read(TABLE)["vagrant"]:
        assert ("packages" in row) == (row["python"] != "standalone"), row["name"]


@pytest.mark.parametrize("script", ["provision.sh", "kernel.sh"])
def test_scripts_are_plain_shell(script: str) -> None:
    done = run("sh", "-n", script)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_vagrant_accepts_the_file() -> None:
    needs("vagrant")
    done = run("vagrant", "validate")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_vagrant_would_notice_a_misspelt_setting(tmp_path: Path) -> None:
    needs("vagrant")
    for name in ("machines.rb", "kernels.toml", "provision.sh", "kernel.sh"):
        shutil.copy(HERE / name, tmp_path)
    text = (HERE / "Vagrantfile").read_text()
    (tmp_path / "Vagrantfile").write_text(text.replace("libvirt.memory", "libvirt.memroy"))
    done = run("vagrant", "validate", cwd=tmp_path)
    assert done.returncode
    assert "memroy" in done.stdout + done.stderr


@pytest.mark.slow
def test_every_row_is_a_machine_and_none_starts_unasked() -> None:
    needs("vagrant")
    done = run("vagrant", "status", "--machine-readable")
    assert done.returncode == 0, done.stderr
    named = {line.split(",")[1] for line in done.stdout.splitlines() if ",state," in line}
    assert named == {row["name"] for row in read(TABLE)["vagrant"]}
    assert "autostart: false" in (HERE / "Vagrantfile").read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--siute", "sid", "a.box"], "unknown option --siute"),
        (["--suite"], "--suite needs a value"),
        (["/nonexistent/a.box"], "/nonexistent is no directory"),
        ([], "usage: make_box.sh"),
    ],
)
def test_make_box_refuses_wrong_use(words: list[str], complaint: str) -> None:
    done = run("bash", "make_box.sh", *words)
    assert done.returncode
    assert complaint in done.stderr


def test_make_box_names_every_missing_tool_and_its_package(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("dirname", "cat", "id"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    bash = shutil.which("bash")
    assert bash is not None
    # The script looks in the directories of system programs too, but debootstrap's is not made there by this test.
    done = run(bash, "make_box.sh", str(tmp_path / "a.box"), PATH=str(programs))
    assert done.returncode
    assert "qemu-img (package qemu-utils)" in done.stderr
    assert "ssh-keygen (package openssh-client)" in done.stderr
    assert not (tmp_path / "a.box").exists()
