#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Who holds a page: it is put in one place after the other, from outside, and
# labyrinth_watch must name that place. labyrinth.ko is not loaded, but for the last part.

. "${0%/*}/ktap.sh"

HOLDERS=/sys/kernel/debug/labyrinth_watch/holders
POOLS=/sys/kernel/debug/labyrinth_watch/pools
SEARCHES=10
MODULE=watch/labyrinth_watch.ko
USER_DIR=tests/selftests/user
HOLD=$USER_DIR/hold
SHARE=/sys/module/labyrinth_watch/parameters/share
LEAKY=/sys/module/labyrinth_leaky/parameters
CLONES=/sys/module/labyrinth_clones/parameters

ask() {
	echo "$1" >$HOLDERS
	cat $HOLDERS
}

# start PLACE...: sets pid, and pfn to the frame that it keeps there.
start() {
	rm -f /tmp/hold
	: >/tmp/hold
	"$HOLD" "$@" >/tmp/hold &
	pid=$!
	until grep -q pfn /tmp/hold; do
		kill -0 $pid || return
		sleep 0.1
	done
	pfn=$(sed -n 's/^pfn //p' /tmp/hold)
}

stop() {
	kill "$pid"
	wait "$pid" 2>/dev/null
}

# named NAME PATTERN COMMAND: a line of the answer, and no reference is left unexplained.
named() {
	answer=$(ask "$3")
	ktap_contains "$1" "$2" "$answer"
	ktap_contains "$1: no reference is left" '^references ([0-9]+), found \1;' "$answer"
}

# kept PLACE PATTERN
kept() {
	start "$1" "$1.page" || { ktap_fail "$1"; return; }
	named "$1" "$2" "pfn $pfn"
	stop
}

# A packet socket has clones of all skbs that pass. Which of two that share a page is told first
# nobody can say.
sniffed() {
	"$HOLD" packet lo >/dev/null &
	sniffer=$!
	sleep 1
	start tcp tcp.page
	named "tcp, sniffed" "(reference|shared), 1: $fragment TCP socket, port 7001, " "pfn $pfn"
	ktap_contains "by a packet socket" "(reference|shared), [12]: $fragment PACKET socket, hold:$sniffer fd " \
		"$answer"
	ktap_contains "what clones share is a single reference, and each of its holders is told" \
		"shared, [12]: $fragment (TCP|PACKET) socket" "$answer"
	stop
	kill $sniffer
	wait $sniffer 2>/dev/null
}

# As with a socket that nobody reads.
sockets() {
	ip link set lo up
	fragment='a fragment of an skb in the receive queue of a'
	kept tcp "reference, 1: $fragment TCP socket, port 7001, peer 127.0.0.1:[0-9]+, hold:[0-9]+ fd "
	kept unix "reference, 1: $fragment UNIX(-STREAM)? socket, hold:[0-9]+ fd "
	sniffed
}

# answers PAGES PATTERN: of how many of the pages an answer has the pattern.
answers() {
	number=0
	for pfn in $(tr , ' ' <"$CLONES/$1"); do
		ask "pfn $pfn" | grep -Eq "$2" && number=$((number + 1))
	done
	echo $number
}

# What is free keeps its fields, and what clones share is shared.
clones() {
	insmod tests/selftests/labyrinth_clones.ko
	in_list='a fragment of an skb in a list with its head at'
	in_data="a pointer to an skb that is in no queue, in a module's data, .*\[labyrinth_clones\]"
	ktap_equal "a free clone hides no skb in use" 4 "$(answers strays "pointer, 1: $in_data")"
	ktap_equal "nor has a free clone of another skb, which had the buffer before, the reference" 0 \
		"$(answers strays "reference, ")"
	answer=$(ask "pfn $(cat $CLONES/acked)")
	ktap_contains "an skb in use is told" "reference, 1: $in_list" "$answer"
	ktap_lacks "and its free clone is not" "shared, |charged to" "$answer"
	answer=$(ask "pfn $(cat $CLONES/member)")
	ktap_contains "of clones that have a list of fragments, one is told" "reference, 1: $in_list" \
		"$answer"
	ktap_contains "and so is the other" "shared, 1: $in_list" "$answer"
	answer=$(ask "pfn $(cat $CLONES/split)")
	ktap_contains "likewise, when that has got another buffer: one" "reference, 1: $in_list" "$answer"
	ktap_contains "likewise: the other" "shared, 1: $in_list" "$answer"
	ktap_contains "an skb in no queue that has a list of fragments is found" "pointer, 1: $in_data" \
		"$(ask "pfn $(cat $CLONES/lonely)")"
	rmmod labyrinth_clones
}

