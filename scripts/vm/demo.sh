#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The demo, as it runs in the guest: load the module and both samples, show what
# they do, and unload everything again.

say() {
	printf '\n=== %s\n' "$*"
}

failed=0
step() {
	say "$*"
	"$@" || { echo "failed: $*"; failed=1; }
}

# The kernel's own messages come live on its console; this is a summary of them.
show_refusals() {
	dmesg | grep -c 'BUG: labyrinth:' | sed 's/$/ refusals reported/'
}

say "this is $(uname -sr) as Debian ships it"
step insmod labyrinth.ko
step insmod samples/labyrinth_sample.ko
sleep 1
step insmod samples/labyrinth_foreign.ko
sleep 1
step show_refusals
step lsmod
step rmmod labyrinth_foreign
step rmmod labyrinth_sample
step rmmod labyrinth

if [ "$failed" -eq 0 ]; then
	say "demo: passed"
else
	say "demo: FAILED"
fi
exit "$failed"
