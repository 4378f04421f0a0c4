#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A network driver as it is shipped, followed from the start. Pages of its are left in a UDP
# socket, a TCP socket, a packet socket and a pipe that nobody reads, in a module, and in a
# process that has mapped the module's page; then the driver goes. The report must name each of
# them. Then labyrinth_watch is loaded anew, after the fact, and asked about a page of each. Of a
# driver whose buffers come from the core nothing is followed: that it left nothing behind is the
# report, and the module's page alone is asked about. scripts/watch.sh --stock has the cards.

. "${0%/*}/ktap.sh"
. "${0%/*}/nic/wire.sh"

MODULE=watch/labyrinth_watch.ko
WATCH=/sys/kernel/debug/labyrinth_watch
COLLECTED=/sys/module/labyrinth_collector/parameters/pfn
HOLD=$USER_DIR/hold
BPF=$USER_DIR/bpf
MTU=9000

# With an XDP program, newer kernels' veth has its pages from a page_pool.
veth_up() {
	ip link add eth0 type veth && ip link set veth0 name eth1
}

veth_xdp() {
	nsenter "-n/proc/$far_pid/ns/net" -- "$BPF" xdp eth1 >/tmp/bpf &
	holders="$holders $!"
	wait_for grep -q ready /tmp/bpf
	ktap_diag </tmp/bpf
}

