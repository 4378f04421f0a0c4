#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/kernel.sh [--update] headers|image|source|tools KERNEL
# Prints the folder of a part of a stock Debian kernel, after downloading and
# unpacking it into the cache if it is not there; nothing is installed.
#   headers  a build tree for KDIR=
#   image    vmlinux, release, lib/modules; bin/busybox if it is not for this machine
#   source   the kernel's source (for User-Mode Linux)
#   tools    a root folder with the compiler and the libraries that the headers
#            need, where they are of a newer Debian: see tools.sh
# KERNEL is one of scripts/kernels.tsv.
# --update looks for a newer version; without it, what is in the cache is used
# as it is and no network is needed.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/apt.sh
. "$LAB_SCRIPTS/apt.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

STORE=$LABYRINTH_CACHE/kernels

# The metapackages: their dependencies name the current version of the kernel.
meta_package() {
	case $1 in
	headers | image) echo "linux-$1-$(kernel_field "$2" flavour)" ;;
	source) echo "linux-source-$(kernel_field "$2" version)" ;;
	tools) kernel_field "$2" compiler ;;
	esac
}

# What apt prefers. Nothing means the newest of all that are not backports, security
# included.
suite_of() { kernel_field "$1" suite | grep -vx bookworm || true; }

# Which of the dependencies belong to the part; the rest (compilers, initramfs
# tools) is either installed by deps.sh or of no use here.
wanted_packages() {
	case $1 in
	headers) echo '^linux-(headers|kbuild)-' ;;
	image) echo '^linux-(image|binary|modules)-' ;;
	source) echo '^linux-source-' ;;
	esac
}

unpack_all() {
	local deb
	for deb in "${debs[@]}"; do
		dpkg -x "$deb" "$1"
	done
}

# The build tree names its other half by its place under /usr/src.
unpack_headers() {
	local tree
	unpack_all "$1"
	for tree in "$1"/usr/src/linux-headers-*-"$(kernel_field "$kernel" flavour)"; do
		sed -i "s|/usr/src/|$2/usr/src/|" "$tree/Makefile"
		ln -s "usr/src/${tree##*/}" "$1/build"
	done
	[[ $ARCH == amd64 ]] || link_kbuild "$1"
}

# What kbuild runs is to run here: it comes from the headers for this machine.
link_kbuild() {
	rm -rf "$1"/usr/lib/linux-kbuild-*
	mkdir -p "$1/usr/lib"
	ln -s -t "$1/usr/lib" "$(here "$kernel")"/usr/lib/linux-kbuild-*
}

# here KERNEL: the headers of the same version for this machine.
here() { echo "$STORE/headers-$(kernel_host "$1")"; }

# Nothing of the packages has been run: what their scripts would have made is
# made here. base-files first, for it has the links such as /bin.
unpack_tools() {
	local deb
	for deb in "${debs[@]}"; do
		[[ $deb != */base-files_* ]] || dpkg -x "$deb" "$1"
	done
	unpack_all "$1"
	ln -s mawk "$1/usr/bin/awk"
}

# amd64's boot image holds the kernel compressed; qemu starts the bare ELF quickest.
extract_vmlinux() {
	local image=$1 out=$2 magic tool offset
	while read -r magic tool; do
		while IFS=: read -r offset _; do
			tail -c "+$((offset + 1))" "$image" | $tool -dc >"$out" 2>/dev/null || true
			[[ $(head -c 4 "$out" | tr -d '\0') != $'\x7fELF' ]] || return 0
		done < <(grep -obUaP "$magic" "$image")
	done <<-'END'
		\xfd7zXZ\x00 xz
		\x28\xb5\x2f\xfd zstd
		\x02\x21\x4c\x18 lz4
	END
	die "no kernel found in $image"
}

