#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/bench-uml.sh --cpus N --mem MB LABYRINTH-PARAMETERS BENCH-PARAMETERS
# Boots a 7.3 kernel as a process of the machine (User-Mode Linux) and prints what
# bench-guest.sh prints in it: real code on real CPUs, with no virtual machine
# around it. The first run builds the kernel, which takes some minutes.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cpus=1 mem=1024
while (($#)); do
	case $1 in
	--help) usage; exit ;;
	--cpus) cpus=$2; shift 2 ;;
	--mem) mem=$2; shift 2 ;;
	*) break ;;
	esac
done
(($# == 2)) || die "the parameters of both modules are needed (see --help)"

kmake() { make --no-print-directory ARCH=um -j"$(nproc)" "$@"; }

build_kernel() {
	cp "$config" "$dir/.config"
	kmake -C "$source" O="$dir" olddefconfig
	kmake -C "$source" O="$dir"
}

# Built once for each version and configuration; the mark is there when it is whole.
kernel() {
	[[ ! -e $dir/.built ]] || return 0
	rm -rf "$dir"
	mkdir -p "$dir"
	run_logged "building a 7.3 kernel for User-Mode Linux" "$LABYRINTH_LOGS/bench-uml.log" \
		build_kernel || die "User-Mode Linux does not build"
	touch "$dir/.built"
}

modules() {
	sync_sources "$dir/labyrinth"
	run_logged "building the modules for it" "$LABYRINTH_LOGS/bench-uml-modules.log" \
		kmake -C "$dir" M="$dir/labyrinth" CONFIG_LABYRINTH=m CONFIG_LABYRINTH_BENCH=m \
		KCFLAGS=-Werror modules || die "the modules do not build"
}

# The first process.
print_init() {
	cat <<-'END'
		#!/bin/busybox sh
		export PATH=/bin
		/bin/busybox --install -s /bin
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t devtmpfs devtmpfs /dev
		mount -t debugfs debugfs /sys/kernel/debug
		cd /labyrinth
		sh bench-guest.sh "$(cat labyrinth.args)" "$(cat bench.args)" quiet
		echo "bench-uml: exit $?"
		poweroff -f
	END
}

pack_root() {
	local root=$scratch/root
	mkdir -p "$root"/{bin,dev,proc,sys} "$root/labyrinth/tests/bench"
	cp /bin/busybox "$root/bin/"
	print_init >"$root/init"
	chmod 755 "$root/init"
	cp "$LAB_SCRIPTS/bench-guest.sh" "$dir/labyrinth/labyrinth.ko" "$root/labyrinth/"
	cp "$dir/labyrinth/tests/bench/labyrinth_bench.ko" "$root/labyrinth/tests/bench/"
	echo "$1" >"$root/labyrinth/labyrinth.args"
	echo "$2" >"$root/labyrinth/bench.args"
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$scratch/initrd"
}

# Its memory is a file, deleted at once; on a disk it is slow but for the cache.
boot() {
	local tmp=/dev/shm
	[[ -w $tmp ]] || tmp=$scratch
	TMPDIR=$tmp timeout -k 10 900 "$dir/linux" mem="${mem}M" seccomp=on ncpus="$cpus" \
		initrd="$scratch/initrd" rdinit=/init con=null con0=fd:0,fd:1 quiet panic=-1 \
		</dev/null 2>&1 | tr -d '\r'
}

"$LAB_SCRIPTS/deps.sh" fetch kunit vm
log_dir
config=$LAB_ROOT/tests/bench/uml.config
source=$("$LAB_SCRIPTS/kernel.sh" source 7.3)
key=bench-$(basename "$source")-$(sha256sum <"$config" | cut -c 1-12)
dir=$LABYRINTH_CACHE/uml/$key
take_lock "uml-$key"
kernel
modules
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
pack_root "$1" "$2"
log=$LABYRINTH_LOGS/bench-uml-$cpus.log
run_logged "running in User-Mode Linux with $cpus CPU(s)" "$log" boot || true
grep -qx 'bench-uml: exit 0' "$log" || { show_tail "$log"; die "the run did not come to its end"; }
cat "$log"
