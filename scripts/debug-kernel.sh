#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/debug-kernel.sh headers|image kasan|kcsan|gcov
# Prints the folder of a part of a kernel with checkers, as kernel.sh does of a stock
# one, after building it from Debian's source if it is not there, which takes a quarter
# of an hour. What is in it: tests/configs/debug.config and
#   kasan  kasan.config: KASAN, lockdep, kmemleak, debug objects, fault injection
#   kcsan  kcsan.config: KCSAN
#   gcov   gcov.config: counts of what of a module has been run, no checkers

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

CONFIGS=$LAB_ROOT/tests/configs

configs() {
	cat "$CONFIGS/debug.config" "$CONFIGS/$flavor.config"
}

kmake() { make -C "$source" O="$tree" -j"$(nproc)" KCONFIG_ALLCONFIG="$tree/fragment" "$@"; }

# As a stock kernel lies in the cache. The objects are large, and a module's build
# needs none of them. The bare ELF would start sooner than the boot image, but by an
# entry (PVH) whose code already wants the checkers' memory to be there.
build() {
	mkdir -p "$tree"
	configs >"$tree/fragment"
	kmake allnoconfig
	config_has "$tree/fragment" "$tree/.config"
	kmake bzImage modules
	find "$tree" -name '*.o' -delete
	ln -s "usr/src/${tree##*/}" "$dir/build"
	ln -s "build/arch/x86/boot/bzImage" "$dir/vmlinux"
	kmake -s --no-print-directory kernelrelease >"$dir/release"
}

if [[ ${1:-} == --build ]]; then
	source=$2 flavor=$3 dir=$4 tree=$4/usr/src/linux-$3
	build
	exit
fi
options '' "$@"
part=${args[0]:-} flavor=${args[1]:-}
[[ ${#args[@]} == 2 && $part == @(headers|image) ]] ||
	die "headers or image, and a kernel, are needed: not ${args[*]@Q} (see --help)"
[[ -e $CONFIGS/$flavor.config && -z $(kernel_field "$flavor" suite) ]] ||
	die "there is no kernel '$flavor' (see --help)"
# The table has the version of the stock kernel that the self-tests run on: where the
# results differ, it is by the checkers.
VERSION=$(kernel_field "$flavor" version)
source=$("$LAB_SCRIPTS/kernel.sh" source "$VERSION")
key=$(configs | sha256sum | cut -c 1-12)
dir=$LABYRINTH_CACHE/kernels/debug-$flavor-${source##*source-}-$key
if [[ ! -e $dir/.built ]]; then
	"$LAB_SCRIPTS/deps.sh" fetch debug
	log_dir
	take_lock "debug-$flavor"
fi
if [[ ! -e $dir/.built ]]; then
	rm -rf "$dir"
	# As a command of its own, so that an error in it ends it.
	run_logged "building a $VERSION kernel with ${flavor^^}" "$LABYRINTH_LOGS/build-$flavor-kernel.log" \
		"$0" --build "$source" "$flavor" "$dir" || die "the kernel does not build"
	touch "$dir/.built"
fi
case $part in
headers) readlink -e "$dir/build" ;;
image) echo "$dir" ;;
esac
