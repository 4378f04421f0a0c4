#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/check.sh [stage...]
#        scripts/check.sh --coverage
# Everything that is checked of Labyrinth, or only some stages of it:
#   build     builds without a warning against the stock headers of two kernels
#   static    sparse, checkpatch.pl, kernel-doc, check-style.sh, shellcheck, htmldocs
#   usage     that each script refuses what it does not know (check-usage.sh)
#   model     the tag protocol in every order of its steps, by spin
#   simulate  large machines: the table's load, and which cache lines move
#   litmus    the barriers, by herd7 and the kernel's memory model
#   cocci     (only if named) the rules of coccinelle, our own and the kernel's
#   kunit     the KUnit suites in User-Mode Linux
#   selftest  the self-tests in a virtual machine with a stock kernel, and the template
#             driver as one's own (check-driver.sh)
#   mutants   (only if named) that the tests notice deliberate bugs
#   bench     instruction counts against the peers' and against the budget
#   coverage  (only if named) how much of the module the tests run
# The last line counts what passed and failed. Downloads and builds are kept in
# LABYRINTH_CACHE (default ~/.cache/labyrinth) and used again.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

STAGES=(build static usage model simulate litmus kunit selftest bench)

# What a stage needs from Debian, so that it is all installed in one go.
purposes_of() {
	case $1 in
	build) echo fetch build ;;
	static) echo fetch build static docs ;;
	usage) echo fetch ;;
	model | simulate) echo model ;;
	litmus) echo fetch ;;
	cocci) echo fetch cocci ;;
	kunit) echo fetch kunit ;;
	selftest) echo fetch build vm ;;
	mutants) echo fetch build vm kunit ;;
	bench) echo fetch build vm kunit ;;
	coverage) echo fetch debug vm kunit ;;
	*) die "unknown stage '$1' (see --help)" ;;
	esac
}

stage_build() { "$LAB_SCRIPTS/build.sh" --every check; }
stage_static() { "$LAB_SCRIPTS/static.sh"; }
stage_usage() { "$LAB_SCRIPTS/check-usage.sh"; }
stage_model() { "$LAB_SCRIPTS/model.sh"; }
stage_simulate() { "$LAB_SCRIPTS/simulate.sh" --short; }
stage_litmus() { "$LAB_SCRIPTS/litmus.sh"; }
stage_cocci() { "$LAB_SCRIPTS/cocci.sh" --kernel; }
stage_kunit() { "$LAB_SCRIPTS/kunit.sh"; }

# Three guests on two processors: a guest keeps one busy, but for when all in it wait. These have
# about as much to do each as the third, which has all that is not named here, and what comes
# after it.
GUESTS=(
	'guard|guard_beside|quarantine|sealed|sealed_faults|sweep|watch'
	'attacks|debugfs|guard_blocks|nic|nic_xdp|odd|refusals|torture|tracing|watch_follow|watch_pool'
)

# self_tests N: the self-tests of guest N, all but ktap.sh, which is none.
self_tests() {
	local named
	named=$(IFS='|' && echo "${GUESTS[*]}")
	(cd "$LAB_ROOT" && printf '%s\n' tests/selftests/*.sh) | grep -v '/ktap\.sh$' |
		if [[ -n ${GUESTS[$1]:-} ]]; then
			grep -E "/(${GUESTS[$1]})\.sh$"
		else
			grep -v -E "/($named)\.sh$"
		fi
}

# in_guest N: the self-tests of guest N.
in_guest() {
	local tests
	mapfile -t tests < <(self_tests "$1")
	"$LAB_SCRIPTS/selftest.sh" --title "selftest-$(($1 + 1))" --mem 2048 "${tests[@]}"
}

# What else there is comes after the last guest's, beside the others.
stage_selftest() {
	local status=0 pids=() guest
	set -m
	for guest in "${!GUESTS[@]}"; do
		in_guest "$guest" &
		pids+=($!)
	done
	set +m
	# shellcheck disable=SC2064 # those that run now
	trap "kill -- ${pids[*]/#/-} 2>/dev/null || true" EXIT
	in_guest "${#GUESTS[@]}" || status=1
	"$LAB_SCRIPTS/selftest.sh" --iommu tests/selftests/edu.sh tests/selftests/sealed_dma.sh || status=1
	"$LAB_SCRIPTS/fatal.sh" || status=1
	"$LAB_SCRIPTS/check-driver.sh" || status=1
	for guest in "${pids[@]}"; do
		wait "$guest" || status=1
	done
	trap - EXIT
	return "$status"
}

stage_mutants() { "$LAB_SCRIPTS/mutants.sh"; }
stage_coverage() { "$LAB_SCRIPTS/coverage.sh"; }
stage_bench() { "$LAB_SCRIPTS/bench.sh" --check --out "$LABYRINTH_LOGS/bench"; }

run_stage() {
	local stage=$1 start=$SECONDS
	say ""
	say "== $stage"
	run_suite "$stage" "stage_$stage"
	say "== $stage took $((SECONDS - start)) s"
}

# The suites print how many cases ran in which context, each for itself.
print_contexts() {
	local log=$LABYRINTH_LOGS/kunit-console.log
	[[ -s $log ]] || return 0
	awk '
	/# .*context: hardirq=/ {
		seen = 1
		for (i = 1; i <= NF; i++)
			if (split($i, pair, "=") == 2)
				sum[pair[1]] += pair[2]
	}
	END {
		if (seen)
			printf "cases run in each context: hardirq %d, softirq %d, task %d\n",
				sum["hardirq"], sum["softirq"], sum["task"]
	}' "$log"
}

summary() {
	local passed failed skipped line
	passed=$(results_count pass) failed=$(results_count fail) skipped=$(results_count skip)
	say ""
	say "== summary"
	print_contexts
	awk -F '\t' '$1 != "pass" { print toupper($1) " " $2 }' "$LABYRINTH_RESULTS"
	((failed == 0)) || say "the logs are in $LABYRINTH_LOGS"
	line="$passed passed, $failed failed"
	((skipped == 0)) || line+=", $skipped skipped"
	echo "$line"
	((failed == 0 && passed > 0))
}

coverage=''
options coverage "$@"
set -- "${args[@]}" ${coverage:+coverage}
(($#)) || set -- "${STAGES[@]}"
purposes=()
for stage; do
	words=$(purposes_of "$stage")
	purposes+=("$words")
done

# One stream, so that progress and results stay in order when they are piped.
exec 2>&1
log_dir
export LABYRINTH_RESULTS=$LABYRINTH_LOGS/results
: >"$LABYRINTH_RESULTS"
say "logs in $LABYRINTH_LOGS"
mapfile -t purposes < <(printf '%s\n' "${purposes[@]}" | tr ' ' '\n' | sort -u)
"$LAB_SCRIPTS/deps.sh" "${purposes[@]}" || result fail "installing what is needed"
for stage; do
	run_stage "$stage"
done
summary
