#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/check-install.sh [--kernel KERNEL]
# Does with the Makefile, in a copy of this checkout, what README says: builds, installs into a
# folder, builds the template driver against what is installed there, uninstalls, cleans. Nothing
# may be left of it. Then where make cannot work: in a path with blanks, and without headers.
# KERNEL is one of scripts/kernels.tsv that is built for on this machine, default the first.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

# A warning, an error that is let pass, and what sign-file says where there is no key.
SUSPICIOUS='[Ww]arning|WARNING|[Ee]rror|SSL'

make_here() { make --no-print-directory -C "$tree" -j"$(nproc)" "KDIR=$headers" "INSTALL_MOD_PATH=$to" "$@"; }

# said_well TARGET: the target is made without a word that is suspicious.
said_well() {
	local log=$LABYRINTH_LOGS/make-$1.log
	run_logged "make $1" "$log" make_here "$1" || return
	# depmod wants lists of the kernel's own modules, which are not in the folder.
	! grep -vE '^depmod: WARNING: could not open modules\.(order|builtin)' "$log" | grep -E "$SUSPICIOUS" >&2
}

# same NAME WANTED GOT: two lists.
same() { diff -u --label wanted --label got <(sort <<<"$2") <(sort <<<"$3") >&2; }

files() { (cd "$1" && find . -type f -printf '%P\n'); }

installed() { files "$to" | grep -v "^lib/modules/$release/modules\." || true; }

wanted() {
	local dev=usr/src/labyrinth/$release
	printf '%s\n' "lib/modules/$release/updates/labyrinth.ko" "lib/modules/$release/updates/watch/labyrinth_watch.ko" \
		"$dev/labyrinth_alloc.h" "$dev/labyrinth_compat.h" "$dev/Module.symvers"
	(cd "$LAB_ROOT" && printf "$dev/%s\n" inline/*.h)
}

# modprobe finds it, by what depmod has written.
findable() {
	[[ $(modinfo -b "$to" -k "$release" -F version labyrinth) == "$(make_here -s version)" ]] &&
		/sbin/modprobe -d "$to" -S "$release" --show-depends labyrinth_watch >/dev/null
}

driver_builds() {
	local dev=$to/usr/src/labyrinth/$release
	cp -r "$LAB_ROOT/samples/template" "$work/driver"
	run_logged "the template driver" "$LABYRINTH_LOGS/installed-driver.log" \
		make -C "$headers" M="$work/driver" "KCFLAGS=-Werror -I$dev" "KBUILD_EXTRA_SYMBOLS=$dev/Module.symvers" modules &&
		[[ $(modinfo -F depends "$work/driver/my_driver.ko") == labyrinth ]]
}

# refuses WORDS ARGUMENT...: make ends with an error, and with the words in a sentence.
refuses() {
	local words=$1 said
	! said=$(make --no-print-directory "${@:2}" 2>&1) || { say "make ${*:2} succeeds"; return 1; }
	grep -qE "$words" <<<"$said" || { say "$said"; return 1; }
}

# Without the headers, make knows as well what it has made.
cleans_without_headers() {
	touch "$tree"/{labyrinth.o,labyrinth.ko,.labyrinth_main.o.d,core/.owner.o.cmd,Module.symvers,modules.order}
	make --no-print-directory -C "$tree" KDIR=/nonexistent clean >/dev/null && same tree "$before" "$(files "$tree")"
}

check() { result_of "install $kernel: $1" "${@:2}" || status=1; }

kernel=$KERNEL_DEFAULT
options "kernel=kernel" "$@"
no_arguments "${args[@]}"
arch_set "$kernel"
if [[ $ARCH != amd64 ]] || ! kernel_builds_here "$kernel" || kernel_known "$kernel" refused; then
	die "kernel '$kernel' is not built for by this machine's make alone (see --help)"
fi
log_dir
"$LAB_SCRIPTS/deps.sh" fetch build
headers=$("$LAB_SCRIPTS/kernel.sh" headers "$kernel")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/labyrinth to=$work/to
mkdir "$tree" "$to"
tar -C "$LAB_ROOT" --exclude=./.git -cf - . | tar -C "$tree" -xf -
make_here clean >/dev/null
before=$(files "$tree")
release=$(sed -n 's/.*"\(.*\)"/\1/p' "$headers/include/generated/utsrelease.h")
status=0
check "make" said_well modules
check "make install" said_well install
check "it installs the modules, the headers and the symbols, and nothing else" same files "$(wanted)" "$(installed)"
check "modinfo and modprobe find them" findable
check "a driver is built against them" driver_builds
check "make uninstall" said_well uninstall
check "it leaves nothing" same files '' "$(installed)"
check "make clean" said_well clean
check "it leaves nothing" same tree "$before" "$(files "$tree")"
check "so it does without the kernel's headers" cleans_without_headers
check "make without headers says what is missing" refuses 'linux-headers' -C "$tree" KDIR=/nonexistent
mv "$tree" "$work/a tree"
check "a path with blanks is refused in a sentence" refuses 'no path with blanks' -C "$work/a tree" "KDIR=$headers"
exit "$status"
