#!/bin/sh
# Runs in the guest as root: makes it look like an installed Debian to the tests, then runs the command.
# $1 is the directory shared with the host, the only one that is written to: `env` and `command` come from there, `booted`,
# `notes` (what could not be set up), `proc-config` and `status` go there.
shared=$1
: > "$shared/notes"

attempt() {
    "$@" 2> /run/attempt || echo "$*: $(head -n 1 /run/attempt)" >> "$shared/notes"
}
mounted() {
    grep -q "^[^ ]* $2 $1 " /proc/mounts || attempt mount -t "$1" "$1" "$2"
}

cat /proc/uptime > "$shared/booted"
uname -r > "$shared/release"
# Errors of the kernel go to the console, where the host looks for a panic.
echo 4 > /proc/sys/kernel/printk

mounted bpf /sys/fs/bpf
mounted debugfs /sys/kernel/debug
mounted tracefs /sys/kernel/tracing
mounted securityfs /sys/kernel/security
grep -q ' cgroup2 ' /proc/mounts || attempt mount -t cgroup2 cgroup2 /sys/fs/cgroup
attempt ip link set dev lo up

# virtme-ng cannot link to the modules where the host's own root has no /lib/modules: tell modprobe, and who calls it.
if [ -e "$shared/modules" ] && [ ! -d "/lib/modules/$(uname -r)" ]; then
    printf '#!/bin/sh\nexec /sbin/modprobe -d "%s" "$@"\n' "$(cat "$shared/modules")" > /run/modprobe
    chmod 755 /run/modprobe
    echo /run/modprobe > /proc/sys/kernel/modprobe
    cp /run/modprobe "$shared/bin/modprobe"
fi

# The kernel's configuration, where Debian has it.
if [ -e "$shared/config" ]; then
    attempt mount -t tmpfs boot /boot
    attempt cp "$shared/config" "/boot/config-$(uname -r)"
fi

# A /tmp to write to. What the host has there is only kept where the project itself lies in it. A Vagrant machine has its own.
mkdir -p /run/matrix/upper /run/matrix/work /run/matrix/shared /run/matrix/home
[ "$shared" = /run/matrix/shared ] || attempt mount --bind "$shared" /run/matrix/shared
case "$(cat "$shared/keep-tmp")" in
machine) ;;
yes) attempt mount -t overlay -o lowerdir=/tmp,upperdir=/run/matrix/upper,workdir=/run/matrix/work tmp /tmp ;;
*) attempt mount -t tmpfs tmp /tmp ;;
esac
shared=/run/matrix/shared

. "$shared/env"
# Through cat: a terminal's stdout may have one writer only, and a command may start others.
{
    sh "$shared/command"
    echo $? > "$shared/status"
} 2>&1 | cat
sync
exit "$(cat "$shared/status")"
