#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/kunit.sh [option...] [filter]
# Runs the KUnit suites in User-Mode Linux by the kernel's own kunit.py, with
# Labyrinth built into the kernel. The filter is kunit.py's, by default
# 'labyrinth*'. The first run builds a kernel, which takes some minutes.
#   --kernel K      one of scripts/kernels.tsv whose use is kunit, default the first; of
#                   another architecture: not in User-Mode Linux, but on an emulated
#                   machine
#   --config FILE   added to tests/kunit/.kunitconfig
#   --cpus N        default 1; User-Mode Linux can have more from 7.3 on, with CONFIG_SMP

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

kernel=$KERNEL_DEFAULT cpus=1 config=() configs=("$LAB_ROOT/tests/kunit/.kunitconfig")
options "kernel=kernel:kunit config+=file cpus=count" "$@"
((${#args[@]} < 2)) || die "more than one filter: ${args[*]@Q} (see --help)"
filter=${args[0]:-labyrinth*}
title="kunit $kernel"
for file in "${config[@]}"; do
	configs+=("$(realpath -e "$file")")
	title+=" $(basename "$file" .config)"
done

# One that no suite matches would be found out when all is built.
check_filter() {
	local suite
	while IFS= read -r suite; do
		# shellcheck disable=SC2053 # a pattern it is
		[[ $suite != ${filter%%.*} ]] || return 0
	done <<<"$1"
	die "no suite matches '$filter', only there are:" "$(xargs <<<"$1")"
}
check_filter "$(sed -n '/^static struct kunit_suite/,/^}/s/.*\.name = "\(.*\)".*/\1/p' "$LAB_ROOT"/tests/kunit/*.c)"

# The kernel's tree with Labyrinth in it.
make_farm() {
	local farm=$1
	rm -rf "$farm"
	link_tree "$source" "$farm" tools/testing/kunit Kbuild Kconfig
	echo 'obj-y += labyrinth/' >>"$farm/Kbuild"
	echo 'source "labyrinth/Kconfig"' >>"$farm/Kconfig"
}

# A farm and a build that are there are used again, unless a run was killed while
# it was building; an interrupt is no such case, as make then cleans up.
prepare() {
	mkdir -p "$dir"
	[[ ! -e $dir/.building ]] || rm -rf "$dir/build" "$dir/.building"
	if [[ ! -d $dir/tree ]]; then
		make_farm "$dir/tree.new"
		mv -T "$dir/tree.new" "$dir/tree"
	fi
	sync_sources "$dir/tree/labyrinth"
}

kunit_py() {
	local verb=$1
	shift
	env -C "$dir/tree" /usr/bin/python3 -u tools/testing/kunit/kunit.py "$verb" \
		"${machine[@]}" --build_dir="$dir/build" "$@"
}

# The mark stays only if we are killed outright: an interrupt leaves nothing half
# made, as make removes that itself before it ends.
build() {
	local status=0
	touch "$dir/.building"
	trap 'rm -f "$dir/.building"; interrupted' INT
	run_logged "building a kernel with Labyrinth and its tests" "$LABYRINTH_LOGS/kunit-build.log" \
		kunit_py build "${configs[@]/#/--kunitconfig=}" --jobs="$(nproc)" || status=$?
	trap interrupted INT
	rm -f "$dir/.building"
	return "$status"
}

run_tests() {
	local args=()
	# Several CPUs are threads of one process that traps its own system calls.
	((cpus == 1)) || args=(--kernel_args=seccomp=on "--kernel_args=ncpus=$cpus")
	# The console of an earlier run must not be taken for that of this one.
	rm -f "$dir/build/test.log"
	# kunit.py resets the terminal, also where there is none; nobody needs to
	# read that this did not work.
	kunit_py exec --timeout=1800 "${args[@]}" "$filter" 2>&1 </dev/null | sed -u '/^stty: /d' |
		tee "$LABYRINTH_LOGS/kunit-run.log" >&2
}

# The console goes on after the last result with the shutdown, which is not ours.
judge() {
	local failed=0
	cp "$dir/build/test.log" "$log" 2>/dev/null || : >"$log"
	judge_ktap record_result "$title" "$log" || failed=1
	if ((status != 0 && failed == 0)); then
		result fail "$title: kunit.py ended with status $status"
		failed=1
	fi
	if ! "$LAB_SCRIPTS/scan-log.sh" --after '^ *(K?TAP version)' "$log" >&2; then
		result fail "$title: the kernel complained on its console"
		failed=1
	fi
	((failed == 0)) || show_tail "$log"
	return "$failed"
}

arch_set "$kernel"
machine=(--arch=um)
[[ $ARCH == amd64 ]] ||
	machine=("--arch=${ARCH_MAKE[0]#ARCH=}" "--cross_compile=$ARCH_CROSS" "--make_options=CC=$ARCH_CC")
log_dir
"$LAB_SCRIPTS/deps.sh" fetch kunit "${ARCH_NEEDS[@]}"
source=$("$LAB_SCRIPTS/kernel.sh" source "$(kernel_host "$kernel")")
key=$(basename "$source")-$(cat "${configs[@]}" | sha256sum | cut -c 1-12)
[[ $ARCH == amd64 ]] || key=$ARCH-$key
dir=$LABYRINTH_CACHE/uml/$key
log=$LABYRINTH_LOGS/kunit-console.log

take_lock "uml-$key"
prepare
build || { result fail "$title: the kernel with the tests does not build"; exit 1; }
say "running the KUnit suites on $kernel with $cpus CPU(s)"
status=0
run_tests || status=$?
judge
