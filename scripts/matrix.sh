#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/matrix.sh [--list] [--long] [--jobs N] [--keep FOLDER] [row...]
# Runs every suite on every kernel (scripts/matrix.rows) and prints one table of
# what passed, failed and was skipped. A row is named by its kernel, its suite or
# both (kernel/suite), as in: scripts/matrix.sh 7.3 6.1-rt/selftest
# Without a row: all of them. Long rows are left out, but for those named by both. Fails if
# anything failed.
#   --list     prints the rows and runs nothing
#   --long     the long rows as well, most of which are others at full length: many hours
#   --jobs N   rows at a time, default: one more than there are processors: a virtual
#              machine keeps one busy, but for when all in it wait
#   --keep FOLDER   logs and lines of finished rows are kept there: a run that was ended goes on
#              where it was, on the same commit; a row that failed is run anew if its folder is removed

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

list='' long='' jobs=$(($(nproc) + 1)) keep='' keep_fd=''
options "list long jobs=count keep=out" "$@"

# named WORD...: the rows that a word names, or all, in the order of the file. A long one, with the
# mark "+" that is taken off here, is not meant by its kernel or suite alone.
named() {
	awk -v words="$*" -v long="$long" '
		BEGIN { n = split(words, list, " "); for (i in list) wanted[list[i]] }
		/^#/ || !NF { next }
		{ is_long = sub(/^\+ /, "") }
		($1 "/" $2) in wanted ||
		((long || !is_long) && (!n || $1 in wanted || $2 in wanted))
	' "$LAB_SCRIPTS/matrix.rows"
}

long_rows() {
	local rows
	rows=$(long=1 named "$1" | awk '{ print $1 "/" $2 }' | xargs)
	[[ -z $rows ]] || echo "; there are long rows, with --long or as ${rows// /, }"
}

rows() {
	local word
	for word; do
		[[ -n $(named "$word") ]] || die "no row is '$word' (see --list)$(long_rows "$word")"
	done
	named "$@"
}

# run_row KERNEL SUITE COMMAND...: with logs and results of its own.
run_row() {
	local kernel=$1 suite=$2 start=$SECONDS
	shift 2
	export LABYRINTH_LOGS=$top/$kernel-$suite LABYRINTH_RESULTS=$top/$kernel-$suite/results
	echo "$kernel/$suite" >"$LABYRINTH_LOGS/running"
	: >"$LABYRINTH_RESULTS"
	run_suite "$suite $kernel" "$@" >"$LABYRINTH_LOGS/said" 2>&1 </dev/null
	printf '%-14s %-12s %7d %7d %7d %8d\n' "$kernel" "$suite" "$(results_count pass)" \
		"$(results_count fail)" "$(results_count skip)" $((SECONDS - start)) \
		>"$LABYRINTH_LOGS/running"
	mv "$LABYRINTH_LOGS/running" "$LABYRINTH_LOGS/row"
	sed -n "s|^fail\t|    FAIL $kernel/$suite: |p" "$LABYRINTH_RESULTS"
	cat "$LABYRINTH_LOGS/row"
}

progress() {
	[[ -z $keep_fd ]] || exec {keep_fd}>&-
	while sleep 60 && kill -0 $$ 2>/dev/null; do
		say "    $((SECONDS / 60)) minutes, $(find "$top" -name row | wc -l) of $total rows done; running:" \
			"$(find "$top" -name running -exec cat {} + | sort | xargs)"
	done
}