# A task's name is the task's to choose.
forged() {
	name='/tmp/a
b'
	cp $HOLD "$name"
	HOLD=$name
	start map
	HOLD=$USER_DIR/hold
	ktap_contains "a name cannot begin a line" 'reference, 1: the page table of a\?b:[0-9]+ at' \
		"$(ask "pfn $pfn")"
	stop
}

# Processes, pipes, sockets and buffers come and go.
churn() {
	while :; do
		"$HOLD" unix >/dev/null &
		echo $! >/tmp/churn
		head -c 1000000 /dev/zero | cat >/dev/null
		"$USER_DIR/traffic" blast 127.0.0.1 500 9000 >/dev/null 2>&1
		kill "$(cat /tmp/churn)"
	done
}

under_traffic() {
	churn &
	churn=$!
	start map
	found=0
	for _ in $(seq $SEARCHES); do
		ask "pfn $pfn" | grep -q 'reference, 1: the page table of hold:' &&
			found=$((found + 1))
	done
	ktap_equal "under traffic, $SEARCHES searches find the same" $SEARCHES $found
	ktap_contains "and so does a census" "^census: " "$(cat $POOLS)"
	stop
	kill $churn
	wait $churn 2>/dev/null
	kill "$(cat /tmp/churn)" 2>/dev/null
}

busy() { grep -q '^busy: looking at' $HOLDERS; }

# What is no question, and what there is no such thing of.
wrong() {
	ktap_refuse "what is no question is refused" sh -c "echo pfm 1 >$HOLDERS"
	ktap_contains "and the answer says what would be one" "^not understood: write .pfn N" \
		"$(cat $HOLDERS)"
	ktap_refuse "a frame that is not there is refused" sh -c "echo pfn 0xffffffffff >$HOLDERS"
	ktap_contains "and the answer says so" "^there is no such frame$" "$(cat $HOLDERS)"
	ktap_refuse "nor can a number be too large" sh -c "echo pfn 0xfffffffffffffffff >$HOLDERS"
	ktap_contains "and the answer is the same" "^there is no such frame$" "$(cat $HOLDERS)"
	ktap_contains "a 0 in front changes no number" "^pfn 0xa: " "$(ask "pfn 010")"
}

until_busy() {
	left=100
	until busy || [ $left -eq 0 ]; do
		left=$((left - 1))
		sleep 0.1
	done
}

# At the slowest pace, a search is long enough to be seen, and to be ended.
stopped() {
	echo 1 >$SHARE
	start map
	sh -c "echo pfn $pfn >$HOLDERS" 2>/dev/null &
	searcher=$!
	until_busy
	ktap_contains "a search that runs is seen" "^busy: looking at" "$(cat $HOLDERS)"
	ktap_refuse "a second one is refused" sh -c "echo pfn $pfn >$HOLDERS"
	kill $searcher
	wait $searcher 2>/dev/null
	ktap_contains "a signal ends it" "STOPPED before its end$" "$(cat $HOLDERS)"
	stop
	sh -c "echo pool 99 >$HOLDERS" 2>/dev/null &
	searcher=$!
	until_busy
	kill $searcher
	wait $searcher 2>/dev/null
	ktap_contains "and the search for a pool, of which nothing is known then" \
		"^STOPPED before its end: the pages are not known yet$" "$(cat $HOLDERS)"
	mark=$(dmesg_mark)
	ktap_refuse "no share is none" sh -c "echo 0 >$SHARE"
	ktap_contains "and the log says why" "labyrinth_watch: share=0 is no number from 1 to 100$" \
		"$(dmesg_since "$mark")"
	echo 100 >$SHARE
}

