#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/uml.sh [option...] -- command [argument...]
# Boots a kernel as a process of the machine (User-Mode Linux) and runs a command
# in it: real code on real CPUs, with no virtual machine around it. The command finds
# labyrinth.ko, tests/*/*.ko, tests/selftests and scripts/*.sh, and what it prints is
# printed. Ends with its exit status, or with 125 if the kernel died and 124 if it took
# too long. The first run builds the kernel, which takes some minutes.
# Options:
#   --cpus N        default 1
#   --mem MB        default 1024
#   --timeout S     default 900
#   --config FILE   what is added to the kernel's configuration; a kernel of its own then
#   --log DIR       where console.log (kernel) and output.log (command) go

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

DIED=125
# The one program that a test needs which is run here.
REMAP=tests/selftests/user/remap

# The read with care that this architecture makes in C is no fault that KASAN is to tell of.
kmake() { make --no-print-directory ARCH=um -j"$(nproc)" KASAN_SANITIZE_maccess.o=n "$@"; }

# As a command of its own, so that an error in it ends it.
build_kernel() {
	cat "$@" >"$dir/fragment"
	cp "$dir/fragment" "$dir/.config"
	kmake -C "$source" O="$dir" olddefconfig
	config_has "$dir/fragment" "$dir/.config"
	kmake -C "$source" O="$dir"
}

if [[ ${1:-} == --build ]]; then
	source=$2 dir=$3
	build_kernel "${@:4}"
	exit
fi

cpus=1 mem=1024 timeout=900 log='' config=''
options "cpus=count mem=count timeout=count config=file log=out" "$@"
set -- "${args[@]}"
[[ ${1:---} == -- ]] || die "unknown argument '$1': a command comes after -- (see --help)"
(($# > 1)) || die "no command given (see --help)"
shift

# Built once for each version and configuration; the mark is there when it is whole.
kernel() {
	[[ ! -e $dir/.built ]] || return 0
	rm -rf "$dir"
	mkdir -p "$dir"
	run_logged "building a $kernel kernel for User-Mode Linux" "$LABYRINTH_LOGS/uml.log" \
		"$0" --build "$source" "$dir" "${configs[@]}" || die "User-Mode Linux does not build"
	touch "$dir/.built"
}

# Here no module has a KASAN shadow of its own: the red zones around the variables of one
# that is gone would be taken for those of the next at that place.
kasan=(-fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0
	--param asan-globals=0 --param asan-stack=0)

modules() {
	sync_sources "$work"
	run_logged "building the modules for it" "$LABYRINTH_LOGS/uml-modules.log" \
		kmake -C "$dir" M="$work" CONFIG_LABYRINTH=m CONFIG_LABYRINTH_BENCH=m \
		CONFIG_LABYRINTH_TORTURE=m KCFLAGS=-Werror CFLAGS_KASAN="${kasan[*]}" modules || die "the modules do not build"
}

pack_root() {
	local root=$scratch/root ko
	mkdir -p "$root"/{bin,dev} "$root"/labyrinth/{tests,scripts}
	cp /bin/busybox "$root/bin/"
	install -m 755 "$LAB_SCRIPTS/vm/init" "$root/init"
	cp -r "$LAB_ROOT/tests/selftests" "$root/labyrinth/tests/"
	cp -r "$LAB_SCRIPTS"/{*.sh,vm} "$root/labyrinth/scripts/"
	gcc -Wall -Wextra -Werror -O2 -static -o "$root/labyrinth/$REMAP" "$LAB_ROOT/$REMAP.c"
	sed 's/\.o$/.ko/' "$work/modules.order" | while IFS= read -r ko; do
		install -D -m 644 "$work/${ko#"$work/"}" "$root/labyrinth/${ko#"$work/"}"
	done
	printf '%s\n' "exec ${*@Q}" >"$root/command"
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$scratch/initrd"
}

# Its memory is a file, deleted at once; on a disk it is slow but for the cache.
boot() {
	local tmp=/dev/shm
	[[ -w $tmp ]] || tmp=$scratch
	TMPDIR=$tmp timeout --foreground -k 10 "$timeout" "$dir/linux" mem="${mem}M" seccomp=on \
		ncpus="$cpus" initrd="$scratch/initrd" rdinit=/init LAB_END=poweroff LAB_PORT=tty1 \
		con=null con0=null,fd:1 con1=null,fd:3 quiet panic=-1 page_poison=1 \
		</dev/null >"$scratch/console" 2>&1 3>"$scratch/output"
}

# The command's own status if init came to report it.
verdict() {
	local line
	line=$(grep -a '^labyrinth-vm: exit [0-9]*$' "$logs/output.log" | tail -n 1) || true
	[[ -z $line ]] || return "${line##* }"
	show_tail "$logs/console.log"
	(($1 != 124)) || return 124
	return "$DIED"
}

log_dir
"$LAB_SCRIPTS/deps.sh" fetch kunit vm
logs=${log:-$(mktemp -d "$LABYRINTH_LOGS/uml-XXXX")}
mkdir -p "$logs"
kernel=$(kernels uml)
configs=("$LAB_ROOT/tests/bench/uml.config" ${config:+"$config"})
source=$("$LAB_SCRIPTS/kernel.sh" source "$kernel")
key=bench-$(basename "$source")-$(cat "${configs[@]}" | sha256sum | cut -c 1-12)
dir=$LABYRINTH_CACHE/uml/$key
work=$LABYRINTH_CACHE/build/$key-$(sha256sum <<<"$LAB_ROOT" | cut -c 1-8)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(take_lock "uml-$key" && kernel)
(take_lock "$(basename "$work")" && modules && pack_root "$@")
say "running in User-Mode Linux with $cpus CPU(s), logs in $logs"
status=0
boot || status=$?
tr -d '\r' <"$scratch/console" >"$logs/console.log"
tr -d '\r' <"$scratch/output" >"$logs/output.log"
cat "$logs/output.log"
verdict "$status"
