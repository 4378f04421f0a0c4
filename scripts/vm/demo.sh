#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The demo, as it runs in the guest: bugs, each without Labyrinth and with it; a key that
# another module looks for in all of memory; a network card whose driver errs; then
# pages in hard interrupts on every CPU, each foreign attempt turned down, the owner's own
# free accepted, nothing left at the end; what it costs, as README has it. A scene is a screen
# at most. With the argument "colour" in colours.

DEBUGFS=/sys/kernel/debug/labyrinth
GUARD=/sys/module/labyrinth/parameters/guard

. tests/selftests/nic/wire.sh

bold='' red='' green='' plain=''
if [ "${1:-}" = colour ]; then
	bold=$(printf '\033[1m') red=$(printf '\033[31m') green=$(printf '\033[32m') plain=$(printf '\033[0m')
fi
failed=0 wrong=0 right=0

say() { printf '\n%s=== %s%s\n' "$bold" "$*" "$plain"; }
fail() { echo "${red}failed: $*$plain"; failed=1; }

# What a scene is about, for who writes no drivers.
about() { printf '%s\n' "$@" ''; }

step() {
	echo "# $*"
	"$@" || fail "$*"
}

# must NUMBER PATTERN: so many of the kernel's messages must match.
must() {
	number=$(dmesg | grep -cE -- "$2")
	[ "$number" -eq "$1" ] || fail "$number x '$2', and not $1"
}

# told_since LINES: what the kernel has told since then.
told_since() { dmesg | tail -n "+$(($1 + 1))" >/tmp/told; }

# show_report LAST: what matters of a report in what was told, up to the line of that label.
show_report() {
	sed -n "/BUG: labyrinth/,/$1:/s/^\\[ *[0-9.]*\\]/  |/p" /tmp/told |
		sed '/report: /d; s/^\(.\{67\}\).\{4,\}$/\1.../'
}

# play BUG SAFE: what the module tells, and of a report, if there is one, what matters.
play() {
	lines=$(dmesg | wc -l)
	case $1 in
	card) set -- "$1" "$2" labyrinth_card ;;
	*) set -- "$1" "$2" labyrinth_story "bug=$1" ;;
	esac
	insmod "samples/$3.ko" ${4:+"$4"} "safe=$2" || fail "insmod"
	rmmod "$3"
	told_since "$lines"
	sed -n 's/.*story: /  /p' /tmp/told
	show_report caller
}

# ends_as PATTERN WORDS: whether the play has ended so, and the words then.
ends_as() { grep -q "story: A reads.* $1" /tmp/told && echo "$2"; }

# status: what "labyrinth" says, but for its parameters.
status() { sh tools/labyrinth status | sed '/^parameters:/,$d'; }

# attempts: what labyrinth_foreign has tried, and what came of it.
attempts() {
	dmesg | sed -n 's/.*labyrinth_foreign: \(.*\): \(-E[A-Z]*\)$/  \1: refused, \2/p'
}

