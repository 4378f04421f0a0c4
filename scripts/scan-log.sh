#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/scan-log.sh [--after REGEX] log...
# Prints the kernel's complaints (BUG, WARNING, Oops, lockdep, stalls …) found in
# console logs, save those that a test announced: what stands between a line
# "labyrinth-test: expect begin" and one "labyrinth-test: expect end" was wanted.
# A window that is never closed is itself a finding. Fails if anything is found.
# --after: look only past the first line that matches.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

after=''
while (($#)); do
	case $1 in
	--help) usage; exit ;;
	--after) after=$2; shift 2 ;;
	*) break ;;
	esac
done
(($#)) || die "no log given (see --help)"

# The last ones are the heads of lockdep's reports, which have no word in common.
splats=(
	'BUG[: ]' 'WARNING:' 'Oops' 'Bad page' 'Kernel panic' 'KASAN' 'KCSAN' 'UBSAN'
	'general protection fault' 'unable to handle' 'stack segment' 'divide error'
	'invalid opcode' 'double fault' 'kernel stack overflow' 'Unhandled exception'
	'(list_add|list_del) corruption' 'scheduling while atomic' 'sleeping function called'
	'self-detected stall' 'rcu.*detected stalls?' 'rcu.*kthread starved'
	'soft lockup' 'hard LOCKUP' 'hung_task' 'blocked for more than'
	'unreferenced object' 'refcount_t:' 'DEBUG_LOCKS_WARN' 'still reference'
	'possible (recursive|circular|irq lock inversion|deadlock)' 'inconsistent lock state'
	'suspicious RCU usage' 'bad unlock balance' 'held lock freed' 'lock held when returning'
	'non-static key' 'Invalid wait context' 'Modules linked in:'
)
pattern=$(IFS='|'; echo "${splats[*]}")

scan() {
	# mawk would eat one level of backslashes in -v; the environment keeps them.
	SPLATS=$pattern AFTER=$after awk '
		BEGIN { on = (ENVIRON["AFTER"] == "") }
		!on { if ($0 ~ ENVIRON["AFTER"]) on = 1; next }
		/labyrinth-test: expect begin/ {
			if (expected) print FILENAME ":" NR ": expect begin within another"
			expected = NR; next
		}
		/labyrinth-test: expect end/ {
			if (!expected) print FILENAME ":" NR ": expect end without a begin"
			expected = 0; next
		}
		!expected && $0 ~ ENVIRON["SPLATS"] { print FILENAME ":" NR ": " $0 }
		END { if (expected) print FILENAME ":" expected ": expect begin is never ended" }
	' "$1"
}

found=0
for log; do
	findings=$(scan "$log")
	if [[ -n $findings ]]; then
		printf '%s\n' "$findings"
		found=1
	fi
done
exit "$found"
