#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The KUnit suites, where the kernel has KUnit: beside User-Mode Linux, which has one
# CPU, they run on several here, and on kernels with checkers.

. "${0%/*}/ktap.sh"

KUNIT=tests/kunit/labyrinth_kunit.ko
RESULTS=/sys/kernel/debug/kunit

[ -e $KUNIT ] || ktap_skip_all "this kernel has no KUnit"

# The cases count what is in the table again and again.
insmod labyrinth.ko capacity=1000
insmod $KUNIT
suites=$(cd $RESULTS && echo labyrinth*)
# shellcheck disable=SC2086 # names are words
set -- $suites
ktap_plan $((2 + 2 * $#))
ktap_check "there are suites" test $# -ge 8
for suite; do
	results=$(cat "$RESULTS/$suite/results")
	cases=$(printf '%s\n' "$results" | grep -cE '^ +ok ')
	ktap_diag "$suite: $cases cases"
	ktap_check "$suite has run" test "$cases" -gt 0
	ktap_lacks "$suite: every case passes" "^ *not ok" "$results"
done
rmmod labyrinth_kunit
ktap_check "the module unloads" rmmod labyrinth
ktap_end
