#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# debugfs as documented, and read while hard interrupts allocate on every CPU.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do

# The most pages that leave the guest enough to live on. KCSAN stops now and then to
# watch, so fewer take long enough there.
pages_to_hold() {
	free=$(sed -n 's/^MemFree: *\([0-9]*\) kB/\1/p' /proc/meminfo)
	pages=$((free * 7 / 40))
	[ "$pages" -lt 1000000 ] || pages=1000000
	[ ! -e /sys/kernel/debug/kcsan ] || pages=10000
	echo "$pages"
}

read_all() {
	for file in owners pages sites table refusals reports transitions; do
		cat $DEBUGFS/$file >/tmp/$file || return
	done
}

hits_of() { dmesg_since "$1" | sed -n 's/.*hammered: \([0-9]*\) hits, .*/\1/p'; }

ktap_plan 15
pages=$(pages_to_hold)
insmod labyrinth.ko capacity=$((pages + pages / 10))
insmod tests/selftests/labyrinth_probe.ko
ktap_diag "holding $pages pages"
ktap_check "many pages are handed out" sh -c "echo hold $pages >$DO"
ktap_check "every file can be read" read_all
ktap_contains "owners: all that is said of an owner" \
	"^[0-9]+ probe module=labyrinth_probe device=- quota=0 reserve=0/0 held=$pages cached=[0-9]+ lent=0 limbo=0 mapped=0 posted=0 peak=[0-9]+ fail_thread=0 fail_quota=0 fail_table=0 fail_memory=0 fail_sealed=0 fail_context=0$" \
	"$(cat /tmp/owners)"
ktap_equal "pages: one line for each page handed out" "$pages" \
	"$(grep -cE '^0x[0-9a-f]+ [0-9]+ probe HELD [0-9]+\.[0-9]{3} do_hold\+' /tmp/pages)"
ktap_equal "pages: each page once" "$(wc -l </tmp/pages)" \
	"$(cut -d ' ' -f 1 /tmp/pages | sort -u | wc -l)"
ktap_contains "sites: how many pages each call site has" \
	"^[0-9]+ probe $pages HELD, allocated at do_hold\+.*, [0-9.]+ to [0-9.]+ s ago$" \
	"$(cat /tmp/sites)"
for line in "capacity: $((pages + pages / 10))" "used: [0-9]+" "load: [0-9]+ %" \
	"longest probe: [0-9]+" "stash: [0-9]+ of [0-9]+"; do
	ktap_contains "table: '${line%%:*}'" "^$line$" "$(cat /tmp/table)"
done
ktap_diag </tmp/table
ktap_check "transitions: those of the documentation" \
	cmp /tmp/transitions extra/transitions.txt

mark=$(dmesg_mark)
echo hammer >$DO
read_all
ktap_check "no allocation in a hard interrupt fails while all is read" \
	sh -c "echo rest >$DO"
hits=$(hits_of "$mark")
ktap_diag "$hits pages in hard interrupts while debugfs was read"
ktap_check "and there were allocations" test "${hits:-0}" -gt 100
echo "drop $pages" >$DO
rmmod labyrinth_probe
ktap_check "the module unloads" rmmod labyrinth
ktap_end
