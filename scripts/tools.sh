#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/tools.sh KERNEL command [argument...]
# Runs a command where the compiler and the libraries are that the headers of a kernel
# want to be built with, if those of Debian 12 will not do. Of the machine, the command
# sees LABYRINTH_CACHE, /dev and /proc, which objtool needs. The mounts are the
# command's own and gone with it; a user who is not root gets a user namespace, where
# mounting is allowed.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

options '' "$@"
set -- "${args[@]}"
(($# == 0)) || kernel_need "$1"
(($# > 1)) || die "a kernel and a command are needed: not '$*' (see --help)"
kernel_builds_here "$1" && die "kernel '$1' is built with this machine's own tools"
root=$("$LAB_SCRIPTS/kernel.sh" tools "$1")
shift
# No locale but this one is there, and perl would complain.
export LANG=C
namespaces=(--mount)
((EUID == 0)) || namespaces+=(--user --map-root-user)
# shellcheck disable=SC2016 # to be expanded by that shell
exec unshare "${namespaces[@]}" bash -c '
	for dir in /proc /dev "$LABYRINTH_CACHE"; do
		mkdir -p "$0$dir"
		mount --rbind "$dir" "$0$dir" || exit
	done
	exec chroot "$0" "$@"' "$root" "$@"
