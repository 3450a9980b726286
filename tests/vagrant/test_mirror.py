from __future__ import annotations

from pathlib import Path

import pytest

from tests.vagrant.mirror import TestMirror, sha256
from vagrant.errors import BadDownload, NotObtainable
from vagrant.mirror import Mirror

PATTERN = "linux-image-5.10.*-cloud-amd64"


def nothing(_done: int, _size: int) -> None:
    pass


def test_the_newest_by_number_not_by_letter(debian: TestMirror) -> None:
    assert Mirror(debian.url).find(("old",), PATTERN, {}).version == "5.10.10-1"


def test_a_given_version(debian: TestMirror) -> None:
    assert Mirror(debian.url).find(("old",), PATTERN, {}, "5.10.9-1").version == "5.10.9-1"


def test_the_next_suite_when_the_first_has_none(debian: TestMirror) -> None:
    assert Mirror(debian.url).find(("gone", "old"), PATTERN, {}).version == "5.10.10-1"


def test_security_suites_need_their_own_mirror(debian: TestMirror) -> None:
    with pytest.raises(NotObtainable, match="apt knows no security mirror"):
        Mirror(debian.url).find(("old-security",), PATTERN, {})


def test_what_no_suite_has_is_named(debian: TestMirror) -> None:
    with pytest.raises(NotObtainable, match=r"has no linux-image-9\.\* in old, new"):
        Mirror(debian.url).find(("old", "new"), "linux-image-9.*", {})


def test_what_the_index_has_lost_is_found_in_the_pool(debian: TestMirror, tmp_path: Path) -> None:
    archive = debian.add("old", "linux-modules-6.1+x", "6.1-1", {"a": b""}, listed=False)
    unindexed = {f"pool/{archive.name}": sha256(archive)}
    package = Mirror(debian.url).find(("old",), "linux-modules-6.*", unindexed, "6.1-1")
    Mirror(debian.url).download(package, tmp_path / "got", nothing)
    assert (tmp_path / "got").read_bytes() == archive.read_bytes()


def test_a_changed_byte_is_noticed(debian: TestMirror, tmp_path: Path) -> None:
    package = Mirror(debian.url).find(("old",), PATTERN, {})
    debian.broken.add(package.url[len(debian.url) :])
    with pytest.raises(BadDownload, match=f"not {package.sha256} as it should be"):
        Mirror(debian.url).download(package, tmp_path / "got", nothing)


def test_a_broken_off_download_is_noticed(debian: TestMirror, tmp_path: Path) -> None:
    package = Mirror(debian.url).find(("old",), PATTERN, {})
    debian.truncated.add(package.url[len(debian.url) :])
    with pytest.raises(BadDownload, match="broke off after"):
        Mirror(debian.url).download(package, tmp_path / "got", nothing)


def test_a_broken_index_is_noticed(debian: TestMirror) -> None:
    debian.truncated.add("/dists/old/main/binary-amd64/Packages.xz")
    with pytest.raises((BadDownload, NotObtainable)):
        Mirror(debian.url).find(("old",), PATTERN, {})


def test_nobody_there() -> None:
    with pytest.raises(NotObtainable, match=r"127\.0\.0\.1:9"):
        Mirror("http://127.0.0.1:9").find(("old",), PATTERN, {})
    with pytest.raises(NotObtainable, match="nonsense"):
        Mirror("nonsense").find(("old",), PATTERN, {})
