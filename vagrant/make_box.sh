#!/usr/bin/env bash
# Makes a small Debian box for Vagrant's libvirt provider: debootstrap -> ext4 -> qcow2 -> metadata.json -> .box
# The same packages give the same box, bit for bit: fixed identifiers, the suite's date as the time, nothing of this host.
set -euo pipefail

usage() {
    cat <<'END'
usage: make_box.sh [--suite SUITE] [--mirror URL] [--key PRIVATE_KEY] OUTPUT.box

  --suite    the Debian suite, 'bookworm' if not given
  --mirror   where its packages are; if not given, the mirror that apt is configured with, else debootstrap's own
  --key      the private key whose public half may log in, if not given: Vagrant's well-known insecure one

Needs root, and no loop device. Debian has the tools as: debootstrap e2fsprogs fdisk grub-common grub-pc-bin openssh-client
qemu-utils. Then: vagrant box add --name ebpf/SUITE OUTPUT.box
END
}

fail() {
    echo "make_box.sh: $*" >&2
    exit 1
}

suite=bookworm mirror="" key="" output=""
while [ $# -gt 0 ]; do
    case "$1" in
        --suite | --mirror | --key)
            [ $# -ge 2 ] || fail "$1 needs a value; see --help"
            declare "${1#--}=$2"
            shift
            ;;
        -h | --help) usage && exit 0 ;;
        -*) fail "unknown option $1; see --help" ;;
        *) [ -z "$output" ] || fail "one box at a time: $output or $1?" && output=$1 ;;
    esac
    shift
done
[ -n "$output" ] || { usage >&2 && exit 2; }
[ -d "$(dirname "$output")" ] || fail "$(dirname "$output") is no directory"

# What is missing is said at once, all of it, with the Debian package that has it.
PATH=$PATH:/usr/sbin:/sbin
grub=/usr/lib/grub/i386-pc
missing=()
while read -r tool package; do
    command -v "$tool" >/dev/null || missing+=("$tool (package $package)")
