"""What users install: the wheel, built and installed into an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(directory), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = directory.glob("*.whl")
    return built


def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for name in (
        "ebpf/py.typed",
        "featuredb/py.typed",
        "featuredb/_compiled/index.py",
        "featuredb/_compiled/helper.py",
    ):
        assert name in names
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"ebpf", "featuredb"}
    assert sum(info.file_size for info in zipfile.ZipFile(wheel).infolist()) < 8 * 2**20


def test_it_works_where_nothing_else_is_installed(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, cwd=tmp_path)
    ebpf = tmp_path / "env" / "bin" / "ebpf"
    done = subprocess.run(
        [str(ebpf), "supported", "--kernel", "rhel8.6", "BPF_MAP_TYPE_RINGBUF"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    alone = (
        "import sys, featuredb; featuredb.features(); assert not [m for m in sys.modules if m.split('.')[0] == 'ebpf']"
    )
    subprocess.run([str(python), "-c", alone], check=True, cwd=tmp_path)
