"""``ebpf check``: what it prints, what it exits with, what it makes of files that are no objects."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ebpf.check.sarif import _uri
from ebpf.cli import main
from tests.clang import compiled
from tests.ebpf.cli.run import ebpf
from tests.ebpf.host.trees import become_nobody, in_child

WIDTH = 80


@pytest.fixture(scope="module")
def needs() -> str:
    return str(compiled("needs", "bpf", "-mcpu=v3"))


@pytest.fixture(scope="module")
def guards() -> str:
    return str(compiled("guards", "bpf", "-mcpu=v3"))


def test_the_text_fits_and_says_what_forces_the_release(needs: str) -> None:
    done = ebpf("check", needs)
    assert done.returncode == 0, done.stderr
    assert f"{needs}: Linux 5.18 or newer" in done.stdout.splitlines()[0]
    for said in (
        "BPF_F_XDP_HAS_FRAGS",
        "Needs",
        "Adapts",
        "Optional",
        "Kernels",
        "rhel8.6",
        "verifier accepts",
    ):
        assert said in done.stdout
    assert max(map(len, done.stdout.splitlines()[1:])) <= WIDTH
    assert re.search(r"needs\.bpf\.c:\d+", done.stdout)


@pytest.mark.parametrize(
    ("kernel", "code"), [("5.4", 1), ("6.12", 0), ("rhel8.6", 1), ("debian-13", 0), ("6.12.9-arch1-1", 0)]
)
def test_a_kernel_that_is_named_decides_the_exit_code(needs: str, kernel: str, code: int) -> None:
    assert ebpf("check", needs, "--kernel", kernel).returncode == code


def test_min_fails_ci_and_says_why(needs: str) -> None:
    done = ebpf("check", needs, "--min", "5.4")
    assert done.returncode == 1
    assert "5.4" in done.stdout
    assert ebpf("check", needs, "--min", "5.18").returncode == 0


def test_several_files_have_a_summary(needs: str, guards: str) -> None:
    done = ebpf("check", needs, guards, "--kernel", "5.10")
    summary = done.stdout[done.stdout.index("Summary") :]
    assert "5.18" in summary
    assert "5.8" in summary
    assert max(map(len, summary.splitlines())) <= WIDTH


def test_json_is_versioned_and_holds_everything(needs: str, guards: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.o")
    done = ebpf("check", "--json", "--kernel", "5.4", "--kernel", "6.12", needs, missing, guards)
    assert done.returncode == 2
    data = json.loads(done.stdout)
    assert data["version"] == "1"
    assert [kernel["name"] for kernel in data["kernels"]] == ["5.4", "6.12"]
    first, second, third = data["files"]
    assert second == {"path": missing, "error": f"{missing}: No such file or directory"}
    assert third["path"] == guards
    assert first["minimum_kernel"] == "5.18"
    assert {"name": "packet", "section": "xdp.frags"}.items() <= first["programs"][1].items()
    assert {each["kernel"]: each["status"] for each in first["kernels"]} == {"5.4": "no", "6.12": "yes"}
    for finding in first["kernels"][0]["findings"]:
        assert finding["grade"] in ("needs", "adapts", "optional")
        assert finding["status"] in ("absent", "compiled_out", "denied", "unknown")
        assert finding["reason"]
    for requirement in first["requirements"]:
        assert set(requirement) == {
            *("name", "kind", "program_type", "grade", "stage", "because", "guards", "instead", "places")
        }


def test_markdown(needs: str) -> None:
    done = ebpf("check", "--markdown", "--kernel", "5.4", needs)
    assert done.stdout.startswith(f"# {needs}\n")
    assert "| `BPF_F_XDP_HAS_FRAGS` | 5.18 |" in done.stdout
    assert "| 5.4 | no |" in done.stdout


def test_sarif(needs: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.o"
    wrong.write_bytes(b"no object")
    done = ebpf("check", "--sarif", "--min", "5.4", needs, str(wrong))
    assert done.returncode == 2
    document = json.loads(done.stdout)
    check_sarif(document)
    (run,) = document["runs"]
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for result in run["results"]:
        by_rule.setdefault(result["ruleId"], []).append(result)
    assert set(by_rule) == {"missing-feature", "portability", "superseded", "unreadable"}
    lines = [
        each["locations"][0]["physicalLocation"]["region"]["startLine"]
        for each in by_rule["missing-feature"]
        if "region" in each["locations"][0]["physicalLocation"]
    ]
    assert lines
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in by_rule["portability"]]
    assert [place.endswith("tests/objects/needs.bpf.c") for place in places] == [True]
    assert (_uri(f"{Path.cwd()}/some source.c"), _uri("/elsewhere/x.c")) == ("some%20source.c", "file:///elsewhere/x.c")
    assert any("atomic_cmpxchg is absent on 5.4" in each["message"]["text"] for each in by_rule["missing-feature"])


def check_sarif(document: dict[str, Any]) -> None:
    """What the schema of SARIF 2.1.0 demands of what is used of it."""
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-2.1.0.json")
    for run in document["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"]
        names = [rule["id"] for rule in driver["rules"]]
        assert len(set(names)) == len(names)
        assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
        for result in run["results"]:
            assert result["level"] in ("none", "note", "warning", "error")
            assert result["message"]["text"]
            assert names[result["ruleIndex"]] == result["ruleId"]
            assert result["locations"]
            for location in (*result["locations"], *result.get("relatedLocations", ())):
                physical = location["physicalLocation"]
                uri = physical["artifactLocation"]["uri"]
                assert " " not in uri
                assert "region" not in physical or physical["region"]["startLine"] >= 1


def test_without_kernels_sarif_blames_nobody_for_what_old_ones_lack(needs: str) -> None:
    document = json.loads(ebpf("check", "--sarif", needs).stdout)
    assert {result["ruleId"] for result in document["runs"][0]["results"]} == {"portability", "superseded"}


def bad_files(directory: Path, good: Path) -> dict[str, bytes]:
    data = good.read_bytes()
    big = bytearray(data)
    big[18:20] = b"\x3e\0"
    return {
        "text.o": b"hello\n",
        "empty.o": b"",
        "zeros.o": bytes(100 << 20),
        "x86.o": bytes(big),
        "cut.o": data[:3000],
        "header.o": data[:64],
    }


def test_bad_files_get_one_line_each_and_the_others_are_checked(needs: str, tmp_path: Path) -> None:
    files = []
    for name, data in bad_files(tmp_path, Path(needs)).items():
        (tmp_path / name).write_bytes(data)
        files.append(str(tmp_path / name))
    (tmp_path / "directory.o").mkdir()
    files += [str(tmp_path / "directory.o"), str(compiled("needs", "bpfeb", "-mcpu=v3"))]
    started = time.monotonic()
    done = ebpf("check", "--kernel", "6.12", *files, needs)
    assert time.monotonic() - started < 20
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == len(files)
    for line, path in zip(lines, files):
        assert line.startswith(f"ebpf: {path}: ")
        assert "Traceback" not in line
        assert len(line) < len(path) + 120
    assert f"{needs}: Linux 5.18 or newer" in done.stdout


@pytest.mark.parametrize("sections", [("--strip-all",), ("--remove-section", ".BTF", "--remove-section", ".BTF.ext")])
def test_objects_without_types_or_symbols(needs: str, sections: tuple[str, ...], tmp_path: Path) -> None:
    tool = shutil.which("llvm-objcopy")
    if tool is None:
        pytest.skip("no llvm-objcopy on this machine")
    made = tmp_path / "less.o"
    subprocess.run([tool, *sections, needs, str(made)], check=True)
    done = ebpf("check", str(made))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.root
def test_an_unreadable_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.o"
    secret.write_bytes(b"")
    secret.chmod(0)

    def as_nobody() -> list[str | int]:
        said = io.StringIO()
        become_nobody()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = main(["check", "--kernel", "6.12", str(secret)])
        return [code, said.getvalue()]

    main(["check", "--kernel", "6.12", str(compiled("needs", "bpf", "-mcpu=v3"))])  # imports what nobody may not read
    code, said = in_child(as_nobody)
    assert (code, said) == (2, f"ebpf: {secret}: Permission denied\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kernel", "nonsense"), "no kernel is called"),
        (("--profile", "/no/such"), "No such file"),
        (("--btf", "/etc/passwd"), "/etc/passwd"),
        (("--config", "/etc/passwd"), "not a kernel configuration"),
        (("--min", "nine"), "no kernel is called"),
    ],
)
def test_kernels_that_are_none(needs: str, arguments: tuple[str, ...], said: str) -> None:
    done = ebpf("check", needs, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
