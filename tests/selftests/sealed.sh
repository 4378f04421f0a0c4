#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Sealed pages: whoever reaches for one by the direct map, in whatever way and from wherever,
# gets none of it, changes nothing of it and is named; and the machine goes on. Afterwards
# all memory is as it was.

. "${0%/*}/ktap.sh"

if [ "$(uname -m)" != x86_64 ]; then
	ktap_plan 3
	insmod labyrinth.ko
	ktap_refuse "where pages cannot be sealed, no sealed owner comes" \
		insmod tests/selftests/labyrinth_vmcore.ko
	ktap_contains "and dmesg says why" "labyrinth: no sealed pages: on this architecture" "$(dmesg)"
	rmmod labyrinth
	ktap_skip "all else" "pages are sealed on x86-64 only"
	ktap_end
fi

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_sealed
PEEK="${0%/*}/user/peek"

DEED=$(deeds_of labyrinth_sealed)

deed() { echo "$1" >"$DEED"; }

# sealed WORD: what the file says of it
sealed() { sed -n "s/^$1: *//p" $DEBUGFS/sealed; }
diverted() { echo $(($(sealed "diverted reads") + $(sealed "diverted writes"))); }
refused() { sed -n "s/^$1: *//p" $DEBUGFS/refusals; }

# The width of each access, as the last report of each place says: of those that a function of
# that name makes.
widths_wanted() {
	for width in 1 2 4 8; do
		echo "read$((8 * width)) $width"
		echo "write$((8 * width)) $width"
	done | sort
}

widths() {
	sed -n 's/.*BUG: labyrinth: foreign-[a-z]* in \([a-z]*[0-9][0-9]*\)+.*/\1/p
		s/^.* access:  \([0-9]*\) bytes* by the direct map.*/\1/p' $DEBUGFS/reports |
		awk '/^[a-z]/ { name = $1; next } name { print name, $1; name = "" }' | sort -u
}

# Who strays is reported when the page is sealed again.
settled() { sleep 1; }

# In KB, what the direct map has by large entries; and what debugfs says was split of that.
large() { awk '/^DirectMap(2M|1G)/ { sum += $2 } END { print sum + 0 }' /proc/meminfo; }
split() { echo $((2048 * $(sealed "direct map" | cut -d ' ' -f 1))); }

large=$(large)

ktap_plan 59
expect_begin
insmod labyrinth.ko
insmod tests/selftests/labyrinth_sealed.ko

ktap_equal "nothing is hooked before the first sealed owner comes" none "$(sealed hook)"
ktap_contains "and nothing is split" "^0 large" "$(sealed "direct map")"
ktap_refuse "a sealed owner without a reserve is refused" deed no-reserve
ktap_equal "and brings nothing" none "$(sealed hook)"

ktap_check "sealed owners come" deed begin
ktap_equal "the fault is hooked" page_fault_oops "$(sealed hook)"
ktap_diag <$DEBUGFS/sealed

before=$(diverted) reports=$(refused foreign) mark=$(dmesg_mark)
ktap_check "no access by the direct map, of any width, in any context, reaches a page" \
	deed strays
settled
ktap_diag "tried $(cat $DO/tried), to $(cat $DO/pages) pages"
ktap_equal "each was diverted" "$(cat $DO/pages)" $(($(diverted) - before))
ktap_equal "and reported" "$(cat $DO/pages)" $(($(refused foreign) - reports))
said=$(dmesg_since "$mark")
ktap_contains "a report names the writer" \
	"BUG: labyrinth: foreign-write in write8.*\[labyrinth_sealed\]" "$said"
ktap_contains "and the reader" \
	"BUG: labyrinth: foreign-read in read8.*\[labyrinth_sealed\]" "$said"
ktap_contains "whose page it is" 'owner:   "vault" \(id [0-9]+\) of module labyrinth_sealed' "$said"
ktap_contains "since when and from where" "since:   .* s, allocated at take_keys" "$said"
ktap_contains "where in the page" "access:  8 bytes by the direct map, at offset 0x40;" "$said"
ktap_equal "and how many bytes, of each access" "$(widths_wanted)" "$(widths)"
ktap_contains "what was written" "content: written to from offset 0x40 on, 8 bytes, .* 88 77 66 55" \
	"$said"
# Of what was reported again from the same place, the last text is kept.
ktap_contains "in what context" "context: NMI, CPU [0-9]" "$(cat $DEBUGFS/reports)"
ktap_contains "and the way there" "  (do_write|do_set)\+" "$said"

before=$(diverted)
ktap_check "nor does a locked one" deed locked
settled
new=$(($(diverted) - before))
ktap_check "which are $new to be told of, at least 3" test "$new" -ge 3 -a "$new" -le 6
before=$(diverted)
ktap_check "a read and then writes" deed both
ktap_equal "are two to be told of" 2 $(($(diverted) - before))

mark=$(dmesg_mark)
ktap_check "two at a time" deed two
settled
said=$(dmesg_since "$mark")
ktap_contains "are told apart by what they wrote" \
	"content: written to from offset 0x60 on, 5 bytes, the first are ee ee ee ee ee$" "$said"

