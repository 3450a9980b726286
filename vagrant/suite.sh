#!/bin/sh
# What the matrix runs on each kernel, in a guest or in a Vagrant machine: the tests that face the kernel, then the profile.
# Results go to $MATRIX_SHARED: junit.xml, profile.json. Arguments are pytest's.
# A test faces the kernel when it is marked `root` or `requires`; what needs a network or minutes is left out.
python -m pytest -q -p no:cacheprovider --timeout 120 --junitxml="$MATRIX_SHARED/junit.xml" \
    -m "(root or requires) and not network and not slow" "$@"
tests=$?
python -m ebpf features --json > "$MATRIX_SHARED/profile.tmp" && mv "$MATRIX_SHARED/profile.tmp" "$MATRIX_SHARED/profile.json"
profile=$?
[ "$tests" -ne 0 ] || exit "$profile"
exit "$tests"