# Where it all is depends on the kernel: 7.3 has everything below /usr.
unpack_image() {
	local release vmlinuz
	unpack_all "$1"
	[[ -e $1/lib ]] || ln -s usr/lib "$1/lib"
	[[ -e $1/bin || ! -e $1/usr/bin ]] || ln -s usr/bin "$1/bin"
	release=$(basename "$1"/lib/modules/*)
	echo "$release" >"$1/release"
	vmlinuz=$1/boot/vmlinuz-$release
	[[ -e $vmlinuz ]] || vmlinuz=$1/lib/modules/$release/vmlinuz
	case $ARCH in
	amd64) extract_vmlinux "$vmlinuz" "$1/vmlinux" ;;
	*) cp "$vmlinuz" "$1/vmlinux" ;;
	esac
	/sbin/depmod -b "$1" "$release"
}

unpack_source() {
	dpkg --fsys-tarfile "${debs[0]}" | tar -xO --wildcards '*/linux-source-*.tar.xz' |
		tar -xJ -C "$1" --strip-components=1
}

# Unpacked under another name first: what has the final name is complete.
unpack() {
	local part=$1 kernel=$2 final=$3 tmp
	tmp=$(mktemp -d "$STORE/.unpack-XXXXXX")
	chmod 755 "$tmp"
	"unpack_$part" "$tmp" "$final"
	rm -rf "$final"
	mv -T "$tmp" "$final"
}

# find_packages PART KERNEL: which version there is, and how to download it.
find_packages() {
	local wanted
	wanted=$(kernel_field "$2" version)
	apt_resolve "$(meta_package "$1" "$2")" "$(suite_of "$2")" "$(wanted_packages "$1")"
	version=${APT_PACKAGES[0]#*=}
	[[ -z $wanted || $version == "$wanted".* ]] ||
		die "$(meta_package "$1" "$2") of $(kernel_field "$2" suite) is now at $version, not $wanted"
	if [[ $1 == image && $ARCH != amd64 ]]; then
		APT_PACKAGES+=("busybox-static=$(apt_field busybox-static '' Version)")
	fi
}

# What kbuild runs besides the compiler; kernel-doc is in perl up to 6.12.
TOOLS=(make base-files coreutils dash findutils grep mawk sed perl pahole libelf1t64 libssl3t64)

# Their version is that of all of them together, so that kernels with the same tools
# have one folder of them. A cross compiler runs on this machine.
find_tools() {
	apt_closure "$(meta_package "$1" "$2")" "${TOOLS[@]}"
	version=$(sha256sum <<<"${APT_PACKAGES[*]}" | cut -c 1-12)
}

fetch() {
	local part=$1 kernel=$2 version final debs
	log_dir
	[[ $part != tools ]] || ARCH=amd64
	apt_setup "$(suite_of "$kernel")"
	if [[ $part == tools ]]; then
		find_tools "$@"
	else
		find_packages "$@"
	fi
	final=$STORE/$part-$kernel-$version
	[[ $part != tools ]] || final=$STORE/tools-$(meta_package "$@")-$version
	if [[ ! -d $final ]]; then
		apt_download
		debs=("${APT_FILES[@]}")
		# As commands of their own, so that an error in them ends them.
		run_logged "unpacking the $part of kernel $kernel ($version)" \
			"$LABYRINTH_LOGS/unpack-$part-$kernel.log" \
			"$0" --unpack "$part" "$kernel" "$final" "${debs[@]}" || die "the $part cannot be unpacked"
		# It is all in the folder now, and the packages are large.
		rm -f "${debs[@]}"
	fi
	ln -sfn "${final##*/}" "$STORE/.new-$part-$kernel"
	mv -T "$STORE/.new-$part-$kernel" "$STORE/$part-$kernel"
}

answer() {
	local dir
	dir=$(readlink -e "$STORE/$1-$2")
	if [[ $1 == headers ]]; then
		dir=$(readlink -e "$dir/build")
	fi
	echo "$dir"
}

if [[ ${1:-} == --unpack ]]; then
	debs=("${@:5}")
	arch_set "$3"
	unpack "$2" "$3" "$4"
	exit
fi
update=''
options update "$@"
set -- "${args[@]}"
[[ $# == 2 && $1 == @(headers|image|source|tools) ]] ||
	die "a part and a kernel, two words, are needed: not '$*' (see --help)"
arch_set "$2"
if [[ $2 == own ]]; then
	case $1 in
	headers) echo "$LABYRINTH_OWN/usr/src/tree"; exit ;;
	image) echo "$LABYRINTH_OWN"; exit ;;
	tools) set -- tools "$(kernel_with_compiler "$(kernel_field own compiler)")" ;;
	source) die "there is no source of your own kernel here" ;;
	esac
fi
if [[ -z $(kernel_field "$2" flavour) ]]; then
	[[ -z $(kernel_field "$2" suite) ]] || die "Debian has no $1 of $2"
	exec "$LAB_SCRIPTS/debug-kernel.sh" "$@"
fi

if [[ -z $update && -e $STORE/$1-$2 ]]; then
	answer "$1" "$2"
	exit
fi
"$LAB_SCRIPTS/deps.sh" fetch
if [[ $1 == headers && $ARCH != amd64 && ! -e $(here "$2") ]]; then
	"$0" headers "$(kernel_host "$2")" >/dev/null
fi
take_lock kernels
mkdir -p "$STORE"
# Left by runs that were killed; nobody else is here, that is what the lock says.
rm -rf "$STORE"/.unpack-*
if [[ -n $update || ! -e $STORE/$1-$2 ]]; then
	fetch "$1" "$2"
fi
answer "$1" "$2"
