#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the self-tests in the guest and wraps their KTAP into one report. Without
# arguments: all of them. A kernel with checkers is asked after each test what it
# has found, which fails the test.

. scripts/vm/checkers.sh

dir=tests/selftests
limit=600
! has_checkers || limit=6000

[ $# -gt 0 ] || set -- "$dir"/*.sh
total=0
for t; do
	[ "${t##*/}" = ktap.sh ] || total=$((total + 1))
done

# A test that ends well without a single result has tested nothing.
judge() {
	if [ "$results" -eq 0 ] && [ "$1" -ne 4 ]; then
		echo "not ok $number ${t##*/} # no results, exit $1"
	elif ! complain; then
		echo "not ok $number ${t##*/} # see above"
	elif [ "$1" -eq 4 ]; then
		echo "ok $number ${t##*/} # SKIP"
	elif [ "$1" -ne 0 ]; then
		echo "not ok $number ${t##*/} # exit $1"
	else
		echo "ok $number ${t##*/}"
	fi
}

# With all modules unloaded.
judge_pages() {
	lost_pages >/tmp/pages
	sed 's/^/# /' /tmp/pages
	[ ! -s /tmp/pages ] || printf 'not '
	echo "ok $((number + 1)) no page of the modules is lost"
}

echo "KTAP version 1"
echo "1..$((total + $(knows_pages)))"
leaks >/dev/null
number=0
for t; do
	[ "${t##*/}" != ktap.sh ] || continue
	number=$((number + 1))
	echo "# selftest: ${t##*/}"
	echo "labyrinth-test: running ${t##*/}" >/dev/kmsg
	# The status goes through a file, as a pipe gives that of its end only.
	{ timeout -s KILL "$limit" sh "$t"; echo $? >/tmp/status; } 2>&1 |
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
