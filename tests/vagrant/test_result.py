from __future__ import annotations

import json
from pathlib import Path

import pytest

from vagrant import report
from vagrant.guest import Outcome
from vagrant.result import OK, Result

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.a" name="one"/>
<testcase classname="tests.a" name="two"><skipped message="too old"/></testcase>
{more}
</testsuite></testsuites>"""


def outcome(status: str = "exited", code: int | None = 0) -> Outcome:
    made = Outcome()
    made.status, made.code, made.release, made.boot_seconds = status, code, "6.1.0-1", 9.0
    return made


def judged(shared: Path, more: str = "", profile: bool = True, of: Outcome | None = None) -> Result:
    (shared / "junit.xml").write_text(JUNIT.format(more=more))
    if profile:
        (shared / "profile.json").write_text(json.dumps({"features": {"a": {}}}))
    result = Result.of_command("6.1", of or outcome())
    result.judge_tests(shared)
    return result


def test_passed(tmp_path: Path) -> None:
    result = judged(tmp_path)
    assert (result.status, result.passed, result.failed, result.skipped) == (OK, 1, 0, 1)
    assert result.skip_reasons == ["too old"]


@pytest.mark.parametrize("kind", ["failure", "error"])
def test_failed(tmp_path: Path, kind: str) -> None:
    result = judged(tmp_path, f'<testcase classname="tests.b" name="x"><{kind} message="no&#10;more"/></testcase>')
    assert (result.status, result.passed, result.failed) == ("failed", 1, 1)
    assert result.failures == ["tests.b::x: no"]


def test_a_test_that_fails_and_errs_counts_once(tmp_path: Path) -> None:
    more = '<testcase classname="b" name="x"><failure message="a"/><error message="b"/></testcase>'
    assert judged(tmp_path, more).failed == 1


def test_all_skipped_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text('<testsuite><testcase name="a"><skipped/></testcase></testsuite>')
    result = Result.of_command("6.1", outcome())
    result.judge_tests(tmp_path)
    assert (result.status, result.explanation) == ("failed", "no test ran: this has shown nothing")


def test_no_profile_is_no_success(tmp_path: Path) -> None:
    assert judged(tmp_path, profile=False).explanation == "no profile was recorded"


@pytest.mark.parametrize("content", ["", "<testsuites", None])
def test_no_results_is_no_success(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "junit.xml").write_text(content)
    result = Result.of_command("6.1", outcome())
    result.judge_tests(tmp_path)
    assert result.status == "failed"


@pytest.mark.parametrize("status", ["hung", "panicked", "stopped"])
def test_a_guest_that_did_not_end_is_never_passed(tmp_path: Path, status: str) -> None:
    ended = outcome(status, None)
    ended.console = ["[    1.5] Kernel panic - not syncing: sysrq triggered crash", "[ 1.6] Rebooting"]
    ended.last_line = "tests/a.py::b"
    result = judged(tmp_path, of=ended)  # even though its results look like a success
    assert result.status == status
    words = {"hung": "it last printed: tests/a.py::b", "panicked": "Kernel panic", "stopped": "without a result"}
    assert words[status] in result.explanation


def test_a_hang_while_booting_is_called_so() -> None:
    ended = outcome("hung", None)
    ended.boot_seconds = None
    assert "while booting" in Result.of_command("6.1", ended).explanation


def rows() -> list[Result]:
    long = Result("a-very-long-name-of-a-kernel", "not obtainable", "", "gone")
    failed = Result("6.1", "failed", "6.1.0-" + "x" * 60, passed=1000, failed=2, boot_seconds=99.9, run_seconds=1234)
    return [failed, long, Result("7.3", OK, "7.3.4", passed=900)]


def test_the_table_fits_a_terminal() -> None:
    lines = report.table(rows()).splitlines()
    assert all(len(line) <= 80 for line in lines[:4])
    assert "1 of 3 kernels ok" in lines
    assert "not obtainable: gone" in report.table(rows())


def test_the_report_is_written(tmp_path: Path) -> None:
    report.write(rows(), tmp_path)
    data = json.loads((tmp_path / "report.json").read_text())
    assert [kernel["status"] for kernel in data["kernels"]] == ["failed", "not obtainable", "ok"]
    assert (tmp_path / "report.txt").read_text().rstrip().endswith("1 of 3 kernels ok")


def test_progress_comes_as_it_happens(tmp_path: Path) -> None:
    said: list[str] = []
    logs = report.Logs(tmp_path, lambda name, text: said.append(f"{name}: {text}"))
    for line in ("tests/a.py::b PASSED   [  5%]", "tests/a.py::c[x y] FAILED   [ 45%]", "tests/a.py::d PASSED [ 46%]"):
        logs.line("6.1", f"{line}\n".encode())
    assert said == ["6.1: 45 % of the tests", "6.1: failed: tests/a.py::c[x y]"]
    assert (tmp_path / "6.1.log").read_text().count("\n") == 3