before=$(diverted)
ktap_check "who asks with care is refused by the core" deed nofault
ktap_equal "which is no stray access" 0 $(($(diverted) - before))

mark=$(dmesg_mark)
ktap_check "a storm of accesses changes nothing" deed storm
settled
reports=$(dmesg_since "$mark" | grep -c "BUG: labyrinth: foreign")
ktap_diag "diverted $(diverted), reports of it: $reports"
ktap_check "and does not flood the log" test "$reports" -lt 60

ktap_check "a page that is lent is in the direct map, and sealed again when it is back" deed lend
ktap_check "one that was strayed to is lent when all CPUs have forgotten the decoy" \
	deed lend-strayed
ktap_check "one lent while accesses stray and the worker seals is there for the borrower" \
	deed lend-storm
ktap_check "the calls take its address, or say that they cannot" deed calls
ktap_check "with none ready there is none, and a worker sees to that" deed exhaust
ktap_check "none is handed out before it is sealed again, nor when freed right after a loan" \
	deed freed
settled
ktap_equal "and none waits for that for long" 0 "$(sealed waiting)"
before=$(refused busy)
ktap_check "a call that finds the worker at the page is -EBUSY" deed frozen
ktap_equal "and no refusal" "$before" "$(refused busy)"
before=$(sealed flushes)
ktap_check "pages come and go, 100,000 times" deed recycle
ktap_equal "without a flush" "$before" "$(sealed flushes)"
ktap_equal "no decoy is left behind" "0 of 16" "$(settled; sealed decoys)"

# A byte of the page; 00 or an error is none. A reader that spins fails the test.
before=$(diverted)
byte=$(timeout 20 "$PEEK" kcore "$(cat $DO/pfn)" || echo stuck)
ktap_diag "/proc/kcore says $byte"
ktap_lacks "nor does /proc/kcore show a page" "5a|stuck" "$byte"
byte=$(timeout 20 "$PEEK" address "$(cat $DO/address)" || echo stuck)
ktap_diag "of the address that the owner has: $byte"
ktap_lacks "not by the address that its owner has either" "5a|stuck" "$byte"
ktap_equal "and that is no stray access" 0 $(($(diverted) - before))

ktap_check "the pages are as they were" deed end
ktap_equal "with the last owner goes the last sealed page" 0 "$(sealed pages)"
ktap_check "whose entries are as they were" deed entries
ktap_equal "and nobody reaches one by the address that the owner had" 0 "$(cat $DO/readable)"

large_before=$(large) split_before=$(split) before=$(sealed flushes)
ktap_check "many pages are sealed, and as they were afterwards" deed many
flushes=$(($(sealed flushes) - before))
ktap_diag <$DEBUGFS/sealed
ktap_check "4,096 of them in batches, by $flushes flushes" test "$flushes" -le 512
if [ "$large" = 0 ]; then
	ktap_skip "in regions that are split" "the direct map has small entries alone"
	ktap_skip "as much of it as debugfs says" "the direct map has small entries alone"
else
	ktap_lacks "in regions that are split" "^0 large" "$(sealed "direct map")"
	ktap_equal "as much of it as debugfs says" $((large_before - $(large))) \
		$(($(split) - split_before))
fi

ktap_check "owners that go with pages out" deed begin
ktap_check "leave none sealed" deed abandon
ktap_check "as the entries say" deed entries
deed begin
rmmod labyrinth_sealed
settled
ktap_equal "nor does a module that leaves its owners" 0 "$(sealed pages)"
rmmod labyrinth
insmod labyrinth.ko max_owners=4
insmod tests/selftests/labyrinth_sealed.ko
ktap_check "all memory can be written to" deed wipe
ktap_diag "$(dmesg | sed -n 's/.*labyrinth_sealed: //p' | tail -n 1)"
VM=/proc/sys/vm
what="no page is sealed that is mapped where the kernel's image is, too"
# Else the page allocator keeps just such memory for those who need low memory.
ratio=$(cat $VM/lowmem_reserve_ratio) least=$(cat $VM/min_free_kbytes)
echo "0 0 0 0" >$VM/lowmem_reserve_ratio
echo 1024 >$VM/min_free_kbytes
deed image 2>/dev/null
echo "$least" >$VM/min_free_kbytes
echo "$ratio" >$VM/lowmem_reserve_ratio
case $(cat $DO/errno) in
61) ktap_skip "$what" "no such memory is free, or none is mapped there" ;;
*) ktap_equal "$what" 0 "$(cat $DO/errno)" ;;
esac
ktap_diag "$(dmesg | sed -n 's/.*labyrinth_sealed: //p' | tail -n 1)"
mark=$(dmesg_mark)
ktap_check "an owner goes right after an access strayed" deed brief
settled
ktap_contains "and the report names it, not who came after" 'owner:   "brief"' "$(dmesg_since "$mark")"
rmmod labyrinth_sealed
rmmod labyrinth
expect_end
ktap_end
