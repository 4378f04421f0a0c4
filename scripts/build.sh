#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/build.sh [--kernel KERNEL] [--out DIR] [--driver DIR] [--sparse]
#        scripts/build.sh --every USE
# Builds labyrinth.ko and the samples against the stock headers of a kernel, with
# W=1 and warnings as errors, and copies the modules to DIR. The sources are
# copied to the cache first, so that nothing is generated in the checkout.
# KERNEL is one of scripts/kernels.tsv, default the first.
# --driver then builds the driver in DIR, which has a Kbuild or Makefile with README's two
# lines, against that Labyrinth, and copies its modules to the folder driver below --out.
# DIR is copied first, and has to have all that belongs to it. One in this checkout is
# built with W=1 and warnings as errors too.
# --sparse runs sparse over all of them instead; any warning fails.
# --every builds for each stock kernel of the table that has the use, all of them if it
# is "any", and samples/template as a driver; a result for each. A kernel that is too old must be refused.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

kernel=$KERNEL_DEFAULT every='' out='' driver='' sparse=''
options "kernel=kernel every=text out=out driver=driver sparse" "$@"
no_arguments "${args[@]}"

# Where make runs: on this machine, unless the kernel wants a newer one.
maker() {
	if kernel_builds_here "$kernel"; then
		make "$@" </dev/null
	else
		"$LAB_SCRIPTS/tools.sh" "$kernel" make "$@"
	fi
}

kbuild() {
	maker --no-print-directory -C "$headers" M="$work" "${ARCH_MAKE[@]}" "${compiler[@]}" -j"$(nproc)" \
		W=1 KCFLAGS=-Werror \
		CONFIG_LABYRINTH=m CONFIG_LABYRINTH_WATCH=m CONFIG_LABYRINTH_SAMPLES=m CONFIG_LABYRINTH_SELFTEST=m CONFIG_LABYRINTH_BENCH=m \
		CONFIG_LABYRINTH_TORTURE=m "${suites[@]}" "$@" modules
}

# modpost only warns, and its warnings do not come again on the next run: so a
# build with warnings is thrown away.
clean_build() {
	local log=$1
	shift
	if run_logged "$title" "$log" kbuild "$@" && ! grep -E 'warning:|WARNING:' "$log" >&2; then
		return 0
	fi
	say "the build with its warnings is in $log"
	rm -rf "$work"
	return 1
}

copy_modules() {
	local ko
	# The order file names the modules of this build, not leftovers of others.
	sed 's/\.o$/.ko/' "$work/modules.order" | while IFS= read -r ko; do
		ko=${ko#"$work/"}
		install -D -m 644 "$work/$ko" "$out/$ko"
	done
}

# Not where README's two lines look for it: what the command line says comes before.
build_driver() {
	local log=$LABYRINTH_LOGS/driver-$kernel.log strict=() flags="-I$work"
	if [[ $driver == "$LAB_ROOT"/* ]]; then
		strict=(W=1) flags+=' -Werror -Wno-missing-include-dirs'
	fi
	rm -rf "$work.driver"
	cp -r "$driver" "$work.driver"
	# What was built there is for another kernel.
	find "$work.driver" \( -name '*.ko' -o -name '*.o' -o -name '.*.cmd' -o -name '*.mod' -o -name '*.mod.c' \) -delete
	run_logged "building the driver in $driver, kernel $kernel" "$log" \
		maker --no-print-directory -C "$headers" M="$work.driver" "${ARCH_MAKE[@]}" "${strict[@]}" \
		KCFLAGS="$flags" KBUILD_EXTRA_SYMBOLS="$work/Module.symvers" modules || return
	! grep -E 'warning:|WARNING:' "$log" >&2 || [[ ${#strict[@]} == 0 ]] || return
	[[ -z $out ]] || (cd "$work.driver" && find . -name '*.ko' -exec install -D -m 644 -t "$out/driver" {} +)
}

# Findings in the kernel's own headers are not ours to repair.
sparse_findings() {
	grep -E '(warning|error):' "$1" | grep -F "$work/" || true
}

run_sparse() {
	local log=$LABYRINTH_LOGS/sparse-$kernel.log
	clean_build "$LABYRINTH_LOGS/build-$kernel.log"
	# -j1: two at once mix their lines.
	title="sparse over all files, kernel $kernel"
	run_logged "$title" "$log" kbuild -j1 C=2 || return
	if ! grep -q '^ *CHECK ' "$log"; then
		say "sparse has looked at no file, see $log"
		return 1
	fi
	sparse_findings "$log" >"$log.ours"
	if [[ -s $log.ours ]]; then
		say "sparse has findings, see $log"
		show_tail "$log.ours"
		return 1
	fi
}

# refused KERNEL: the build ends with one sentence, and it is ours.
refused() {
	local said=$LABYRINTH_LOGS/refused-$1.log errors
	! "$0" --kernel "$1" >"$said" 2>&1 || return
	errors=$(grep -E '(error|warning|ERROR|WARNING):' "$LABYRINTH_LOGS/build-$1.log")
	say "    $errors"
	[[ $(wc -l <<<"$errors") == 1 && $errors == *': error: #error "'*Labyrinth* ]]
}

# What Debian has. Those built from source are built for by who boots them.
build_every() {
	local kernel status=0
	for kernel in $(kernels "${every/#any/}"); do
		[[ -n $(kernel_field "$kernel" flavour) ]] || continue
		if kernel_known "$kernel" refused; then
			result_of "$kernel is refused" refused "$kernel" || status=1
		else
			result_of "build against $kernel" "$0" --kernel "$kernel" --driver "$LAB_ROOT/samples/template" || status=1
		fi
	done
	return "$status"
}

if [[ -n $every ]]; then
	[[ $every == any || -n $(kernels "$every") ]] || die "no kernel has the use '$every' (see --help)"
	log_dir
	build_every
	exit
fi
arch_set "$kernel"
[[ -z $driver ]] || driver=$(realpath "$driver")
[[ -z $out ]] || out=$(realpath "$out")
log_dir
"$LAB_SCRIPTS/deps.sh" fetch build "${ARCH_NEEDS[@]}"
headers=$("$LAB_SCRIPTS/kernel.sh" headers "$kernel")
# The compiler of its own time is not in Debian 12.
compiler=()
! kernel_known "$kernel" refused || compiler=("CC=$(kernel_field "$kernel" compiler)")
# The KUnit suites as well, if the kernel can run them.
suites=()
! grep -q '^CONFIG_KUNIT=[ym]' "$headers/.config" || suites=(CONFIG_LABYRINTH_KUNIT_TEST=m)
# One build folder per kernel version and checkout.
name=build-$(basename "$(dirname "$(dirname "$(dirname "$headers")")")")
name+=-$(sha256sum <<<"$LAB_ROOT" | cut -c 1-8)
work=$LABYRINTH_CACHE/build/$name
# Fetched now, or the wait for it would look like one for the compiler.
kernel_builds_here "$kernel" || "$LAB_SCRIPTS/kernel.sh" tools "$kernel" >/dev/null
title="building against the headers of kernel $kernel, W=1"
take_lock "$name"
# An earlier run was killed in the middle: what it left may be half written.
[[ ! -e $work/.building ]] || rm -rf "$work"
sync_sources "$work"
touch "$work/.building"
if [[ -n $sparse ]]; then
	run_sparse
else
	clean_build "$LABYRINTH_LOGS/build-$kernel.log"
	[[ -z $out ]] || copy_modules
fi
# A driver is built beside, and may well not compile.
rm -f "$work/.building"
[[ -z $driver || -n $sparse ]] || build_driver
