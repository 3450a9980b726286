#!/bin/sh
# kernel.sh PACKAGE: installs another kernel of the distribution's; Vagrant reboots into it afterwards.
set -eu
dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed' && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "$1"
