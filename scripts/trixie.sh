#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/trixie.sh command [argument...]
# Runs a command where Debian 13 is installed: what the headers of kernel 7.3 want
# to be built with does not run on Debian 12. Of the machine, the command sees
# LABYRINTH_CACHE, /dev and /proc, which objtool needs. The mounts are its own and
# gone with it; a user who is not root gets a user namespace, where he may mount.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

case ${1:-} in
--help | '') usage; exit ;;
esac
root=$("$LAB_SCRIPTS/kernel.sh" tools 7.3)
namespaces=(--mount)
((EUID == 0)) || namespaces+=(--user --map-root-user)
# shellcheck disable=SC2016 # to be expanded by that shell
exec unshare "${namespaces[@]}" bash -c '
	for dir in /proc /dev "$LABYRINTH_CACHE"; do
		mkdir -p "$0$dir"
		mount --rbind "$dir" "$0$dir" || exit
	done
	exec chroot "$0" "$@"' "$root" "$@"
