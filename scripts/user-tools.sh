#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/user-tools.sh [--update] trace|drgn|mok
# Prints a file in the cache that vm.sh --archive takes: an archive (cpio) with packages of
# Debian 12, and all that they depend on, unpacked as they are. Nothing is installed.
#   trace  trace-cmd, perf and bpftrace
#   drgn   drgn, and Python
#   mok    mokutil, shim and grub, as Debian has signed them
# Example:
#   scripts/vm.sh --mem 1536 --archive "$(scripts/user-tools.sh trace)" -- /usr/bin/trace-cmd -h
# --update looks for newer versions; without it, what is in the cache is used as it is and
# no network is needed.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/apt.sh
. "$LAB_SCRIPTS/apt.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

update=''
options update "$@"
set -- "${args[@]}"
case $* in
trace) packages=(trace-cmd linux-perf bpftrace) ;;
drgn) packages=(python3-drgn) ;;
mok) packages=(mokutil shim-signed grub-efi-amd64-signed) ;;
*) die "one of trace, drgn and mok is needed, not '$*' (see --help)" ;;
esac

# What no program reads when it runs: half of the size.
USELESS=(doc man locale info lintian perl)

# Uncompressed: the guest would take longer to unpack it than qemu to load it.
pack() {
	local tmp=$1 deb
	mkdir "$tmp/root"
	for deb in "${APT_FILES[@]}"; do
		dpkg -x "$deb" "$tmp/root"
	done
	rm -rf "${USELESS[@]/#/$tmp/root/usr/share/}"
	(cd "$tmp/root" && find . -mindepth 1 | sort | cpio -o -H newc -R 0:0 --quiet) >"$tmp/cpio"
}

fetch() {
	local tmp
	apt_setup ''
	apt_closure "${packages[@]}"
	apt_download
	tmp=$(mktemp -d "$STORE/.unpack-XXXXXX")
	say "unpacking ${#APT_FILES[@]} packages: ${packages[*]} and what they need"
	pack "$tmp"
	rm -f "${APT_FILES[@]}"
	mv -T "$tmp/cpio" "$out"
	rm -rf "$tmp"
}

STORE=$LABYRINTH_CACHE/user-tools
out=$STORE/$1.cpio
arch_set "$KERNEL_DEFAULT"
if [[ -n $update || ! -e $out ]]; then
	log_dir
	"$LAB_SCRIPTS/deps.sh" fetch vm
	take_lock kernels
	cache_dir user-tools
	rm -rf "$STORE"/.unpack-*
	[[ -z $update && -e $out ]] || fetch
fi
echo "$out"
