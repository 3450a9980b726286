"""The mainline version behind what real kernels of many distributions call themselves."""

from __future__ import annotations

import os

import pytest
from packaging import version

from ebpf import host
from ebpf.host import release

# release, version, mainline version from these two alone
KERNELS = [
    # Ubuntu, without /proc/version_signature
    ("6.8.0-31-generic", "#31-Ubuntu SMP PREEMPT_DYNAMIC Sat Apr 20 00:40:06 UTC 2024", "6.8.0"),
    ("5.4.0-150-generic", "#167~18.04.1-Ubuntu SMP Wed May 24 00:51:42 UTC 2023", "5.4.0"),
    ("5.15.0-1041-azure", "#48-Ubuntu SMP Tue Jun 20 20:34:08 UTC 2023", "5.15.0"),
    ("4.4.0-210-generic", "#242-Ubuntu SMP Fri Apr 16 09:57:56 UTC 2021", "4.4.0"),
    ("6.5.0-1017-aws", "#17~22.04.2-Ubuntu SMP Tue Apr 16 20:31:39 UTC 2024", "6.5.0"),
    # Debian and what descends from it
    ("6.1.0-37-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)", "6.1.140"),
    ("5.10.0-30-amd64", "#1 SMP Debian 5.10.218-1 (2024-06-01)", "5.10.218"),
    ("4.19.0-27-amd64", "#1 SMP Debian 4.19.316-1 (2024-06-25)", "4.19.316"),
    ("3.16.0-4-amd64", "#1 SMP Debian 3.16.51-3 (2017-12-13)", "3.16.51"),
    ("6.12.57+deb13-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05)", "6.12.57"),
    ("6.16~rc7-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.16~rc7-1~exp1 (2025-07-22)", "6.16.0"),
    ("6.6.9-amd64", "#1 SMP PREEMPT_DYNAMIC Kali 6.6.9-1kali1 (2024-01-08)", "6.6.9"),
    ("6.1.0-rpi6-rpi-v8", "#1 SMP PREEMPT Debian 1:6.1.58-1+rpt2 (2023-10-27)", "6.1.58"),
    ("6.12.47+rpt-rpi-v8", "#1 SMP PREEMPT Debian 1:6.12.47-1+rpt1 (2025-09-16)", "6.12.47"),
    ("6.1.21-v8+", "#1642 SMP PREEMPT Mon Apr  3 17:24:16 BST 2023", "6.1.21"),
    ("5.15.74-1-pve", "#1 SMP PVE 5.15.74-1 (Mon, 14 Nov 2022 20:17:15 +0100)", "5.15.74"),
    # Red Hat and its rebuilds
    ("4.18.0-372.9.1.el8.x86_64", "#1 SMP Fri Apr 15 22:12:19 EDT 2022", "4.18.0"),
    ("5.14.0-427.13.1.el9_4.x86_64", "#1 SMP PREEMPT_DYNAMIC Wed Apr 10 10:29:16 EDT 2024", "5.14.0"),
    ("5.14.0-447.el9.x86_64", "#1 SMP PREEMPT_DYNAMIC Thu May 9 12:45:03 UTC 2024", "5.14.0"),
    ("3.10.0-1160.el7", "#1 SMP Mon Oct 19 16:18:59 UTC 2020", "3.10.0"),
    ("2.6.32-754.35.1.el6.x86_64", "#1 SMP Sat Nov 7 12:42:14 UTC 2020", "2.6.32"),
    ("4.18.0-372.19.1.lve.el8.x86_64", "#1 SMP Wed Aug 24 13:36:18 EDT 2022", "4.18.0"),
    ("3.10.0-1160.53.1.vz7.185.3", "#1 SMP Tue Jan 25 12:49:12 MSK 2022", "3.10.0"),
    ("5.15.0-6.80.3.1.el8uek.x86_64", "#2 SMP Tue Jan 24 10:48:28 PST 2023", "5.15.0"),
    ("3.8.13-118.el6uek.x86_64", "#2 SMP Tue Jul 21 19:47:54 PDT 2015", "3.8.13"),
    ("6.8.9-300.fc40.x86_64", "#1 SMP PREEMPT_DYNAMIC Thu May 2 18:59:06 UTC 2024", "6.8.9"),
    # clouds
    ("6.1.141-165.249.amzn2023.x86_64", "#1 SMP PREEMPT_DYNAMIC Tue Jul 1 18:08:13 UTC 2025", "6.1.141"),
    ("4.14.355-271.569.amzn2.x86_64", "#1 SMP Fri Sep 20 04:36:13 UTC 2024", "4.14.355"),
    ("4.14.238-125.422.amzn1.x86_64", "#1 SMP Tue Jul 20 20:42:20 UTC 2021", "4.14.238"),
    ("4.19.91-27.7.al7.x86_64", "#1 SMP Fri Apr 7 09:59:45 CST 2023", "4.19.91"),
    ("5.10.134-13.an8.x86_64", "#1 SMP PREEMPT Mon Jan 9 10:39:46 CST 2023", "5.10.134"),
    ("5.4.241-1-tlinux4-0017.7", "#1 SMP Wed Jan 10 20:24:36 CST 2024", "5.4.241"),
    ("5.15.133+", "#1 SMP Sat Dec 30 13:01:38 UTC 2023", "5.15.133"),
    ("6.6.84+", "#1 SMP Wed Apr  9 11:21:44 UTC 2025", "6.6.84"),
    ("5.4.144+", "#1 SMP Fri Oct 15 11:09:30 PDT 2021", "5.4.144"),
    ("5.15.153.1-2.cm2", "#1 SMP Fri May 10 00:00:00 UTC 2024", "5.15.153"),
    ("6.6.57.1-7.azl3", "#1 SMP PREEMPT_DYNAMIC Mon Nov 25 00:00:00 UTC 2024", "6.6.57"),
    ("6.1.83-4.ph5", "#1-photon SMP PREEMPT_DYNAMIC", "6.1.83"),
    # containers and virtual machines
    ("5.10.16.3-microsoft-standard-WSL2", "#1 SMP Fri Apr 2 22:23:49 UTC 2021", "5.10.16"),
    ("4.4.0-19041-Microsoft", "#1237-Microsoft Sat Sep 11 14:32:00 PST 2021", "4.4.0"),
    ("6.6.26-linuxkit", "#1 SMP Sat Apr 27 04:13:19 UTC 2024", "6.6.26"),
    ("5.15.111-flatcar", "#1 SMP Thu May 11 21:02:57 -00 2023", "5.15.111"),
    ("6.1.58-talos", "#1 SMP Mon Oct 16 16:07:31 UTC 2023", "6.1.58"),
    ("4.4.0", "#1 SMP Sun Jan 10 15:06:54 PST 2016", "4.4.0"),
    ("6.18.44-fc-v669", "#1 SMP PREEMPT_DYNAMIC @0", "6.18.44"),
    # the others
    ("5.14.21-150400.24.46-default", "#1 SMP PREEMPT_DYNAMIC Thu Feb 9 08:38:18 UTC 2023", "5.14.21"),
    ("4.12.14-122.37-default", "#1 SMP Fri Sep 18 10:45:26 UTC 2020", "4.12.14"),
    ("5.10.0-60.18.0.50.oe2203.x86_64", "#1 SMP Wed Mar 30 02:43:08 UTC 2022", "5.10.0"),
    ("6.9.1-arch1-1", "#1 SMP PREEMPT_DYNAMIC Fri, 17 May 2024 16:56:38 +0000", "6.9.1"),
    ("6.12.20-0-lts", "#1-Alpine SMP PREEMPT_DYNAMIC 2025-03-24 08:09:11", "6.12.20"),
    ("6.6.30-gentoo-x86_64", "#1 SMP PREEMPT_DYNAMIC Sat May 4 12:00:00 CEST 2024", "6.6.30"),
    ("6.6.30", "#1-NixOS SMP PREEMPT_DYNAMIC Thu May  2 14:32:50 UTC 2024", "6.6.30"),
    ("5.10.101-android12-9-00005-gbbd4a9d0a2c8", "#1 SMP PREEMPT Mon Jun 27 06:56:07 UTC 2022", "5.10.101"),
    ("4.14.186-perf+", "#1 SMP PREEMPT Thu Dec 9 19:45:10 CST 2021", "4.14.186"),
    ("6.1.52-valve16-1-neptune-61", "#1 SMP PREEMPT_DYNAMIC Mon, 06 May 2024 17:36:49 +0000", "6.1.52"),
    ("6.19.0-rc1", "#1 SMP PREEMPT_DYNAMIC", "6.19.0"),
    ("6.19-rc1", "", "6.19.0"),
    ("4.9.337", "", "4.9.337"),
    # honest unknowns
    ("not-a-version", "#1 SMP", None),
    ("", "", None),
    ("6", "", None),
    ("6.", "", None),
    (".6.1", "", None),
    ("2024.03.1-vendor", "", None),
    ("6.300.1", "", None),
    ("99999999999999999999.1.2", "", None),
    ("\u0666.\u0661.\u0662", "", None),
    ("v6.1.2", "", None),
    ("6.1.99999999", "", "6.1.0"),
    ("\0\xff\n", "Debian", None),
]


