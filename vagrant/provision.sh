#!/bin/sh
# provision.sh PYTHON [PACKAGE...]: an environment in /opt/ebpf that has the tests' dependencies and finds the library in /vagrant.
# PYTHON is the command that the distribution's PACKAGEs bring, or 'standalone': a relocatable build that uv fetches from where uv
# has them, for distributions whose own is too old. Run again, it installs only what is missing.
set -eu
tree=/vagrant environment=/opt/ebpf
command=$1
shift

fail() {
    echo "provision.sh: $*" >&2
    exit 1
}

floor=$(sed -n 's/^requires-python = ">=3\.\([0-9]*\)".*/\1/p' $tree/pyproject.toml)
[ -n "$floor" ] || fail "$tree/pyproject.toml says no lowest Python: is the project's tree there?"

usable() {
    "$1" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, $floor))" 2>/dev/null
}

install_packages() {
    if command -v apt-get >/dev/null; then
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
    elif command -v dnf >/dev/null; then
        dnf install -q -y "$@"
    elif command -v yum >/dev/null; then
        yum install -q -y "$@"
    elif command -v zypper >/dev/null; then
        zypper --non-interactive --quiet install "$@"
    else
        fail "no package manager that this script knows: install $* yourself"
    fi
}

if [ "$command" = standalone ]; then
    [ ! -f /tmp/uv ] || install -m 755 /tmp/uv /usr/local/bin/uv
    uv=$(command -v uv || echo /usr/local/bin/uv)
    "$uv" --version >/dev/null 2>&1 ||
        fail "this distribution's Python is too old, and there is no uv that runs here: 'pip install uv' on the host (or name one for" \
            "Linux in EBPF_UV), then 'vagrant provision'"
    # Its files must be readable to every user: sudo's and ssh's.
    export UV_PYTHON_INSTALL_DIR=/opt/python
    "$uv" python install --no-progress 3.12 || fail "uv could not fetch a Python (UV_PYTHON_INSTALL_MIRROR names another source)"
    command=$("$uv" python find --python-preference only-managed 3.12)
elif ! usable "$command"; then
    install_packages "$@"
fi
usable "$command" || fail "$command is no Python of 3.$floor or newer with venv and ensurepip"

usable $environment/bin/python || "$command" -m venv --clear $environment
# What tox.ini gives the tests is what they get here. Wheels only: an old compiler is no help. Compiling what is
# never imported would take an emulated machine minutes.
requirements=$(mktemp)
trap 'rm -f "$requirements"' EXIT
$environment/bin/python - $tree/tox.ini >"$requirements" <<'END'
import configparser, sys

tox = configparser.ConfigParser(interpolation=None)
tox.read(sys.argv[1])
print(tox["testenv"]["deps"])
END
if [ -d $tree/vagrant/wheels ]; then
    set -- --no-index --find-links $tree/vagrant/wheels
else
    set --
fi
$environment/bin/python -m pip install -q --disable-pip-version-check --no-compile --only-binary :all: "$@" -r "$requirements"
$environment/bin/python - $tree <<'END'
import pathlib, sys, sysconfig

pathlib.Path(sysconfig.get_path("purelib"), "ebpf.pth").write_text(sys.argv[1] + "\n")
END
printf '#!/bin/sh\nexec %s/bin/python -m ebpf "$@"\n' $environment >/usr/local/bin/ebpf
chmod 755 /usr/local/bin/ebpf
echo "provision.sh: $(uname -r), $($environment/bin/python --version), $($environment/bin/python -m pytest --version 2>&1)"
