#!/bin/sh
# What the matrix runs on each kernel, in a guest or in a Vagrant machine: the tests that face the kernel, then the profile.
# Results go to $MATRIX_SHARED: junit.xml, profile.json. Arguments are pytest's.
#
# -v: a guest that hangs has then named the test that it hangs in.
# A test faces the kernel when it is marked `root` or `requires`. Left out is what needs a network or minutes, and what
# asks the kernel everything once more to see what the library does with the answers: that is the same on every kernel.
# Only files with such a mark are read: what an emulated machine spends on the others is longer than some tests.
files=$(grep -lrE 'mark\.(root|requires)' tests/ebpf tests/examples --include='test_*.py' |
    grep -vE '^tests/ebpf/(cli/|kernel/test_recording|probe/test_sweep)')
python -m pytest -v --no-summary -p vagrant.instantly -p no:cacheprovider --timeout 400 --junitxml="$MATRIX_SHARED/junit.xml" \
    -m "(root or requires) and not network and not slow" \
    "$@" $files \
    tests/ebpf/probe/test_sweep.py::test_leaves_no_trace \
    tests/ebpf/probe/test_sweep.py::test_agrees_with_the_trials_one_by_one
tests=$?
python -m ebpf features --json > "$MATRIX_SHARED/profile.tmp" && mv "$MATRIX_SHARED/profile.tmp" "$MATRIX_SHARED/profile.json"
profile=$?
[ "$tests" -ne 0 ] || exit "$profile"
exit "$tests"