# costs: README's table of instructions, with bars.
costs() {
	awk -F ' *[|] *' -v scale=20 '
		/^## What it costs/ { on = 1; next }
		on && /^## / { exit }
		on && /^\|/ && ++row > 2 {
			gsub(/`/, "")
			bar = ""
			for (i = 0; i < $3 / scale; i++)
				bar = bar "#"
			sub(/ \(LABYRINTH_OWNER_SINGLE\)/, "", $2)
			printf "  %-32s %5.0f %s\n", $2, $3, bar
		}' extra/README.md
}

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

# search SEALED: what the thief tells, with the key in such a page.
search() {
	lines=$(dmesg | wc -l)
	insmod samples/labyrinth_keeper.ko "sealed=$1" || fail "insmod"
	frame=$(dmesg | sed -n 's/.*keeper: the key is in frame \(0x[0-9a-f]*\),.*/\1/p' | tail -n 1)
	insmod samples/labyrinth_thief.ko || fail "insmod"
	rmmod labyrinth_thief
	if [ "$1" = 1 ]; then
		insmod samples/labyrinth_thief.ko careless=1 nr=1 "first=$frame" || fail "insmod"
		rmmod labyrinth_thief
	fi
	rmmod labyrinth_keeper
	told_since "$lines"
	sed -n 's/.*] \(keeper\|thief\): /  \1: /p' /tmp/told
	show_report access
}

# The thief finds the key in an ordinary page, and not in a sealed one.
key_scene() {
	say "a secret: another module looks for driver A's key in all of memory"
	echo "${bold}In an ordinary page$plain:"
	search 0
	grep -q "thief: .* the key was found [1-9]" /tmp/told || fail "the key is not found"
	echo "  ${red}The thief has the key.$plain"
	echo "${bold}In a sealed page$plain; then the thief reads right there, without care:"
	search 1
	[ "$(grep -c "thief: .* the key was found 0 times" /tmp/told)" -eq 2 ] || fail "the key is found"
	grep -q "keeper: the key is as it was" /tmp/told || fail "the key is not as it was"
	grep -q "BUG: labyrinth: foreign-read in read_frame.*\[labyrinth_thief\]" /tmp/told ||
		fail "the thief is not named"
	echo "  ${green}The thief got zeroes, and is named.$plain"
}

# A network card whose ring has pages of its own. In the middle of a stream the driver gives
# away a page that the network stack has already.
nic_scene() {
	say "a network card: its driver gives the network a page that it has already"
	lines=$(dmesg | wc -l)
	wire_up pages=labyrinth bug=give-twice || fail "the card does not come up"
	stream there 1000000 >/tmp/sums || fail "the stream is not as it was sent"
	wire_down || fail "rmmod"
	told_since "$lines"
	sed 's/^/  /' /tmp/sums
	show_report context
	grep -q "BUG: labyrinth: not-posted-rx-give in bug_give_twice.*\[labyrinth_nic\]" /tmp/told ||
		fail "the driver is not named"
	echo "  ${green}Refused and named, in softirq. Every byte has arrived, and the card goes on.$plain"
}

cpus=$(grep -c ^processor /proc/cpuinfo)
say "this is $(uname -sr) as Debian ships it, with $cpus CPUs"
about "Labyrinth is loaded into it. Nothing was rebuilt, and no driver was changed."
step insmod labyrinth.ko

# What the kernel says of the plays is shown with them.
dmesg -n 1
scene free foreign-free "bug 1: driver B gives away memory that is driver A's"
scene late-free double-free "bug 2: driver B gives its memory back twice, when A has it already"
bugs=2
if grep -qx 'PCI_ID=1234:11E8' /sys/bus/pci/devices/*/uevent 2>/dev/null; then
	bugs=3
	scene card busy-free "bug $bugs: B gives memory back that its card still writes to (DMA)"
fi
# Where there is no guard, nobody would be stopped.
if echo refuse 2>/dev/null >$GUARD; then
	echo off >$GUARD
	bugs=$((bugs + 1))
	scene map foreign-vmap "bug $bugs: B knows nothing of Labyrinth, and writes to A's memory (the guard)"
fi

keys=0
if [ "$(uname -m)" = x86_64 ]; then
	keys=1
	key_scene
fi

cards=0
if grep -qx 'PCI_ID=8086:100E' /sys/bus/pci/devices/*/uevent 2>/dev/null; then
	cards=1
	nic_scene
fi

say "a driver takes pages in a hard interrupt and a softirq on every CPU"
step insmod samples/labyrinth_sample.ko
sleep 1
step status
say "another module tries all that there is on a page of that driver's"
step insmod samples/labyrinth_foreign.ko
sleep 1
attempts
say "everything is unloaded again; the owner's own free is accepted"
step rmmod labyrinth_foreign
step rmmod labyrinth_sample
echo "pages that are left:"
step grep -E "used|limbo" $DEBUGFS/table
step rmmod labyrinth
sleep 1

if [ -e extra/README.md ]; then
	say "what it costs: a page taken and given back, in instructions; less is better"
	about "On Debian's 6.1, as scripts/bench.sh counts them; the others check nothing:"
	costs
fi

# leak: the stock driver's receive buffers are three pages each at this MTU. Some packets come,
# the link goes down, the driver goes.
leak() {
	say "a driver that nobody changed: e1000e, as Debian ships it, loses pages"
	step insmod watch/labyrinth_watch.ko watch=e1000e grace=1
	for ko in stock/*.ko; do
		insmod "$ko"
	done
	unshare -n sleep 1000 &
	far=$!
	sleep 1
	ip link set eth1 netns $far
	for end in "1 0" "$far 1"; do
		nsenter "-n/proc/${end% *}/ns/net" -- sh -c "
			ip addr add 10.0.0.1${end#* }/24 dev eth${end#* }
			ip link set eth${end#* } mtu 9000
			ip link set eth${end#* } up"
	done
	sleep 3
	step ping -c 3 -s 3000 10.0.0.11
	echo "who has how many pages, from where:"
	sed -n 's/^e1000e: \([0-9]* pages\),.* at \([a-z0-9_]*\).*/  \1, allocated by \2/p' \
		/sys/kernel/debug/labyrinth_watch/pages
	step ip link set eth0 down
	step rmmod e1000e
	kill $far
	sleep 4
	dmesg | sed -n '/BUG: labyrinth: leak/,/since:/s/^\[ *[0-9.]*\] /  |/p' | cut -c 1-79
	step rmmod labyrinth_watch
}

leaks=0
if [ -e watch/labyrinth_watch.ko ] && ls stock/*e1000e.ko >/dev/null 2>&1; then
	leak
	leaks=1
fi

say "whether the kernel has said all of it"
[ $leaks = 0 ] || must 1 "BUG: labyrinth: leak in e1000_alloc_rx_buffers_ps"
must "$cpus" "CPU [0-9]+: 1000 pages in hard interrupts, [1-9][0-9]* in softirqs"
must 6 "labyrinth_foreign: (free|transfer|lend|reclaim|release|adopt): -EPERM"
must 1 "labyrinth_foreign: free without a handle: -EINVAL"
must $((6 + bugs + keys + cards)) "BUG: labyrinth: (foreign|double|busy|not-posted)-"
must 1 "labyrinth_foreign: 0 of 7 attempts were accepted"
must 1 "the coveted page is untouched, its owner's free gives 0"
must 1 "0 pages were still out at the end"
must 1 "labyrinth: gone"
[ "$wrong" -eq $bugs ] || fail "without Labyrinth, only $wrong of $bugs bugs have done harm"
[ "$right" -eq $bugs ] || fail "with Labyrinth, only $right of $bugs bugs were refused and named"

story="of $bugs bugs $wrong did harm; with it $right were refused and named"
if [ "$failed" -eq 0 ]; then
	say "demo: ${green}passed$plain$bold: $story"
else
	say "demo: ${red}FAILED$plain$bold: $story"
fi
exit "$failed"