cards_up() {
	no_ipv6
	for ko in stock/*.ko; do
		insmod "$ko"
	done
	[ "$driver" != veth ] || veth_up || return
	far_begin
	no_ipv6 far
	ip link set eth1 netns "$far_pid" || return
	ip addr add "$NEAR/24" dev eth0
	far ip addr add "$FAR/24" dev eth1
	ip link set eth0 mtu $MTU && far ip link set eth1 mtu $MTU
	[ "$driver" != veth ] || veth_xdp
	ip link set eth0 up && far ip link set eth1 up &&
		wait_for ping -c 1 -W 1 "$FAR" >/dev/null
}

# far_hold WORD...: in the background.
far_hold() { nsenter "-n/proc/$far_pid/ns/net" -- "$HOLD" "$@" >/dev/null & }

# send PORT BYTES: a stream, until all of it is at the other end.
send() {
	"$HOLD" send "$FAR" "$1" "$2" >"/tmp/sent.$1" &
	holders="$holders $!"
	wait_for grep -q arrived "/tmp/sent.$1"
}

# Of all pages, who has them. The module comes last: it takes a page of a datagram.
plant() {
	far_hold packet eth1
	holders="$holders $!"
	far_hold tcp-in 7002
	holders="$holders $!"
	far_hold pipe-in 7003
	holders="$holders $!"
	sleep 1
	# Frames that no other socket keeps. The packet socket has a part of the streams as well: a page of
	# a page_pool that the pipe alone holds is the pool's no more.
	ping -c 2 -s 8000 -W 1 "$FAR" >/dev/null
	"$USER_DIR/traffic" hold "$far_pid" "$FAR" &
	holders="$holders $!"
	sleep 1
	send 7002 60000
	send 7003 300000
	sleep 1
	insmod tests/selftests/labyrinth_collector.ko
	"$USER_DIR/traffic" blast "$FAR" 5 8000 >/dev/null
	sleep 1
	"$HOLD" mapping /proc/labyrinth_collector >/dev/null &
	mapper=$!
	holders="$holders $mapper"
	sleep 1
}

# told PATTERN...: a result for each.
told() {
	for pattern; do
		ktap_contains "$when: $pattern" "$pattern" "$log"
	done
}

# With $core, the report can say nothing of the kind.
told_of_followed() {
	if [ -z "$core" ]; then
		told "$@"
		return
	fi
	for pattern; do
		ktap_skip "$when: $pattern" "the driver has its buffers from the core"
	done
}

# asked FRAME PATTERN...: after the fact, a frame that the report named.
asked() {
	log=""
	[ -z "$1" ] || { echo "pfn $1" >$WATCH/holders; log=$(cat $WATCH/holders); }
	shift
	printf '%s\n' "$log" | ktap_diag
	told_of_followed "$@"
}

# frame_of PATTERN: the first that the report has behind such a holder; none is no question.
frame_of() { printf '%s\n' "$report" | sed -nE "s/.*$1.*\(pfn (0x[0-9a-f]+).*/\1/p" | head -n 1; }

holders=""
# The others are modules that it needs, or its bus.
for driver in virtio_net e1000e vmxnet3 veth none; do
	ko=$(ls stock/*-$driver.ko 2>/dev/null) && break
done
[ -n "$ko" ] || ktap_skip_all "there is no such card"
# virtio_net's buffers come from the core, until they come from a page_pool. Not asked of the file
# pages: then hooks that see nothing would make all results of the other drivers skips.
core=""
[ "$driver" != virtio_net ] || grep -q page_pool_create "$ko" || core=1
[ -e $MODULE ] || ktap_skip_all "it was not built for this kernel"
ktap_load $MODULE watch="$driver" grace=5
[ -e $WATCH/pages ] || ktap_skip_all "ftrace cannot call directly in this kernel"
expect_only "BUG: labyrinth: (pool-)?leak|Modules linked in:"
cards_up || ktap_fail "the cards are up"
plant
grep "^$driver: " $WATCH/pages | ktap_diag
ktap_plan 20
pfn=$(cat $COLLECTED)
ktap_check "a module has taken a page" [ "${pfn:-0}" != 0 ]
# Later a pipe's reader may still take a fragment from the queue, but nobody reads.
ip link set eth0 down
far ip link set eth1 down
mark=$(dmesg_mark)
ktap_check "the driver goes" rmmod "$driver"
# Every report that has begun has come to its end; the next one may begin soon.
end() {
	dmesg_since "$mark" | awk '
		/leak in / { begun++ }
		/ frames of / { begun--; seen = 1 }
		/no page behind/ { seen = 1 }
		END { exit !seen || begun }'
}
wait_for end
sleep 5
wait_for end
report=$(dmesg_since "$mark")
printf '%s\n' "$report" | ktap_diag
when="from the start" log=$report
skb='(a fragment|the head) of an skb in the (receive|reader.s) queue of a'
udp="UDP socket, port 7777, peer 0.0.0.0:0, traffic:[0-9]+ fd [0-9]+"
tcp="TCP socket, port 7002, peer 10.0.0.1:[0-9]+, hold:[0-9]+ fd [0-9]+"
packet="PACKET socket, hold:[0-9]+ fd [0-9]+"
pipe="the pipe [0-9]+, hold:[0-9]+ fd [0-9]+"
module="pointer, [0-9]+: a pointer in a module's data, .*\[labyrinth_collector\]"
mapping="reference, 1: the page table of hold:$mapper at .*labyrinth_collector"
if [ -n "$core" ]; then
	told "$driver has gone, and has left no page behind"
else
	told "noticed: [0-9]+ pages (of module $driver are|are still out of .*, destroyed by module $driver)"
fi
told_of_followed "BUG: labyrinth: (pool-)?leak in " \
	"since: +[0-9]+ to [0-9]+ ms, allocated at [a-z]" \
	"(reference|shared), [^,]*: $skb $udp" \
	"(reference|shared), [^,]*: $skb $tcp" \
	"(reference|shared), [^,]*: $skb $packet" \
	"reference, [0-9]+: $pipe" \
	"$module" \
	"$mapping"
rmmod labyrinth_watch
insmod $MODULE
when="after the fact"
stalled=$(grep STALLED $WATCH/pools)
printf '%s\n' "$stalled" | ktap_diag
ktap_lacks "the driver has gone: no place where its code was is named for it" \
	"driver (0x|.* \[)" "$stalled"
asked "$(frame_of "$udp")" "(reference|shared), [0-9]+: $skb $udp"
asked "$(frame_of "$tcp")" "(reference|shared), [0-9]+: $skb $tcp"
asked "$(frame_of "$packet")" "(reference|shared), [0-9]+: $skb $packet"
asked "$(frame_of "$pipe")" "reference, [0-9]+: $pipe"
core=""
asked "$pfn" "(reference|shared), .* of a (UDP|TCP|PACKET) socket, .*fd [0-9]+" "$module" "$mapping"
# shellcheck disable=SC2086
kill $holders
# shellcheck disable=SC2086
wait $holders 2>/dev/null
far_end
expect_end
ktap_check "the module unloads" rmmod labyrinth_watch
rmmod labyrinth_collector
ktap_end
