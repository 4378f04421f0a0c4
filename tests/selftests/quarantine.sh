#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# quarantine=N: whoever uses a page after it was freed is caught in the act, and named, and so
# is who freed it. The page is handed out again only after N further frees. It can be switched
# at any moment; memory pressure, an owner's end and quarantine=0 give the pages back.

. "${0%/*}/ktap.sh"

[ "$(uname -m)" = x86_64 ] || ktap_skip_all "pages are sealed on x86-64 only"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_quarantined
QUARANTINE=/sys/module/labyrinth/parameters/quarantine

deed() { echo "$1" >$DO/do; }
sealed() { sed -n "s/^$1: *//p" $DEBUGFS/sealed; }
kept() { sealed "in quarantine"; }
odd() { deed odd && cat $DO/odd; }
quarantine() { echo "$1" >$QUARANTINE && echo "$1" >$DO/nr; }
refused() { sed -n 's/^foreign: *//p' $DEBUGFS/refusals; }

switch_about() {
	for n in 64 300 0 16 0 1000 32 0 128; do
		quarantine "$n" || return
		sleep 0.3
	done
}

# Of owners that go while the quarantine changes: how many had a page out. After the first such
# owner the machine would not last for long.
go_meanwhile() {
	mark=$(dmesg_mark) out=0
	for _ in 1 2 3 4 5; do
		echo 1000 >$QUARANTINE
		insmod tests/selftests/labyrinth_many.ko owners=900 end=each
		rmmod labyrinth_many &
		for n in 1001 1002 1003; do
			echo $n >$QUARANTINE
		done
		wait $!
		out=$(dmesg_since "$mark" | grep -c 'owner queue .* pages out')
		[ "$out" -eq 0 ] || break
	done
	echo "$out"
}

squeeze() {
	for _ in 1 2 3 4 5 6 7 8; do
		echo 2 >/proc/sys/vm/drop_caches
	done
	[ "$(kept)" -lt 64 ]
}

ktap_plan 32
expect_begin
# With the guard, which must let Labyrinth split the direct map over an owner's page.
insmod labyrinth.ko report_burst=100 guard=refuse
insmod tests/selftests/labyrinth_quarantined.ko
usual=$(odd)
ktap_equal "there is no quarantine by default" "0 0" "$(cat $QUARANTINE) $(kept)"
ktap_equal "and nothing is hooked" none "$(sealed hook)"
deed begin

ktap_check "quarantine is switched on" quarantine 256
reports=$(refused) mark=$(dmesg_mark)
ktap_check "freed pages are used, of an owner of each kind" deed catch
sleep 1
said=$(dmesg_since "$mark")
ktap_equal "each use is reported" 6 $(($(refused) - reports))
ktap_contains "a report names who writes" \
	"BUG: labyrinth: foreign-write in use_after_free.*\[labyrinth_quarantined\]" "$said"
ktap_contains "and who reads" \
	"BUG: labyrinth: foreign-read in read_after_free.*\[labyrinth_quarantined\]" "$said"
ktap_contains "that the page is free" "page:    pfn 0x[0-9a-f]+ at .*, CACHED," "$said"
ktap_contains "whose it was" 'owner:   "single" .* of module labyrinth_quarantined' "$said"
ktap_contains "and who freed it, and when" \
	"freed:   by free_too_early.*\[labyrinth_quarantined\], task, [0-9.]+ s ago" "$said"
ktap_contains "what was written" "content: written to from offset 0x40 on, 8 bytes" "$said"
ktap_contains "and the way there" "use_freed\+" "$said"
mark=$(dmesg_mark)
ktap_check "a hard interrupt uses one" deed irq
sleep 1
ktap_contains "and is named" "context: hardirq, CPU [0-9]" \
	"$(dmesg_since "$mark"; cat $DEBUGFS/reports)"

ktap_check "a freed page is not handed out before 256 further frees, and is as it was" deed order
ktap_diag "$(dmesg | sed -n 's/.*labyrinth_quarantined: //p' | tail -n 1)"
ktap_check "as many as are freed at a time are sealed" deed many
ktap_diag "$(dmesg | sed -n 's/.*labyrinth_quarantined: //p' | tail -n 1)"
ktap_diag <$DEBUGFS/sealed
ktap_check "and no more than 256 are kept" test "$(kept)" -le 256
ktap_check "memory pressure takes them" squeeze
ktap_equal "and what it took is in the direct map" "$((usual + $(kept)))" "$(odd)"

quarantine 64
ktap_check "two threads take and free pages" deed churn
ktap_check "while it is switched on and off" switch_about
ktap_check "each page is its owner's all the while" deed rest
ktap_diag "$(dmesg | sed -n 's/.*labyrinth_quarantined: //p' | tail -n 1)"
ktap_equal "no page is forgotten whose owner goes meanwhile" 0 "$(go_meanwhile)"
quarantine 64
quarantine 256
deed many
ktap_check "the owners go, with no page out" deed end
ktap_equal "and none of theirs is kept" "0 $usual" "$(kept) $(odd)"
deed begin
deed many
ktap_check "quarantine is switched off" quarantine 0
ktap_equal "and keeps none" "0 $usual" "$(kept) $(odd)"
quarantine 256
deed many
rmmod labyrinth_quarantined
ktap_equal "nor does it of a module that leaves its owners" "0 $(cat $QUARANTINE)" "$(kept) 256"
ktap_check "Labyrinth unloads while it is on" rmmod labyrinth
insmod labyrinth.ko quarantine=128
insmod tests/selftests/labyrinth_quarantined.ko
echo 128 >$DO/nr
deed begin
ktap_check "it can be asked for when Labyrinth is loaded" deed many
deed end
rmmod labyrinth_quarantined
rmmod labyrinth
insmod labyrinth.ko
insmod tests/selftests/labyrinth_quarantined.ko
ktap_equal "the direct map is as it was" "$usual" "$(odd)"
mark=$(dmesg_mark)
ktap_refuse "a number too large is refused" quarantine 1048577
rmmod labyrinth_quarantined
rmmod labyrinth
expect_end
ktap_end
