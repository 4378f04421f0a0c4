# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Sourced in the guest: what a kernel with checkers has to say beside its console,
# which scan-log.sh reads. On any other kernel it says nothing.

KMEMLEAK=/sys/kernel/debug/kmemleak
PAGE_OWNER=/sys/kernel/debug/page_owner
LOCKDEP=/proc/lockdep_stats

# It takes many times as long there, or the KUnit suites are among the tests.
has_checkers() { [ -e $KMEMLEAK ] || [ -e /sys/kernel/debug/kcsan ] || [ -e /sys/kernel/debug/gcov ]; }

# Of kmemleak's report all but one leak, which is the kernel's: 6.1 loses the name of a
# slab cache that it could not add to sysfs.
but_the_kernels() {
	awk '/^unreferenced/ { tell(); text = "" }
		{ text = text $0 "\n" }
		END { tell() }
		function tell() { if (text !~ /sysfs_slab_add/) printf "%s", text }' $KMEMLEAK
}

# Prints what is leaked, once. Too young an object may be referred to from a register,
# and one that has changed since the last scan is taken to be in use.
leaks() {
	[ -e $KMEMLEAK ] || return 0
	sleep 6
	echo scan >$KMEMLEAK
	echo scan >$KMEMLEAK
	but_the_kernels
	# The console has how many there are, the kernel's among them: see scan-log.sh.
	echo "labyrinth-test: leaks judged" >/dev/kmsg
	echo clear >$KMEMLEAK
}

# 1 where the kernel knows of each page who took it (page_owner=on), else 0.
knows_pages() { [ -e $PAGE_OWNER ] && echo 1 || echo 0; }

# Prints which pages our modules took from the page allocator themselves and have not
# given back. To be asked with none of them loaded: then what has no name is theirs.
# Each read is of one entry, and fails where there is no room for it.
lost_pages() {
	{ dd bs=4096 if=$PAGE_OWNER 2>/dev/null || echo unreadable; } |
		awk '/^unreadable/ { print "the kernel has not told of all its pages" }
			/^PFN/ { entry = $0; next }
			/^ __alloc_pages/ {
				while ((getline) > 0 && /^ __alloc_pages/) ;
				if (/^ 0xffffffff/) print entry $0
			}
			END { if (NR < 1000) print "the kernel tells of too few pages" }'
}

# lockdep goes off when it has complained, and when the kernel thinks that it is
# broken: what comes after has not been checked.
lockdep_off() { [ -e $LOCKDEP ] && ! grep -q 'debug_locks: *1$' $LOCKDEP; }

# Prints as diagnostics what there is to say, and fails if there is something.
complain() {
	leaks >/tmp/complaints
	! lockdep_off || echo "lockdep is off" >>/tmp/complaints
	sed 's/^/# /' /tmp/complaints
	[ ! -s /tmp/complaints ]
}