done <<'END'
debootstrap debootstrap
mke2fs e2fsprogs
sfdisk fdisk
grub-mkimage grub-common
qemu-img qemu-utils
ssh-keygen openssh-client
END
[ -r $grub/boot.img ] || missing+=("$grub/boot.img (package grub-pc-bin)")
if [ ${#missing[@]} -gt 0 ]; then
    printf 'make_box.sh: missing: %s\n' "${missing[@]}" >&2
    exit 1
fi
[ "$(id -u)" = 0 ] || fail "debootstrap needs root: run it with sudo"
if [ -z "$key" ]; then
    key=${VAGRANT_HOME:-$HOME/.vagrant.d}/insecure_private_key
    [ -r "$key" ] || fail "no $key: 'vagrant box list' makes it, or name a private key with --key"
fi
public_key=$(ssh-keygen -y -f "$key") || fail "$key is no private key that ssh-keygen can read"

if [ -z "$mirror" ] && command -v apt-get >/dev/null; then
    mirror=$(apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 == "main" && $2 !~ /security/ { print $2; exit }')
fi

work=$(mktemp -d "${TMPDIR:-/var/tmp}/make_box.XXXXXX")
cleanup() {
    umount -q "$work/root/proc" "$work/root/sys" 2>/dev/null || true
    mountpoint -q "$work/root/proc" || rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
root=$work/root

echo "==> $suite from ${mirror:-the default mirror}"
include=linux-image-cloud-amd64,initramfs-tools,systemd-sysv,udev,dbus,openssh-server,sudo,rsync,kmod,iproute2
include+=,ifupdown,isc-dhcp-client,ca-certificates,python3,python3-venv
debootstrap --variant=minbase --include="$include" "$suite" "$root" ${mirror:+"$mirror"} >"$work/debootstrap.log" 2>&1 ||
    { tail -n 5 "$work/debootstrap.log" >&2 && fail "debootstrap of $suite failed"; }

echo "==> configuring"
filesystem=6562706c-0000-4000-8000-000000000001
# The suite's own date is the youngest that a file may be.
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^Date: //p' "$root"/var/lib/apt/lists/*Release | head -n 1)" +%s)
export SOURCE_DATE_EPOCH
echo "$suite" >"$root/etc/hostname"
echo "127.0.0.1 localhost $suite" >"$root/etc/hosts"
echo "UUID=$filesystem / ext4 errors=remount-ro 0 1" >"$root/etc/fstab"
printf 'auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n' >"$root/etc/network/interfaces"
chroot "$root" useradd --create-home --shell /bin/bash vagrant
install -d -m 700 "$root/home/vagrant/.ssh"
echo "$public_key vagrant" >"$root/home/vagrant/.ssh/authorized_keys"
chroot "$root" chown -R vagrant:vagrant /home/vagrant/.ssh
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/vagrant"
chmod 440 "$root/etc/sudoers.d/vagrant"
# Every machine makes its own host keys, when sshd first starts.
install -d "$root/etc/systemd/system/ssh.service.d"
printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
    >"$root/etc/systemd/system/ssh.service.d/host-keys.conf"
install -d "$root/boot/grub"
cat >"$root/boot/grub/grub.cfg" <<END
set timeout=0
linux /vmlinuz root=UUID=$filesystem ro net.ifnames=0 console=tty0 console=ttyS0
initrd /initrd.img
boot
END
chroot "$root" update-initramfs -u -k all >"$work/initramfs.log" 2>&1 ||
    { tail -n 5 "$work/initramfs.log" >&2 && fail "update-initramfs failed"; }
umount -q "$root/proc" "$root/sys" 2>/dev/null || true
rm -rf "$root"/var/log/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/cache/ldconfig/aux-cache \
    "$root"/etc/ssh/ssh_host_* "$root"/etc/*- "$root"/var/lib/dpkg/*-old "$root"/tmp/* "$root"/etc/resolv.conf
: >"$root/etc/machine-id"
ln -sf /etc/machine-id "$root/var/lib/dbus/machine-id"
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

echo "==> disk"
disk=$work/box.raw
mib=8192
truncate -s ${mib}M "$disk"
echo 'start=2048, type=83, bootable' | sfdisk -q --label dos "$disk"
sfdisk -q --disk-id "$disk" 0x65627066
# GRUB 2.06 cannot read metadata_csum_seed. The file system is filled as it is made: nothing is mounted.
E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -O ^metadata_csum_seed -U $filesystem \
    -E offset=$((2048 * 512)),hash_seed=$filesystem -d "$root" "$disk" $(((mib - 1) * 256))
# Of every inode, mke2fs copies when the file was last changed and read on this host.
partition="$disk?offset=$((2048 * 512))"
inodes=$(dumpe2fs -h "$partition" 2>/dev/null | awk '/^Inode count:/ { n += $3 } /^Free inodes:/ { n -= $3 } END { print n }')
{
    echo "set_current_time @$SOURCE_DATE_EPOCH"
    seq -f "set_inode_field <%.0f> ctime @$SOURCE_DATE_EPOCH" "$inodes"
    seq -f "set_inode_field <%.0f> atime @$SOURCE_DATE_EPOCH" "$inodes"
} | debugfs -w -f - "$partition" >/dev/null 2>&1
# boot.img expects the core image in the sectors that follow it, which grub-mkimage has made for that very place.
grub-mkimage -O i386-pc -d $grub -p '(hd0,msdos1)/boot/grub' -o "$work/core.img" biosdisk part_msdos ext2 normal linux
[ "$(stat -c %s "$work/core.img")" -lt $((2047 * 512)) ] || fail "GRUB's core image does not fit before the partition"
dd if=$grub/boot.img of="$disk" bs=440 count=1 conv=notrunc status=none
dd if="$work/core.img" of="$disk" bs=512 seek=1 conv=notrunc status=none

echo "==> box"
qemu-img convert -q -c -O qcow2 "$disk" "$work/box.img"
echo "{\"provider\": \"libvirt\", \"format\": \"qcow2\", \"virtual_size\": $((mib / 1024))}" >"$work/metadata.json"
tar -C "$work" --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -c metadata.json box.img |
    gzip -n -1 >"$work/finished"
mv "$work/finished" "$output.part" && mv "$output.part" "$output"
echo "==> $output, $(du -h "$output" | cut -f 1). Now: vagrant box add --name ebpf/$suite $output"
