#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/matrix.sh [--list] [row...]
# Runs every suite on every kernel (scripts/matrix.rows) and prints one table of
# what passed, failed and was skipped. A row is named by its kernel, its suite or
# both (kernel/suite), as in: scripts/matrix.sh 7.3 6.1-rt/selftest
# Without a row: all of them. Fails if anything failed.
#   --list   prints the rows and runs nothing

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# The rows that the arguments name, in the order of the file.
rows() {
	local word known
	known=$(grep -v '^#' "$LAB_SCRIPTS/matrix.rows" | awk 'NF')
	for word; do
		awk -v word="$word" '$1 == word || $2 == word || $1 "/" $2 == word { n++ }
			END { exit !n }' <<<"$known" || die "no row is '$word' (see --list)"
	done
	awk -v words="$*" '
		BEGIN { n = split(words, list, " "); for (i in list) wanted[list[i]] }
		!n || $1 in wanted || $2 in wanted || ($1 "/" $2) in wanted' <<<"$known"
}

# run_row KERNEL SUITE COMMAND...: with logs and results of its own.
run_row() {
	local kernel=$1 suite=$2 start=$SECONDS
	shift 2
	say ""
	say "== $kernel $suite: $*"
	export LABYRINTH_LOGS=$top/$kernel-$suite LABYRINTH_RESULTS=$top/$kernel-$suite/results
	mkdir -p "$LABYRINTH_LOGS"
	: >"$LABYRINTH_RESULTS"
	run_suite "$suite $kernel" "$@"
	printf '%-14s %-12s %7d %7d %7d %8d\n' "$kernel" "$suite" "$(results_count pass)" \
		"$(results_count fail)" "$(results_count skip)" $((SECONDS - start)) >>"$top/table"
	tail -n 1 "$top/table" >&2
}

summary() {
	say ""
	say "== summary"
	awk -F '\t' '$1 != "pass" { print toupper($1) " " $2 }' "$top"/*/results
	printf '%-14s %-12s %7s %7s %7s %8s\n' kernel suite passed failed skipped seconds
	cat "$top/table"
	awk '{ for (i = 3; i <= 6; i++) sum[i] += $i }
		END {
			printf "%-14s %-12s %7d %7d %7d %8d\n", "all", NR " rows", \
				sum[3], sum[4], sum[5], sum[6]
			exit sum[4] > 0 || sum[3] == 0
		}' "$top/table"
}

case ${1:-} in
--help) usage; exit ;;
--list) shift; rows "$@"; exit ;;
esac
rows=$(rows "$@")

# One stream, so that progress and results stay in order when they are piped.
exec 2>&1
log_dir
top=$LABYRINTH_LOGS
say "logs in $top"
# From another descriptor, for the commands may read theirs.
while read -ra row <&9; do
	(cd "$LAB_ROOT" && run_row "${row[@]}") </dev/null
done 9<<<"$rows"
summary
