#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/dkms-keep.sh RELEASE KDIR
#        scripts/dkms-keep.sh --remove RELEASE
# Run by dkms, in the folder where it has built Labyrinth: keeps what a driver is built
# against in /usr/src/labyrinth/RELEASE, as make install does; or removes it, once the
# module is gone from that kernel. dkms runs no script for what was built and never installed:
# then the folder stays.
set -eu

die() { echo "dkms-keep.sh: $* (see --help)" >&2; exit 1; }

case ${1:-} in
--remove)
	[ $# -eq 2 ] || die "--remove wants a release, and nothing else"
	rm -rf "/usr/src/labyrinth/$2"
	rmdir /usr/src/labyrinth 2>/dev/null || :
	;;
--help) sed -n '/^# Usage:/,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" ;;
-*) die "unknown option '$1'" ;;
*)
	[ $# -eq 2 ] || die "a release and a kernel's build tree are needed, not '$*'"
	make --no-print-directory KDIR="$2" KREL="$1" install-dev
	;;
esac
