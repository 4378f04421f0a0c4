#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Every step of sealing fails: the hook on the fault, the addresses, the decoys, the block
# of pages, the region's record, the split of the direct map; each alone, and with all that
# follow. An owner is made, or is refused with the errno and a message that says for want of
# what. Either way no page stays sealed or is lost, and the direct map is as it was.

. "${0%/*}/ktap.sh"

[ "$(uname -m)" = x86_64 ] || ktap_skip_all "pages are sealed on x86-64 only"
[ -e tests/selftests/labyrinth_fail.ko ] || ktap_skip_all "no probes here"

DEBUGFS=/sys/kernel/debug/labyrinth
SEALED=/sys/kernel/debug/labyrinth_sealed
FAIL=/sys/module/labyrinth_fail/parameters
ALL=1000000

deed() { echo "$1" >$SEALED/do; }
sealed() { sed -n "s/^$1: *//p" $DEBUGFS/sealed; }
# Entries of the direct map that are empty or uncached.
odd() { deed odd && cat $SEALED/odd; }
used() { sed -n 's/^used: //p' "$DEBUGFS/table"; }

load() { insmod labyrinth.ko "$@" && insmod tests/selftests/labyrinth_sealed.ko; }
unload() { rmmod labyrinth_sealed && rmmod labyrinth; }

complain() {
	ktap_diag "$*"
	bad=$((bad + 1))
}

# The errno that a failure of the call must give; 0: the owner is made without.
wanted() {
	case $1 in
	register_die_notifier) echo 95 ;;
	*) echo 12 ;;
	esac
}

# An owner's slot comes first. Without a slot there is no owner, sealed or not, and no message.
is_slot() {
	case "$1 $last" in
	"1 kvmalloc_node" | "1 __kvmalloc_node_noprof") ;;
	*) false ;;
	esac
}

# What must be true whether the owner was made and destroyed, or refused.
check_clean() {
	[ "$(sealed pages)" = 0 ] || complain "$1: $(sealed pages) pages are sealed"
	[ "$(used)" = 0 ] || complain "$1: $(used) pages are tagged"
	[ ! -s $DEBUGFS/owners ] || complain "$1: left is $(cat $DEBUGFS/owners)"
	[ "$(odd)" = "$usual" ] || complain "$1: $(odd) odd entries in the direct map, not $usual"
}

# try N TIMES: the owner is made while the N-th call and those after it, TIMES in all, fail;
# then once more without. False if there is no N-th call.
try() {
	mark=$(dmesg_mark)
	echo "$2" >$FAIL/times
	echo "$1" >$FAIL/nth
	deed one 2>/dev/null
	read -r errno <$SEALED/errno
	read -r failed <$FAIL/failed
	read -r last <$FAIL/last
	echo 0 >$FAIL/nth
	[ "$failed" -gt 0 ] || return
	what="call $1 ($last, $failed failed)"
	if [ "$errno" -eq 0 ]; then
		made=$((made + 1))
		deed one-end || complain "$what: pages were out"
	else
		refused=$((refused + 1))
		[ "$errno" = "$(wanted "$last")" ] || complain "$what: errno $errno"
		is_slot "$1" || dmesg_since "$mark" |
			grep -q "labyrinth: owner one cannot have sealed pages, for want of " ||
			complain "$what: no message"
	fi
	check_clean "$what"
	deed one || complain "$what: no owner afterwards"
	deed one-end || complain "$what: pages were out afterwards"
	check_clean "$what, then none"
}

# The next call to fail. The decoys are pages that are taken alike, one by one: of more than
# three such calls in a row not each is made to fail. After a leap beyond them, back.
next() {
	row=$((row + 1))
	if [ "$last" != "$before" ] && [ "$leap" -gt 1 ]; then
		n=$((n - leap))
		last=$before row=0
	elif [ "$last" != "$before" ]; then
		row=0
	fi
	before=$last
	leap=$((row < 3 ? 1 : 4))
	n=$((n + leap))
}

# sweep TIMES: each time from the beginning, with the modules just loaded. With more than one
# call failing, only from those calls on without which an owner is made.
sweep() {
	n=1 row=0 before='' leap=1
	while load && try "$n" "$1" && unload; do
		read -r owed <$FAIL/owed
		[ "$owed" = "$debt" ] || complain "$what: $owed owed, not $debt"
		debt=$owed
		[ "$errno" -ne 0 ] || echo "$n" >>/tmp/without
		next
	done
	deed one-end || complain "pages were out"
	unload
	ktap_diag "of $((n - 1)) calls of Labyrinth's, $made times made, $refused times refused"
}

sweep_on() {
	while read -r n; do
		if ! load || ! try "$n" $ALL || ! unload; then
			complain "call $n: cannot be tried"
		fi
	done </tmp/without
	ktap_diag "from call $(tr '\n' ' ' </tmp/without)on: $made times made, $refused times refused"
}

ktap_plan 11
expect_begin
insmod tests/selftests/labyrinth_fail.ko
ktap_diag "not in this kernel: $(cat $FAIL/missing)"

load
usual=$(odd)
ktap_diag "$usual entries of the direct map are empty or uncached to begin with"
ktap_check "an owner is made where nothing fails" deed one
ktap_check "and goes" deed one-end
unload
read -r debt <$FAIL/owed

bad=0 made=0 refused=0
sweep 1
ktap_equal "one call fails: an owner or none, nothing is left" 0 "$bad"
ktap_check "there are at least 25 calls to fail" test "$n" -gt 25
ktap_check "an owner is made without a hook or a large block" test "$made" -ge 3
bad=0 made=0 refused=0
sweep_on
ktap_equal "all calls fail from one of these on: no owner, nothing is left" "0 0" "$bad $made"

load sealed_max=1
mark=$(dmesg_mark)
ktap_check "an owner takes the only place for addresses" deed one
ktap_refuse "another is refused" deed begin
ktap_contains "which is said" "cannot have sealed pages, for want of room for addresses: -ENOSPC" \
	"$(dmesg_since "$mark")"
unload

load
deed one
echo $ALL >$FAIL/times
echo 1 >$FAIL/nth
ktap_check "where the worker can seal none, there is none, once the reserve is used up" deed drain
echo 0 >$FAIL/nth
deed one-end
ktap_check "all memory can be written to" deed wipe
unload
rmmod labyrinth_fail
expect_end
ktap_end
