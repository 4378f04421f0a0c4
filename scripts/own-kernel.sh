#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/own-kernel.sh --vmlinuz FILE [--kdir DIR]
#        scripts/own-kernel.sh --deb FILE [--deb FILE...] [--kdir DIR]
# Prints a folder that has a kernel of yours (amd64) as the scripts want it. With
# LABYRINTH_OWN naming that folder, what takes --kernel takes "own" as well. vm.sh does
# both by itself.
#   --vmlinuz FILE  its boot image, bzImage, or a bare ELF that has a PVH entry
#   --deb FILE      its package, linux-image-...; and linux-headers-... and linux-kbuild-...,
#                   if its build tree is to be from there
#   --kdir DIR      its build tree; default: from the packages, or
#                   /lib/modules/RELEASE/build

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

# release_of IMAGE: a bzImage has in its head where the name of its release is.
release_of() {
	local at
	if [[ $(tail -c +515 "$1" | head -c 4) == HdrS ]]; then
		at=$(od -An -tu2 -j 526 -N 2 "$1")
		tail -c "+$((at + 513))" "$1" | head -c 100 | cut -d ' ' -f 1 | head -n 1
	elif [[ $(head -c 4 "$1" | tr -d '\0') == $'\x7fELF' ]]; then
		grep -aoEm 1 'Linux version [^ ]+' "$1" | cut -d ' ' -f 3
	fi | tr -d '\0' 2>/dev/null || true
}

unpack_debs() {
	local file
	for file in "${deb[@]}"; do
		[[ $(dpkg -f "$file" Architecture) == @(amd64|all) ]] ||
			die "--deb $file: not a package for amd64"
		dpkg -x "$file" "$dir"
	done
	[[ -e $dir/lib ]] || ln -s usr/lib "$dir/lib"
	mapfile -t images < <(find "$dir" -type f -name 'vmlinuz*')
	((${#images[@]} == 1)) || die "the packages have ${#images[@]} kernels, not one: ${deb[*]}"
	vmlinuz=${images[0]}
}

# Debian's build trees name their other half by its place under /usr/src.
find_tree() {
	local tree=$dir/usr/src/linux-headers-$release
	if [[ -n $kdir ]]; then
		tree=$kdir
	elif [[ -e $tree/Makefile ]]; then
		sed -i "s|/usr/src/|$dir/usr/src/|" "$tree/Makefile"
	else
		tree=/lib/modules/$release/build
	fi
	[[ -e $tree/Makefile ]] || die "no build tree of kernel $release: give --kdir, or the" \
		"packages linux-headers-$release, its -common and linux-kbuild as --deb"
	mkdir -p "$dir/usr/src"
	ln -s "$(realpath "$tree")" "$dir/usr/src/tree"
}

# Debian's trees are built with a compiler of a certain version. Where the packages want
# one that is not here, it is that of a kernel in the table.
row() {
	local compiler like=''
	compiler=$(sed -nE 's/^CONFIG_CC_VERSION_TEXT=".*(gcc-[0-9]+) .*/\1/p' "$dir/usr/src/tree/.config")
	if [[ ${#deb[@]} != 0 && -z $kdir && -n $compiler ]] && ! type -P "$compiler" >/dev/null; then
		like=$(kernel_with_compiler "$compiler")
		[[ -n $like ]] || die "kernel $release wants $compiler, which is not here"
	fi
	printf 'own - %s amd64 - %s boot\n' "${like:+$(kernel_field "$like" suite)}" "${compiler:--}" |
		sed 's/-  amd64/- - amd64/'
}

fill() {
	mkdir -p "$dir"
	((${#deb[@]} == 0)) || unpack_debs
	release=$(release_of "$vmlinuz")
	[[ $release =~ ^[0-9]+\.[0-9] ]] || die "$vmlinuz is not a kernel for amd64"
	echo "$release" >"$dir/release"
	ln -s "$(realpath "$vmlinuz")" "$dir/vmlinux"
	find_tree
	if [[ ! -e $dir/lib/modules/$release && -d /lib/modules/$release ]]; then
		mkdir -p "$dir/lib/modules"
		ln -s "/lib/modules/$release" "$dir/lib/modules/"
	fi
	[[ -L $dir/lib/modules/$release || ! -d $dir/lib/modules/$release ]] ||
		/sbin/depmod -b "$dir" "$release"
	{ cat "$KERNEL_TABLE" && row; } >"$dir/kernels.tsv"
}

vmlinuz='' deb=() kdir=''
options "vmlinuz=file deb+=file kdir=dir" "$@"
no_arguments "${args[@]}"
[[ -n $vmlinuz || ${#deb[@]} != 0 ]] || die "--vmlinuz or --deb is needed (see --help)"
[[ -z $vmlinuz || ${#deb[@]} == 0 ]] || die "--vmlinuz and --deb do not go together (see --help)"
[[ -z $kdir ]] || kdir=$(realpath "$kdir")
log_dir
dir=$LABYRINTH_CACHE/build/own-$(cat "${vmlinuz:-${deb[@]}}" <(echo "$kdir") | sha256sum | cut -c 1-12)
take_lock own-kernel
if [[ ! -e $dir/kernels.tsv ]]; then
	rm -rf "$dir"
	fill
fi
touch "$dir"
echo "$dir"
