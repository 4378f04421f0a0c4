#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/kernel.sh [--update] headers|image|source 6.1|6.12|6.1-rt|7.3
# Prints the folder of a part of a stock Debian kernel, after downloading and
# unpacking it into the cache if it is not there; nothing is installed.
#   headers  a build tree for KDIR=
#   image    vmlinux, release, lib/modules
#   source   the kernel's source (6.1 and, to measure in User-Mode Linux, 7.3)
# --update looks for a newer version; without it, what is in the cache is used
# as it is and no network is needed.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/apt.sh
. "$LAB_SCRIPTS/apt.sh"

STORE=$LABYRINTH_CACHE/kernels

# The metapackages: their dependencies name the current version of the kernel.
meta_package() {
	case $1-$2 in
	headers-6.1 | headers-6.12) echo linux-headers-amd64 ;;
	image-6.1 | image-6.12) echo linux-image-amd64 ;;
	headers-6.1-rt) echo linux-headers-rt-amd64 ;;
	image-6.1-rt) echo linux-image-rt-amd64 ;;
	source-6.1 | source-7.3) echo "linux-source-$2" ;;
	*) die "there is no '$1' of kernel '$2' (see --help)" ;;
	esac
}

# No suite means the newest of all that are not backports, security included.
suite_of() {
	case $1 in
	6.12) echo bookworm-backports ;;
	7.3) echo trixie-backports ;;
	esac
}

# Which of the dependencies belong to the part; the rest (compilers, initramfs
# tools) is either installed by deps.sh or of no use here.
wanted_packages() {
	case $1 in
	headers) echo '^linux-(headers|kbuild)-' ;;
	image) echo '^linux-image-' ;;
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
	for tree in "$1"/usr/src/linux-headers-*-amd64; do
		sed -i "s|/usr/src/|$2/usr/src/|" "$tree/Makefile"
		ln -s "usr/src/${tree##*/}" "$1/build"
	done
}

# The boot image holds the kernel compressed; qemu starts the bare ELF quickest.
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
	END
	die "no kernel found in $image"
}

unpack_image() {
	local release
	unpack_all "$1"
	release=$(basename "$1"/lib/modules/*)
	echo "$release" >"$1/release"
	extract_vmlinux "$1/boot/vmlinuz-$release" "$1/vmlinux"
	/sbin/depmod -b "$1" "$release"
}

unpack_source() {
	dpkg --fsys-tarfile "${debs[0]}" | tar -xO --wildcards '*/linux-source-*.tar.xz' |
		tar -xJ -C "$1" --strip-components=1
}

# Unpacked under another name first: what has the final name is complete.
unpack() {
	local part=$1 final=$2 tmp
	tmp=$(mktemp -d "$STORE/.unpack-XXXXXX")
	chmod 755 "$tmp"
	"unpack_$part" "$tmp" "$final"
	rm -rf "$final"
	mv -T "$tmp" "$final"
}

fetch() {
	local part=$1 kernel=$2 version final debs
	log_dir
	apt_setup "$(suite_of "$kernel")"
	apt_resolve "$(meta_package "$part" "$kernel")" "$(suite_of "$kernel")" \
		"$(wanted_packages "$part")"
	version=${APT_PACKAGES[0]#*=}
	[[ $version == "${kernel%-rt}".* ]] ||
		die "$(meta_package "$part" "$kernel") is now at $version, not ${kernel%-rt}"
	final=$STORE/$part-$kernel-$version
	if [[ ! -d $final ]]; then
		apt_download
		debs=("${APT_FILES[@]}")
		# As commands of their own, so that an error in them ends them.
		run_logged "unpacking the $part of kernel $kernel ($version)" \
			"$LABYRINTH_LOGS/unpack-$part-$kernel.log" \
			"$0" --unpack "$part" "$final" "${debs[@]}" || die "the $part cannot be unpacked"
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

update=
case ${1:-} in
--help | '') usage; exit ;;
--update) update=1; shift ;;
--unpack)
	debs=("${@:4}")
	unpack "$2" "$3"
	exit ;;
esac
(($# == 2)) || die "two arguments are needed (see --help)"
case $2 in
kasan | kcsan) exec "$LAB_SCRIPTS/debug-kernel.sh" "$@" ;;
esac
meta_package "$1" "$2" >/dev/null

if [[ -z $update && -e $STORE/$1-$2 ]]; then
	answer "$1" "$2"
	exit
fi
"$LAB_SCRIPTS/deps.sh" fetch
take_lock kernels
mkdir -p "$STORE"
# Left by runs that were killed; nobody else is here, that is what the lock says.
rm -rf "$STORE"/.unpack-*
if [[ -n $update || ! -e $STORE/$1-$2 ]]; then
	fetch "$1" "$2"
fi
answer "$1" "$2"