@pytest.mark.parametrize(("name", "version", "expected"), KERNELS)
def test_release_strings(name: str, version: str, expected: str | None) -> None:
    found, source = release.mainline(name, version)
    assert found == expected
    assert source
    if expected is None:
        assert "no source says" in source


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("Ubuntu 5.4.0-150.167~18.04.1-generic 5.4.233\n", (5, 4, 233)),
        ("Ubuntu 6.8.0-31.31-generic 6.8.1", (6, 8, 1)),
        ("Ubuntu 4.4.0-210.242-generic 4.4.262", (4, 4, 262)),
        ("Ubuntu 2.6.20-16.29-generic", (2, 6, 20)),
        ("Ubuntu", None),
        ("", None),
        ("garbage without numbers", None),
    ],
)
def test_ubuntu_signature(signature: str, expected: tuple[int, int, int] | None) -> None:
    assert release.of_signature(signature) == expected


def test_the_signature_goes_before_everything() -> None:
    version, source = release.mainline(
        "5.4.0-150-generic", "#167~18.04.1-Ubuntu SMP", "Ubuntu 5.4.0-150.167~18.04.1-generic 5.4.233", 0x050400
    )
    assert (version, source) == ("5.4.233", "/proc/version_signature")


def test_a_senseless_signature_is_passed_over() -> None:
    assert release.mainline("6.1.2", signature="Ubuntu broken")[0] == "6.1.2"


