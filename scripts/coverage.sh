#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/coverage.sh [test...]
# Runs the self-tests, and the KUnit suites among them, in a virtual machine against
# modules that count what of them is run, and prints of each file how many lines and
# branches that were. The others are listed in uncovered.txt in the log folder. Fails
# below 95 % of the lines or 85 % of the branches.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# Branches are counted before anything is inlined, or one of an inline function would
# count once for each place. The three that are left inline tell their caller's
# address.
count_each_once() {
	(cd "$work" && list_module_sources . | grep '\.[ch]$' | xargs sed -i -E \
		'/lab_(free|owns)_inline|void \*$/!s/^static __always_inline/static noinline __maybe_unused/')
}

build() {
	rm -rf "$work"
	sync_sources "$work"
	count_each_once
	make --no-print-directory -C "$headers" M="$work" -j"$(nproc)" GCOV_PROFILE=y \
		KCFLAGS=-fno-early-inlining CONFIG_LABYRINTH=m CONFIG_LABYRINTH_SAMPLES=m \
		CONFIG_LABYRINTH_SELFTEST=m CONFIG_LABYRINTH_TORTURE=m \
		CONFIG_LABYRINTH_KUNIT_TEST=m modules
}

copy_modules() {
	local ko
	(cd "$work" && find . -name '*.ko') | while IFS= read -r ko; do
		install -D -m 644 "$work/$ko" "$modules/$ko"
	done
}

# The counts lie under the path of the objects they are of.
report() {
	tar -xz -C "$scratch" -f "$scratch/counts.tgz" || return
	cp -r "$scratch$work/." "$work/"
	/usr/bin/python3 "$LAB_SCRIPTS/coverage-report.py" "$work" "$list"
}

case ${1:-} in
--help) usage; exit ;;
--build) headers=$2 work=$3; build; exit ;;
esac
"$LAB_SCRIPTS/deps.sh" fetch debug vm kunit
log_dir
headers=$("$LAB_SCRIPTS/kernel.sh" headers gcov)
name=coverage-$(sha256sum <<<"$LAB_ROOT" | cut -c 1-8)
work=$LABYRINTH_CACHE/build/$name
list=$LABYRINTH_LOGS/uncovered.txt
take_lock "$name"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
modules=$scratch/modules
# As a command of its own, so that an error in it ends it.
run_logged "building modules that count" "$LABYRINTH_LOGS/build-coverage.log" \
	"$0" --build "$headers" "$work"
copy_modules
status=0
"$LAB_SCRIPTS/selftest.sh" --kernel gcov --title coverage --mem 1024 \
	--vm --modules --vm "$modules" --vm --qemu --vm -serial \
	--vm --qemu --vm "file:$scratch/counts.tgz" "$@" || status=1
result_of "coverage of lines and branches" report || status=1
say "what has not been run is in $list"
exit "$status"
