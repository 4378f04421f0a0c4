#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the core does to memory by itself, with sealed pages in the machine: nothing of it
# reads them, changes them or puts them back into the direct map, and nothing of it stumbles.

. "${0%/*}/ktap.sh"

[ "$(uname -m)" = x86_64 ] || ktap_skip_all "pages are sealed on x86-64 only"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/module/labyrinth_vault/parameters/do
MEMORY=/sys/devices/system/memory
KFENCE=/sys/module/kfence/parameters/sample_interval

deed() { echo "$1" >$DO; }
sealed() { sed -n "s/^$1: *//p" $DEBUGFS/sealed; }
diverted() { echo $(($(sealed "diverted reads") + $(sealed "diverted writes"))); }
pfn() { cut -d , -f "$1" /sys/module/labyrinth_vault/parameters/pfns; }

# beside NAME COMMAND...: whatever comes of the command, the pages are as they were, and
# nobody has strayed to them.
beside() {
	name=$1 strays=$(diverted)
	shift
	"$@" >/tmp/beside 2>&1
	ktap_diag "'$*' ended with status $?"
	head -n 3 /tmp/beside | ktap_diag
	ktap_check "$name: the pages are as they were" deed check
	ktap_equal "$name: nobody strayed" "$strays" "$(diverted)"
}

# lacks NAME COUNT REASON: so many results are skipped.
lacks() {
	for _ in $(seq "$2"); do
		ktap_skip "$1" "$3"
	done
}

hibernate() { echo disk >/sys/power/state; }

check_hibernation() {
	if ! grep -q disk /sys/power/state 2>/dev/null; then
		lacks hibernation 3 "this kernel does not hibernate"
		return
	fi
	ktap_refuse "hibernation is refused" hibernate
	beside hibernation hibernate
}

# The block of memory that the page is in.
block_of() {
	size=$((0x$(cat $MEMORY/block_size_bytes)))
	echo "$MEMORY/memory$((4096 * $1 / size))"
}

offline() { echo offline >"$1/state"; }

check_offline() {
	block=$(block_of "$(pfn 1)")
	if [ ! -e "$block/state" ]; then
		lacks "memory offline" 3 "no memory can be taken offline here"
		return
	fi
	ktap_refuse "memory offline: refused" offline "$block"
	beside "memory offline" offline "$block"
}

compact() { echo 1 >/proc/sys/vm/compact_memory; }
split() { echo 1 >/sys/kernel/debug/split_huge_pages; }

# fail_memory hard|soft PFN
fail_memory() { printf '0x%x\n' $(($2 * 4096)) >"$MEMORY/${1}_offline_page"; }

# The hard one is what a machine check does to the page: it is kept from all further use.
check_failed_memory() {
	if [ ! -e $MEMORY/hard_offline_page ]; then
		lacks "memory_failure()" 4 "this kernel does not offline pages"
		return
	fi
	beside "soft offline" fail_memory soft "$(pfn 3)"
	beside "memory_failure()" fail_memory hard "$(pfn 4)"
}

check_kept_away() {
	name="the page allocator keeps the page of failed memory from all further use"
	if [ ! -e $MEMORY/hard_offline_page ]; then
		ktap_skip "$name" "this kernel does not offline pages"
		return
	fi
	ktap_check "$name" deed kept-away
}

# What KFENCE guards faults as well: the fault is KFENCE's to explain.
check_kfence() {
	if [ ! -e $KFENCE ]; then
		lacks KFENCE 4 "this kernel has no KFENCE"
		return
	fi
	echo 20 >$KFENCE
	mark=$(dmesg_mark) strays=$(diverted)
	ktap_check "KFENCE: an object is used after it was freed" deed kfence
	ktap_contains "KFENCE: and reported by KFENCE" \
		"BUG: KFENCE: use-after-free read in read_word" "$(dmesg_since "$mark")"
	ktap_equal "KFENCE: which is no stray access" "$strays" "$(diverted)"
	ktap_check "KFENCE: a stray access is diverted all the same" deed stray
	echo 0 >$KFENCE
}

check_page_owner() {
	if [ ! -e /sys/kernel/debug/page_owner ]; then
		lacks page_owner 2 "this kernel has no page_owner"
		return
	fi
	beside page_owner cat /sys/kernel/debug/page_owner
}

check_init_on_free() {
	name="init_on_free: what went back was zeroed by the direct map"
	if ! grep -q init_on_free=1 /proc/cmdline; then
		ktap_skip "$name" "the kernel was not told init_on_free=1"
		return
	fi
	ktap_check "$name" deed zeroed
}