def test_debian_goes_before_the_note() -> None:
    assert release.mainline("5.10.0-30-amd64", "#1 SMP Debian 5.10.218-1 (2024-06-01)", None, 0x050A00)[0] == "5.10.218"


def test_the_note_goes_before_the_release() -> None:
    # setarch --uname-2.6 turns 6.1 into 2.6.61 in uname(2); the vDSO keeps the truth
    version, source = release.mainline("2.6.61-37-generic", "#1 SMP", None, 0x06018C)
    assert version == "6.1.140"
    assert "uname's release says 2.6.61" in source
    assert release.mainline("not-a-version", "", None, 0x06018C)[0] == "6.1.140"


def test_the_note_counts_no_further_than_255() -> None:
    assert release.mainline("4.14.355-271.569.amzn2.x86_64", "", None, 0x040EFF)[0] == "4.14.355"
    assert release.mainline("4.9.337", "", None, 0x0409FF)[0] == "4.9.337"
    version, source = release.mainline("4.14.0-custom", "", None, 0x040EFF)
    assert version == "4.14.255"
    assert "no further than 255" in source


def test_a_note_of_zero_says_nothing() -> None:
    assert release.mainline("6.1.2", "", None, 0) == ("6.1.2", "uname's release")


def test_this_machine() -> None:
    machine = host.read()
    assert machine.release == os.uname().release
    assert machine.version is not None
    assert machine.release.startswith(machine.version.rsplit(".", 1)[0])
    assert machine.version_source


@pytest.mark.parametrize("name", ["6.8.0-31-generic", "4.18.0-372.9.1.el8.x86_64", "5.10.16.3-microsoft-standard-WSL2"])
def test_release_strings_are_no_versions_to_packaging(name: str) -> None:
    """Why they are read here, and not by the library that reads Python's own versions."""
    with pytest.raises(version.InvalidVersion):
        version.Version(name)
