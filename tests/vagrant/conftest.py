from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vagrant.mirror import TestMirror, serving
from vagrant import mirror as vagrant_mirror


@pytest.fixture
def debian(tmp_path: Path) -> Iterator[TestMirror]:
    """A mirror with two versions of a kernel, and with nothing of what was read of others before."""
    vagrant_mirror.forget()
    served = TestMirror(tmp_path / "mirror")
    served.directory.mkdir()
    for version in ("5.10.9-1", "5.10.10-1"):
        release = version.partition("-")[0]
        served.add(
            "old",
            f"linux-image-{release}-cloud-amd64",
            version,
            {
                f"boot/vmlinuz-{release}-cloud-amd64": b"image",
                f"boot/config-{release}-cloud-amd64": b"CONFIG_BPF=y\n",
                f"lib/modules/{release}-cloud-amd64/kernel/a.txt": b"",
            },
        )
    with serving(served):
        yield served
    vagrant_mirror.forget()
