#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The first kernel of scripts/kdump.sh: loads the second one, which extra/ has, then Labyrinth
# and the pages to be searched for; runs the command it is given, if any; and panics.

second=/tmp/second

# What the second kernel starts with is of this one: the same init, with another command.
pack() {
	mkdir -p $second/bin $second/dev $second/labyrinth/scripts/vm
	cp /init /tty $second/
	cp /bin/busybox $second/bin/
	cp -r stock $second/labyrinth/
	cp scripts/vm/vmcore.sh $second/labyrinth/scripts/vm/
	echo "exec sh scripts/vm/vmcore.sh" >$second/command
	(cd $second && find . | cpio -o -H newc | gzip -1) >/tmp/initrd
}

# The rest of the command line tells of the machine.
words="$(sed 's/crashkernel=[^ ]*//' /proc/cmdline) nr_cpus=1 reset_devices"

fail() { echo "kdump: $*"; exit 1; }

[ "$(cat /sys/kernel/kexec_crash_size)" -gt 0 ] || fail "no memory is set aside: no crashkernel="
pack
tests/selftests/user/kexec extra/vmlinuz* /tmp/initrd "$words" || fail "the second kernel is not loaded"
[ "$(cat /sys/kernel/kexec_crash_loaded)" = 1 ] || fail "the second kernel is not there"
rm -rf $second /tmp/initrd
insmod labyrinth.ko || fail "no Labyrinth"
insmod tests/selftests/labyrinth_vmcore.ko || fail "no pages"
"$@" || fail "'$*' ended with status $?"
echo "kdump: the first kernel panics"
echo c >/proc/sysrq-trigger
