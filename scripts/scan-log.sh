#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/scan-log.sh [--after REGEX] log...
# Prints the kernel's complaints (BUG, WARNING, Oops, lockdep, stalls …) found in
# console logs, save those that a test announced: between a line "labyrinth-test:
# expect begin REGEX" and one "labyrinth-test: expect end" a line that matches was
# wanted (Labyrinth's own reports, if there is no REGEX); but never what no test can
# want. A window that is never closed is itself a finding. Fails if anything is found.
# Of KCSAN's reports only those count in which an access that is not marked is Labyrinth's: the
# kernel itself has races of its own, by these strict rules, and one of them (byte queue limits)
# in a function that is inline in the sample driver.
# Leaks that kmemleak counts do not where a line "labyrinth-test: leaks judged" follows:
# the guest has looked at each.
# --after: look only past the first line that matches.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

after=''
options "after=text" "$@"
set -- "${args[@]}"
(($#)) || die "no log given (see --help)"
for log; do
	[[ -r $log ]] || die "there is no log '$log'"
done

splats=(
	'BUG[: ]' 'WARNING:' 'Oops' 'Bad page' 'Kernel panic' 'Modules linked in:'
	'general protection fault' 'unable to handle' 'stack segment' 'divide error'
	'invalid opcode' 'double fault' 'kernel stack overflow' 'Unhandled exception'
	'self-detected stall' 'rcu.*detected (expedited )?stalls?' 'rcu.*kthread starved'
	'soft lockup' 'hard LOCKUP' 'hung_task' 'blocked for more than'
	'nobody cared' 'cannot create duplicate'
)
# What no test can want. The last ones are the heads of lockdep's reports, which
# have no word in common.
never=(
	'KASAN' 'UBSAN' 'ODEBUG' 'pagealloc: ' '(list_add|list_del) corruption' 'refcount_t:'
	'scheduling while atomic' 'sleeping function called' 'unreferenced object'
	'lockdep is turned off'
	'DEBUG_LOCKS_WARN' 'still reference'
	'possible (recursive|circular|irq lock inversion|deadlock)' 'inconsistent lock state'
	'suspicious RCU usage' 'bad unlock balance' 'held lock freed' 'lock held when returning'
	'non-static key' 'Invalid wait context'
)
join() { (IFS='|'; echo "$*"); }

scan() {
	# mawk would eat one level of backslashes in -v; the environment keeps them.
	SPLATS=$(join "${splats[@]}") NEVER=$(join "${never[@]}") AFTER=$after awk '
		# An access that is not marked, and of which no frame was told, may be of any code.
		function end_race(counts) {
			if (race != "" && (plain || counts)) print race
			race = ""
			plain = 0
		}
		BEGIN { on = (ENVIRON["AFTER"] == "") }
		!on { if ($0 ~ ENVIRON["AFTER"]) on = 1; next }
		/labyrinth-test: expect begin/ {
			if (expected) print FILENAME ":" NR ": expect begin within another"
			expected = NR
			wanted = $0
			sub(/.*expect begin ?/, "", wanted)
			if (wanted == "") wanted = "BUG: labyrinth: "
			next
		}
		/labyrinth-test: expect end/ {
			if (!expected) print FILENAME ":" NR ": expect end without a begin"
			expected = 0; next
		}
		/BUG: KCSAN:/ {
			end_race()
			race = /\[labyrinth/ && !/ dql_completed / ? FILENAME ":" NR ": " $0 : ""
			next
		}
		race != "" && /Reported by Kernel Concurrency/ { end_race(); next }
		race != "" && /(read|write).* to 0x/ {
			if (plain) end_race()
			plain = !/\(marked/
			next
		}
		race != "" && plain && /\+0x/ {
			plain = 0
			if (/\[labyrinth/) end_race(1)
		}
		/new suspected memory leaks/ {
			leaks = leaks FILENAME ":" NR ": " $0 "\n"
			next
		}
		/labyrinth-test: leaks judged/ { leaks = "" }
		$0 ~ ENVIRON["NEVER"] ||
		($0 ~ ENVIRON["SPLATS"] && !(expected && $0 ~ wanted)) {
			print FILENAME ":" NR ": " $0
		}
		END {
			end_race()
			printf "%s", leaks
			if (expected) print FILENAME ":" expected ": expect begin is never ended"
		}
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
