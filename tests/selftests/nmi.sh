#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Pages in NMIs that land anywhere, also in the middle of a hard interrupt's own
# allocation on the same CPU.

. "${0%/*}/ktap.sh"

DO=/sys/kernel/debug/labyrinth_probe/do
NMIS=60

[ "$(uname -m)" = x86_64 ] || ktap_skip_all "the probe knows x86's NMIs only"
cpus=$(grep -c ^processor /proc/cpuinfo)
[ "$cpus" -gt 1 ] || ktap_skip_all "a CPU sends NMIs to others only"

ktap_plan 4
insmod labyrinth.ko
insmod tests/selftests/labyrinth_probe.ko
echo hammer >$DO
echo nmi-begin >$DO
for _ in $(seq $NMIS); do
	# The backtraces are not what is wanted, but their NMIs are.
	echo l >/proc/sysrq-trigger
done
ktap_check "each allocation, question and free in an NMI succeeds" \
	sh -c "echo nmi-end >$DO"
ktap_check "and so do those of the hard interrupts beneath" sh -c "echo rest >$DO"
# The backtraces may have pushed anything older out of the log.
said=$(dmesg | sed -n 's/.*in NMI: //p' | tail -n 1)
ktap_diag "$said"
ktap_check "there were NMIs" test "${said%% *}" -ge 1000
rmmod labyrinth_probe
ktap_check "the module unloads" rmmod labyrinth
ktap_end
