#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The demo, as it runs in the guest: bugs, each without Labyrinth and with it; a key that
# another module looks for in all of memory; then
# pages in hard interrupts on every CPU, each foreign attempt turned down, the owner's own
# free accepted, nothing left at the end. With the argument "colour" in colours.

DEBUGFS=/sys/kernel/debug/labyrinth
GUARD=/sys/module/labyrinth/parameters/guard

bold='' red='' green='' plain=''
if [ "${1:-}" = colour ]; then
	bold=$(printf '\033[1m') red=$(printf '\033[31m') green=$(printf '\033[32m') plain=$(printf '\033[0m')
fi
failed=0 wrong=0 right=0

say() { printf '\n%s=== %s%s\n' "$bold" "$*" "$plain"; }
fail() { echo "${red}failed: $*$plain"; failed=1; }

step() {
	echo "# $*"
	"$@" || fail "$*"
}

# must NUMBER PATTERN: so many of the kernel's messages must match.
must() {
	number=$(dmesg | grep -cE -- "$2")
	echo "$number x $2"
	[ "$number" -eq "$1" ] || fail "wanted $1"
}

# play BUG SAFE: what the module tells, and of a report, if there is one, what matters.
play() {
	lines=$(dmesg | wc -l)
	insmod samples/labyrinth_story.ko "bug=$1" "safe=$2" || fail "insmod"
	rmmod labyrinth_story
	dmesg | tail -n "+$((lines + 1))" >/tmp/told
	sed -n 's/.*story: /  /p' /tmp/told
	sed -n '/BUG: labyrinth/,/caller:/s/^\[ *[0-9.]*\]/  |/p' /tmp/told
}

# ends_as PATTERN WORDS: whether the play has ended so, and the words then.
ends_as() { grep -q "story: A reads.* $1" /tmp/told && echo "$2"; }

# scene BUG REPORT WORDS: without Labyrinth the data must be wrong in the end; with it
# right, and B reported so.
scene() {
	say "$3"
	echo "${bold}Without Labyrinth$plain, a page from alloc_page():"
	play "$1" 0
	! ends_as WRONG "  ${red}The data is wrong, and nothing says why.$plain" || wrong=$((wrong + 1))
	echo "${bold}With Labyrinth$plain:"
	[ "$1" != map ] || echo refuse >$GUARD
	play "$1" 1
	[ "$1" != map ] || echo off >$GUARD
	grep -q "BUG: labyrinth: $2 " /tmp/told || return
	! ends_as right "  ${green}Refused and named. The data is right, and the machine goes on.$plain" ||
		right=$((right + 1))
}

# search SEALED [PARAMETER...]: what the thief tells, with the key in such a page.
search() {
	lines=$(dmesg | wc -l)
	insmod samples/labyrinth_keeper.ko "sealed=$1" || fail "insmod"
	frame=$(dmesg | sed -n 's/.*keeper: the key is in frame \(0x[0-9a-f]*\),.*/\1/p' | tail -n 1)
	insmod samples/labyrinth_thief.ko || fail "insmod"
	rmmod labyrinth_thief
	if [ "$1" = 1 ]; then
		insmod samples/labyrinth_thief.ko careless=1 nr=1 "first=$frame" || fail "insmod"
		rmmod labyrinth_thief
		sleep 1
	fi
	rmmod labyrinth_keeper
	dmesg | tail -n "+$((lines + 1))" >/tmp/told
	sed -n 's/.*\(keeper\|thief\): /  /p' /tmp/told
	sed -n '/BUG: labyrinth/,/access:/s/^\[ *[0-9.]*\]/  |/p' /tmp/told
}

# The thief finds the key in an ordinary page, and not in a sealed one.
key_scene() {
	say "a key in a page: another module looks for it in all of memory"
	echo "${bold}An ordinary page$plain:"
	search 0
	grep -q "thief: .* the key was found [1-9]" /tmp/told || fail "the key is not found"
	echo "  ${red}The thief has the key.$plain"
	echo "${bold}A sealed page$plain, then also read where it is, without care:"
	search 1
	[ "$(grep -c "thief: .* the key was found 0 times" /tmp/told)" -eq 2 ] || fail "the key is found"
	grep -q "keeper: the key is as it was" /tmp/told || fail "the key is not as it was"
	grep -q "BUG: labyrinth: foreign-read in read_frame.*\[labyrinth_thief\]" /tmp/told ||
		fail "the thief is not named"
	echo "  ${green}The thief got zeroes, and is named.$plain"
}

cpus=$(grep -c ^processor /proc/cpuinfo)
say "this is $(uname -sr) as Debian ships it, with $cpus CPUs"
step insmod labyrinth.ko

# What the kernel says of the plays is shown with them.
dmesg -n 1
scene free foreign-free "bug 1: driver B frees a page that is driver A's"
scene late-free double-free "bug 2: driver B frees its page twice, when A has it already"
bugs=2
# Where there is no guard, nobody would be stopped.
if echo refuse 2>/dev/null >$GUARD; then
	echo off >$GUARD
	bugs=3
	scene map foreign-vmap "bug 3: driver B maps A's page, and writes to it"
fi
keys=0
if [ "$(uname -m)" = x86_64 ]; then
	keys=1
	key_scene
fi
dmesg -n 8

say "a driver takes pages in a hard interrupt and a softirq on every CPU"
step insmod samples/labyrinth_sample.ko
sleep 1
say "who owns what"
step cat $DEBUGFS/owners
say "another module tries all that there is on its page: the reports are the kernel's, live"
step insmod samples/labyrinth_foreign.ko
sleep 1
step cat $DEBUGFS/refusals
say "everything is unloaded again; the owner's own free is accepted"
step rmmod labyrinth_foreign
step rmmod labyrinth_sample
say "what the table holds at the end"
step grep -E "used|limbo" $DEBUGFS/table
step rmmod labyrinth
sleep 1

say "what has been seen"
must "$cpus" "CPU [0-9]+: 1000 pages in hard interrupts, [1-9][0-9]* in softirqs"
must 6 "labyrinth_foreign: (free|transfer|lend|reclaim|release|adopt): -EPERM"
must 1 "labyrinth_foreign: free without a handle: -EINVAL"
must $((6 + bugs + keys)) "BUG: labyrinth: (foreign|double)-"
must 1 "labyrinth_foreign: 0 of 7 attempts were accepted"
must 1 "the coveted page is untouched, its owner's free gives 0"
must 1 "0 pages were still out at the end"
must 1 "labyrinth: gone"
[ "$wrong" -eq $bugs ] || fail "without Labyrinth, only $wrong of $bugs bugs have done harm"
[ "$right" -eq $bugs ] || fail "with Labyrinth, only $right of $bugs bugs were refused and named"

story="$bugs bugs, $wrong did harm without Labyrinth, with it $right were refused and named"
if [ "$failed" -eq 0 ]; then
	say "demo: ${green}passed$plain$bold: $story; 7 of 7 foreign attempts refused"
else
	say "demo: ${red}FAILED$plain$bold: $story"
fi
exit "$failed"