owners() {
	insmod labyrinth.ko
	insmod tests/selftests/labyrinth_probe.ko
	echo "hold 1" >/sys/kernel/debug/labyrinth_probe/do
	ktap_contains "an owner that has lent nothing has no page out" "^no page is out$" \
		"$(ask "owner probe")"
	ktap_refuse "of an owner that is not there, the question is refused" \
		sh -c "echo owner prob >$HOLDERS"
	ktap_contains "and so is the answer" "^no page is out: there is no .* such an owner" \
		"$(cat $HOLDERS)"
	echo "drop 1" >/sys/kernel/debug/labyrinth_probe/do
	rmmod labyrinth_probe
	ktap_check "labyrinth.ko is not kept" rmmod labyrinth
}

[ -e $MODULE ] || ktap_skip_all "it was not built for this kernel"
ktap_plan 58
ktap_check "the module loads, without Labyrinth" insmod $MODULE
ktap_contains "nothing was asked yet" "^nothing asked yet" "$(cat $HOLDERS)"
wrong
kept map 'reference, 1: the page table of hold:[0-9]+ at 0x[0-9a-f]+-0x[0-9a-f]+ '
kept pipe 'reference, 1: the pipe [0-9]+, hold:[0-9]+ fd '
kept file 'reference, 1: the page table of hold:[0-9]+ at 0x[0-9a-f]+-0x[0-9a-f]+ file.page '
ktap_contains "file: its name" 'reference, 1: the page cache, inode [0-9]+ \(file.page\)' "$answer"
sockets
clones
forged

insmod tests/selftests/labyrinth_leaky.ko
answer=$(ask "pfn $(cat $LEAKY/pfn_static)")
ktap_contains "a module's data" \
	"pointer, 1: a pointer in a module's data, .* \[labyrinth_leaky\] \(pfn" "$answer"
if grep -q ' leaky_static' /proc/kallsyms; then
	ktap_contains "its variable" \
		"data, leaky_static \[labyrinth_leaky\], at leaky_static\+0x0/0x[0-9a-f]+ " "$answer"
else
	ktap_skip "its variable" "the kernel keeps no names of data"
fi
answer=$(ask "pfn $(cat $LEAKY/pfn_slab)")
ktap_contains "an object of a slab" \
	"pointer, 1: a pointer in an object of slab cache kmalloc-[a-z0-9-]+, at 0x[0-9a-f]+ \+ 0x18 " "$answer"
ktap_check "the parameter asks as well" \
	sh -c "echo pfn $(cat $LEAKY/pfn_static) >${SHARE%share}ask"
ktap_contains "and the same place answers" "a pointer in a module's data, .* \[labyrinth_leaky\]" \
	"$(cat $HOLDERS)"
answer=$(ask "pfn $(cat $LEAKY/pfn_slab)")
ktap_contains "which may have the reference" "^references 1, found 0;" "$answer"
answer=$(ask "pfn $(cat $LEAKY/pfn_past)")
ktap_lacks "what is free has no reference" "reference, " "$answer"
if grep -q ' kasan_' /proc/kallsyms; then
	ktap_skip "and is told from what is not" "KASAN keeps what is free elsewhere"
else
	ktap_contains "and is told from what is not" \
		"trace, [0-9]+: a pointer in a free object of slab cache kmalloc-" "$answer"
fi
# The core's own DAMON follows such a word too.
DAMON=/sys/module/damon_stat/parameters/enabled
[ ! -e "$DAMON" ] || echo N >"$DAMON"
echo 1 >$LEAKY/garble
answer=$(ask "pfn $(cat $LEAKY/pfn_slab)")
echo 0 >$LEAKY/garble
ktap_contains "a stray word in a struct page leads nowhere" \
	"a pointer in an object of slab cache kmalloc-" "$answer"
rmmod labyrinth_leaky

ktap_contains "there are no owners without Labyrinth" "^labyrinth.ko is not loaded" \
	"$(ask "owner probe" 2>/dev/null)"
ktap_refuse "a pool that there is not" sh -c "echo pool 99 >$HOLDERS"
owners
under_traffic
stopped
ktap_check "the module unloads" rmmod labyrinth_watch
ktap_end