# Each row is a process group, which ends with this script.
run_rows() {
	local row
	while read -ra row; do
		[[ -z $keep || ! -e $top/${row[0]}-${row[1]}/row ]] || continue
		while (($(jobs -rp | wc -l) > jobs)); do
			wait -n || true
		done
		say "== ${row[0]} ${row[1]}: ${row[*]:2}"
		mkdir -p "$top/${row[0]}-${row[1]}"
		rm -f "$top/${row[0]}-${row[1]}/row"
		(cd "$LAB_ROOT" && run_row "${row[@]}") &
		pids+=($!)
	done <<<"$rows"
	((${#pids[@]} == 0)) || wait "${pids[@]}" || true
}

end_jobs() {
	local pid
	for pid in $(jobs -p); do
		kill -- "-$pid" 2>/dev/null || true
	done
}

# A row that broke off has left no line.
table() {
	local row
	printf '%-14s %-12s %7s %7s %7s %8s\n' kernel suite passed failed skipped seconds
	while read -ra row; do
		cat "$top/${row[0]}-${row[1]}/row" 2>/dev/null ||
			printf '%-14s %-12s %7d %7d %7d %8d\n' "${row[0]}" "${row[1]}" 0 1 0 0
	done <<<"$rows"
}

summary() {
	say ""
	say "== summary"
	awk '{ print $1 "-" $2 "/results" }' <<<"$rows" | (cd "$top" && { xargs cat 2>/dev/null || true; }) |
		awk -F '\t' '$1 != "pass" { print toupper($1) " " $2 }'
	table | tee "$top/table"
	awk '
		NR > 1 {
			rows++
			for (i = 3; i <= 6; i++)
				sum[i] += $i
			if (!($3 + $4)) {
				print "    FAIL " $1 "/" $2 ": nothing was tested"
				idle = 1
			}
		}
		END {
			printf "%-14s %-12s %7d %7d %7d %8d\n", "all", rows " rows", \
				sum[3], sum[4], sum[5], sum[6]
			exit idle || sum[4] > 0 || !rows
		}' "$top/table"
}

# A kernel that is not in the table would only be found out hours later.
check_kernels() {
	local kernel
	while IFS= read -r kernel; do
		kernel_need "$kernel"
	done < <(sed -nE '/^#/d; s/.* --kernel ([^ ]+).*/\1/p' "$LAB_SCRIPTS/matrix.rows")
}

# Two rows of one name would share a folder.
check_names() {
	local twice
	twice=$(long=1 named | awk 'seen[$1 "-" $2]++ == 1 { print $1 "/" $2 }')
	[[ -z $twice ]] || die "scripts/matrix.rows has two rows ${twice//$'\n'/, }"
}

# What is kept is of one commit, and of nothing that no commit has. The rows that outlive a killed
# run hold its lock: no other writes to their folders meanwhile.
keep_in() {
	local commit
	[[ $(cd "$1" && pwd -P)/ != "$(cd "$LAB_ROOT" && pwd -P)"/* ]] || die "--keep: $1 is in the checkout"
	commit=$(git -C "$LAB_ROOT" rev-parse HEAD)
	[[ -z $(git -C "$LAB_ROOT" status --porcelain) ]] || die "--keep: the sources differ from commit $commit"
	exec {keep_fd}>>"$1/lock"
	flock -n "$keep_fd" || say "waiting for another run, or the rows of one that was killed, with $1"
	flock "$keep_fd"
	[[ -e $1/commit ]] || echo "$commit" >"$1/commit"
	[[ $(<"$1/commit") == "$commit" ]] || die "$1 has rows of commit $(<"$1/commit"), this is $commit"
	LABYRINTH_LOGS=$(cd "$1" && pwd)
	export LABYRINTH_LOGS
	rm -f "$LABYRINTH_LOGS"/*/running
}

rows=$(rows "${args[@]}")
check_names
check_kernels
[[ -z $list ]] || { echo "$rows"; exit; }

# One stream, so that progress and results stay in order when they are piped.
exec 2>&1
[[ -z $keep ]] || keep_in "$keep"
log_dir
top=$LABYRINTH_LOGS
total=$(wc -l <<<"$rows")
pids=()
set -m
trap end_jobs EXIT
say "logs in $top; $total rows, $jobs at a time"
progress &
run_rows
summary
