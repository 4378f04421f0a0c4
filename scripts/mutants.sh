#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/mutants.sh [mutant...]
# Whether the tests notice what they are for: applies each of tests/mutants/*.patch,
# one deliberate bug each, to a copy of the sources and runs the suite or self-test
# that its first line names. The test named there must fail. Only those mutants
# whose file's name has one of the words in it, if there are any.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

# The first line of a patch: "what it breaks: kunit suite.case", or
# "what it breaks: selftest name.sh: result"; "selftest@KERNEL" is for another kernel than the
# default.
KINDS='kunit\|selftest\(@[^ ]*\)\?'
title_of() { sed -n "1s/: \($KINDS\) .*//p" "$1"; }
test_of() { sed -n "1s/.*: \(\($KINDS\) .*\)/\1/p" "$1"; }
kernel_of() {
	case $1 in
	*@*) echo "${1#*@}" ;;
	*) echo "$KERNEL_DEFAULT" ;;
	esac
}

# The checkout as it is, with its scripts, and what git would not keep left out.
copy_checkout() {
	mkdir -p "$copy"
	rm -rf "$copy"/{scripts,tests,tools,Documentation}
	cp -r "$LAB_ROOT"/{scripts,tests,tools,Documentation} "$copy/"
	sync_sources "$copy"
}

# run_test KIND WHERE: the suite or self-test at WHERE, from the copy.
run_test() {
	case $1 in
	kunit) "$copy/scripts/kunit.sh" "${2%%.*}" ;;
	selftest*) "$copy/scripts/selftest.sh" --kernel "$(kernel_of "$1")" "tests/selftests/${2%%:*}" ;;
	esac
}

# Whether that failed which the patch names, or one of its cases. A suite or self-test that
# does not come to its end is not named in the results; it may have failed and then
# crashed, which is on the console, or in the guest's output, only.
is_caught() {
	local suite=${2%%.*} rest=${2#*.} console=$3/kunit-console.log kernel output
	kernel=$(kernel_of "$1")
	output=$3/selftest-$kernel/output.log
	case $1 in
	kunit)
		grep -qE "^fail"$'\t'"kunit ${KERNEL_DEFAULT//./\\.}: ($suite\\.)?$rest(\\.|\$)" "$results" ||
			grep -qsE "# $rest: (EXPECTATION|ASSERTION) FAILED" "$console"
		;;
	selftest*)
		grep -qF "fail"$'\t'"selftest $kernel: ${2%%:*}.${2#*: }" "$results" ||
			grep -qxF "${2#*: }" < <(sed -n 's/^ *not ok [0-9]* //p' "$output" 2>/dev/null)
		;;
	esac
}

# What was caught may hang from then on.
end_when_caught() {
	while kill -0 "$running" 2>/dev/null; do
		sleep 1
		is_caught "$@" || continue
		kill -- "-$running" 2>/dev/null || true
		break
	done
	wait "$running" 2>/dev/null || true
	running=''
}

# Whatever comes of the run, the results tell.
try_mutant() {
	local patch=$1 test=$2 logs=$LABYRINTH_LOGS/mutant-$3
	local log=$logs.log
	rm -rf "$logs"
	mkdir -p "$logs"
	: >"$results"
	sync_sources "$copy"
	(cd "$copy" && git apply "$patch") >"$log" 2>&1 || { why="does not apply"; return 1; }
	set -m
	LABYRINTH_RESULTS=$results LABYRINTH_LOGS=$logs \
		run_test "${test%% *}" "${test#* }" >>"$log" 2>&1 </dev/null &
	running=$!
	set +m
	end_when_caught "${test%% *}" "${test#* }" "$logs"
	if is_caught "${test%% *}" "${test#* }" "$logs"; then
		return 0
	elif grep -qE "does not build|no test has run" "$results"; then
		why="does not build, or not start"
	else
		why="survived $test"
	fi
	return 1
}

judge() {
	local patch=$1 name test start=$SECONDS why='' beat status=0
	name=$(basename "$patch" .patch)
	test=$(test_of "$patch")
	[[ $test =~ ^(kunit\ [^ ]+|selftest[^ ]*\ [^ ]+\.sh:\ .+)$ ]] ||
		die "$patch: its first line names no test, as in '...: selftest load.sh: the module loads'"
	say "$name: $(title_of "$patch")"
	heartbeat "$name" 30 &
	beat=$!
	try_mutant "$patch" "$test" "$name" || status=1
	heartbeat_stop "$beat"
	if ((status == 0)); then
		result pass "mutant $name: caught by $test ($((SECONDS - start)) s)"
	else
		result fail "mutant $name: $why, see $LABYRINTH_LOGS/mutant-$name.log"
	fi
	return "$status"
}

# patches WORD...: those with one of the words in their names, or all.
patches() {
	local word
	for word in "${@:-}"; do
		compgen -G "$LAB_ROOT/tests/mutants/*$word*.patch" ||
			die "no mutant has '$word' in its name (see --help)"
	done
}

options '' "$@"
patches=$(patches "${args[@]}")
log_dir
name=mutants-$(sha256sum <<<"$LAB_ROOT" | cut -c 1-8)
copy=$LABYRINTH_CACHE/build/$name
results=$LABYRINTH_LOGS/mutant-results
take_lock "$name"
copy_checkout
failed=0 running=''
trap '[[ -z $running ]] || kill -- "-$running"' EXIT
for patch in $patches; do
	judge "$patch" || failed=1
done
exit "$failed"
