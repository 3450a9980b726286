"""Whose kernel it is, and whose files these are."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebpf import host
from ebpf.host.distribution import OsRelease, of_kernel, parse_os_release, resolve
from ebpf.host.files import Files
from tests.ebpf.host.trees import plant

DEBIAN = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
ID=debian
"""
ALMA = """NAME="AlmaLinux"
VERSION="8.6 (Sky Tiger)"
ID="almalinux"
ID_LIKE="rhel centos fedora"
VERSION_ID="8.6"
"""
UBUNTU = 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n'
LEAP = 'NAME="openSUSE Leap"\nID="opensuse-leap"\nID_LIKE="suse opensuse"\nVERSION_ID="15.4"\n'


@pytest.mark.parametrize(
    ("release", "version", "expected"),
    [
        ("6.8.0-31-generic", "#31-Ubuntu SMP PREEMPT_DYNAMIC", ("ubuntu", "")),
        ("5.4.0-150-generic", "#167~18.04.1-Ubuntu SMP", ("ubuntu", "18.04")),
        ("6.1.0-37-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)", ("debian", "")),
        ("6.12.57+deb13-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05)", ("debian", "13")),
        ("6.12.47+rpt-rpi-v8", "#1 SMP PREEMPT Debian 1:6.12.47-1+rpt1 (2025-09-16)", ("raspbian", "")),
        ("6.6.9-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.6.9-1kali1 (2024-01-08)", ("kali", "")),
        ("4.18.0-372.9.1.el8.x86_64", "#1 SMP", ("rhel", "8")),
        ("5.14.0-427.13.1.el9_4.x86_64", "#1 SMP", ("rhel", "9.4")),
        ("6.12.0-55.9.1.el10_0.x86_64", "#1 SMP", ("rhel", "10.0")),
        ("3.10.0-1160.el7", "#1 SMP", ("rhel", "7")),
        ("5.15.0-6.80.3.1.el8uek.x86_64", "#2 SMP", ("ol", "8")),
        ("6.8.9-300.fc40.x86_64", "#1 SMP", ("fedora", "40")),
        ("6.1.141-165.249.amzn2023.x86_64", "#1 SMP", ("amzn", "2023")),
        ("4.14.355-271.569.amzn2.x86_64", "#1 SMP", ("amzn", "2")),
        ("4.19.91-27.7.al7.x86_64", "#1 SMP", ("alinux", "7")),
        ("5.10.134-13.an8.x86_64", "#1 SMP", ("anolis", "8")),
        ("5.10.0-60.18.0.50.oe2203.x86_64", "#1 SMP", ("openeuler", "22.03")),
        ("5.15.153.1-2.cm2", "#1 SMP", ("mariner", "2")),
        ("6.6.57.1-7.azl3", "#1 SMP", ("azurelinux", "3")),
        ("6.1.83-4.ph5", "#1-photon SMP PREEMPT_DYNAMIC", ("photon", "5")),
        ("5.14.21-150400.24.46-default", "#1 SMP", ("suse", "15.4")),
        ("4.12.14-122.37-default", "#1 SMP", ("suse", "")),
        ("5.10.16.3-microsoft-standard-WSL2", "#1 SMP", ("wsl", "")),
        ("5.15.74-1-pve", "#1 SMP PVE 5.15.74-1", ("proxmox", "")),
        ("6.9.1-arch1-1", "#1 SMP", ("arch", "")),
        ("6.12.20-0-lts", "#1-Alpine SMP PREEMPT_DYNAMIC", ("alpine", "")),
        ("5.4.241-1-tlinux4-0017.7", "#1 SMP", ("tencentos", "")),
        ("6.6.84+", "#1 SMP", ("", "")),
        ("6.18.44-fc-v669", "#1 SMP PREEMPT_DYNAMIC @0", ("", "")),
        ("not-a-version", "", ("", "")),
        ("", "", ("", "")),
    ],
)
def test_the_kernel_says(release: str, version: str, expected: tuple[str, str]) -> None:
    assert of_kernel(release, version) == expected


def os_release(text: str) -> OsRelease:
    return OsRelease(parse_os_release(text), "/etc/os-release")


def test_a_container_on_another_distribution() -> None:
    found = resolve("4.18.0-372.9.1.el8.x86_64", "#1 SMP", os_release(DEBIAN))
    assert (found.id, found.release, found.of_kernel) == ("rhel", "8", True)
    assert found.source == "the kernel's release"


def test_a_rebuild_seen_from_inside() -> None:
    found = resolve("4.18.0-372.9.1.el8.x86_64", "#1 SMP", os_release(ALMA))
    assert (found.id, found.release, found.of_kernel) == ("almalinux", "8.6", True)
    assert "/etc/os-release" in found.source


def test_a_container_of_another_minor_release() -> None:
    found = resolve("4.18.0-477.13.1.el8_8.x86_64", "#1 SMP", os_release(ALMA))
    assert (found.id, found.release) == ("rhel", "8.8")


def test_debian_and_ubuntu_from_inside() -> None:
    found = resolve("6.1.0-37-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)", os_release(DEBIAN))
    assert (found.id, found.release, found.of_kernel) == ("debian", "12", True)
    found = resolve("5.15.0-100-generic", "#110-Ubuntu SMP", os_release(UBUNTU))
    assert (found.id, found.release) == ("ubuntu", "22.04")
    found = resolve("5.15.0-100-generic", "#110~20.04.1-Ubuntu SMP", os_release(UBUNTU))
    assert (found.id, found.release) == ("ubuntu", "20.04")
    found = resolve("5.14.21-150400.24.46-default", "#1 SMP", os_release(LEAP))
    assert (found.id, found.release) == ("opensuse-leap", "15.4")


def test_os_release_alone_does_not_speak_for_the_kernel() -> None:
    found = resolve("6.18.44-fc-v669", "#1 SMP PREEMPT_DYNAMIC @0", os_release(DEBIAN))
    assert (found.id, found.release, found.of_kernel) == ("debian", "12", False)
    assert "the kernel itself does not say" in found.source


def test_nothing_says() -> None:
    found = resolve("not-a-version", "", OsRelease({}))
    assert (found.id, found.release, found.of_kernel) == ("", "", False)


def test_os_release_syntax() -> None:
    text = '# comment\n\nID=\'quoted\'\nNAME="a \\"b\\" \\$c"\nnonsense\n=x\nVERSION_ID=\n ID_LIKE = odd \n'
    fields = parse_os_release(text)
    assert fields["ID"] == "quoted"
    assert fields["NAME"] == 'a "b" $c'
    assert fields["VERSION_ID"] == ""
    assert parse_os_release("\0\0\0") == {}


def test_etc_goes_before_usr_lib(tmp_path: Path) -> None:
    root = plant(tmp_path, {"usr/lib/os-release": "ID=flatcar\nVERSION_ID=3510.2.1\n"})
    assert OsRelease.read(Files(root)).id == "flatcar"
    plant(tmp_path, {"etc/os-release": DEBIAN})
    found = OsRelease.read(Files(root))
    assert (found.id, found.version, found.path) == ("debian", "12", "/etc/os-release")
    assert OsRelease.read(Files(str(tmp_path / "nowhere"))).id == ""


def test_this_machine() -> None:
    machine = host.read()
    assert isinstance(machine.distribution, str)
    assert machine.distribution_details.source