# wild NAME: faults that are not ours, 3 results.
wild() {
	mark=$(dmesg_mark) strays=$(diverted)
	echo 0 >/proc/sys/kernel/panic_on_oops
	ktap_check "$1: threads that follow wild pointers change nothing" deed wild
	echo 1 >/proc/sys/kernel/panic_on_oops
	ktap_equal "$1: each is an oops, at once, and no more" 2 \
		"$(dmesg_since "$mark" | grep -cE "BUG: (kernel NULL pointer|unable to handle page fault)")"
	ktap_equal "$1: and none was diverted" "$strays" "$(diverted)"
}

check_not_ours() {
	if [ -e /proc/lockdep ]; then
		lacks "with the hook" 3 "an oops ends lockdep"
		return
	fi
	insmod labyrinth.ko
	insmod tests/selftests/labyrinth_vault.ko
	deed begin
	wild "with the hook"
	deed end
	rmmod labyrinth_vault
	rmmod labyrinth
}

# Somebody else holds the function that is hooked: a stray access is an oops, but no more.
check_without_hook() {
	if [ -e /proc/lockdep ]; then
		lacks "without the hook" 9 "an oops ends lockdep"
		return
	fi
	insmod labyrinth.ko
	insmod tests/selftests/labyrinth_vault.ko
	deed hold && deed begin
	ktap_equal "without the hook there is the notifier of oopses" "die notifier" "$(sealed hook)"
	mark=$(dmesg_mark) strays=$(diverted) goes_on=
	# By a shell of its own, which the oops ends if the notifier does not.
	echo 0 >/proc/sys/kernel/panic_on_oops
	sh -c "echo stray-oops >$DO" && goes_on=1
	echo 1 >/proc/sys/kernel/panic_on_oops
	ktap_equal "without the hook: a stray access changes nothing, and the machine goes on" \
		1 "$goes_on"
	# It has not let go of what it held.
	[ -n "$goes_on" ] || return
	# Once more, if the worker came between an access that was diverted and its repetition.
	ktap_contains "without the hook: it was diverted" '^[23]$' $(($(diverted) - strays))
	said=$(dmesg_since "$mark")
	ktap_contains "without the hook: the kernel prints an oops" \
		"BUG: unable to handle page fault" "$said"
	ktap_contains "without the hook: who strayed is named" \
		"BUG: labyrinth: foreign-write in write_word.*\[labyrinth_vault\]" "$said"
	wild "without the hook"
	ktap_check "without the hook: the pages go back" deed end
	deed let-go
	rmmod labyrinth_vault
	rmmod labyrinth
}

# search SEALED PARAMETER...: what the two samples say, of a key in such a page.
search() {
	mark=$(dmesg_mark)
	insmod samples/labyrinth_keeper.ko "sealed=$1"
	shift
	frame=$(dmesg_since "$mark" | sed -n 's/.*the key is in frame \(0x[0-9a-f]*\),.*/\1/p')
	insmod samples/labyrinth_thief.ko "first=$((frame - 64))" nr=128
	rmmod labyrinth_thief
	# Loaded and gone within the time that a stray access waits for its report.
	[ $# -eq 0 ] || insmod samples/labyrinth_thief.ko "first=$((frame))" nr=1 "$@"
	[ $# -eq 0 ] || rmmod labyrinth_thief
	rmmod labyrinth_keeper
	dmesg_since "$mark"
}

check_samples() {
	insmod labyrinth.ko
	ktap_contains "the sample thief finds a key in an ordinary page" \
		"thief: .* the key was found 1 times" "$(search 0)"
	said=$(search 1 careless=1)
	ktap_equal "but not in a sealed page, with care or without" 2 \
		"$(printf '%s\n' "$said" | grep -c "thief: .* the key was found 0 times")"
	ktap_contains "which is as it was" "keeper: the key is as it was" "$said"
	ktap_contains "the thief is named, although it is gone" \
		"BUG: labyrinth: foreign-read in read_frame.*\[labyrinth_thief\]" "$said"
	rmmod labyrinth
}

ktap_plan 44
expect_only "BUG: labyrinth: |BUG: KFENCE: |unable to handle|BUG: kernel NULL pointer|Oops: |Modules linked in:"
insmod labyrinth.ko
insmod tests/selftests/labyrinth_vault.ko
ktap_check "there are sealed pages" deed begin
check_hibernation
check_offline
beside compaction compact
beside "split_huge_pages" split
check_failed_memory
check_kfence
check_page_owner
mark=$(dmesg_mark)
ktap_check "a stray access is diverted after all that" deed stray
ktap_contains "and reported" "BUG: labyrinth: foreign-read in read_word.*\[labyrinth_vault\]" \
	"$(dmesg_since "$mark")"
ktap_refuse "ftrace, which has the hook, cannot be switched off" \
	sh -c "echo 0 >/proc/sys/kernel/ftrace_enabled"
ktap_check "the pages go back, and are in the direct map" deed end
check_kept_away
check_init_on_free
rmmod labyrinth_vault
ktap_check "the module unloads" rmmod labyrinth
check_samples
check_not_ours
check_without_hook
expect_end
ktap_end
