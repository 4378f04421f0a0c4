#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the self-tests in the guest and wraps their KTAP into one report. Without
# arguments: all of them. An argument may be a test together with its own arguments:
# "tests/selftests/torture.sh seed=1 ops=1000". A kernel with checkers is asked after
# each test what it has found, which fails the test. LIMIT: seconds for one test.

. scripts/vm/checkers.sh

dir=tests/selftests
limit=${LIMIT:-600}
! has_checkers || limit=${LIMIT:-6000}

[ $# -gt 0 ] || set -- "$dir"/*.sh
total=0
for t; do
	[ "$t" = $dir/ktap.sh ] || total=$((total + 1))
done

# A test that ends well without a single result has tested nothing.
judge() {
	if [ "$results" -eq 0 ] && [ "$1" -ne 4 ]; then
		echo "not ok $number $name # no results, exit $1"
	elif ! complain; then
		echo "not ok $number $name # see above"
	elif [ "$1" -eq 4 ]; then
		echo "ok $number $name # SKIP"
	elif [ "$1" -ne 0 ]; then
		echo "not ok $number $name # exit $1"
	else
		echo "ok $number $name"
	fi
}

# With all modules unloaded. Tests have said how many pages they leave for good.
judge_pages() {
	lost_pages >/tmp/pages
	sed 's/^/# /' /tmp/pages
	: >>/tmp/left
	left=$(awk '{ n += $1 } END { print n + 0 }' /tmp/left)
	if grep -qv ^PFN /tmp/pages || [ "$(grep -c ^PFN /tmp/pages)" -ne "$left" ]; then
		printf 'not '
	fi
	echo "ok $((number + 1)) no page of the modules is lost but $left that tests have left"
}

echo "KTAP version 1"
echo "1..$((total + $(knows_pages)))"
leaks >/dev/null
number=0
for t; do
	[ "$t" != $dir/ktap.sh ] || continue
	number=$((number + 1))
	name=${t%% *} name=${name##*/}
	echo "# selftest: $name"
	echo "labyrinth-test: running $name" >/dev/kmsg
	# The status goes through a file, as a pipe gives that of its end only.
	# shellcheck disable=SC2086 # a test and its arguments
	{ timeout -s KILL "$limit" sh $t; echo $? >/tmp/status; } 2>&1 |
		while IFS= read -r line || [ -n "$line" ]; do
			printf '    %s\n' "$line"
			case $line in
			"ok "* | "not ok "* | "1..0 "*) echo >>/tmp/results ;;
			esac
		done
	results=$(wc -l 2>/dev/null </tmp/results || echo 0)
	rm -f /tmp/results
	judge "$(cat /tmp/status)"
done
[ "$(knows_pages)" -eq 0 ] || judge_pages
[ ! -e /sys/kernel/debug/gcov ] || sh scripts/vm/counts.sh
