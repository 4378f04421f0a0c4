#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/deps.sh [purpose...]
# Installs the Debian packages that a purpose needs and that are not there:
# fetch, build, static, docs, model, cocci, kunit, debug, vm, kdump, drgn, secure,
# package, kselftest, or an architecture of scripts/kernels.tsv. Without a purpose: all of them.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

packages_for() {
	case $1 in
	fetch) echo xz-utils zstd lz4 kmod ;;
	# objtool comes built with the headers and wants these two libraries;
	# pahole makes the BTF of a module where the headers hold the kernel's.
	build) echo make libc6-dev libelf1 libssl3 pahole ;;
	static) echo perl sparse shellcheck ;;
	kunit) echo make gcc libc6-dev flex bison bc perl python3 ;;
	debug) echo make gcc libc6-dev flex bison bc libelf-dev ;;
	docs) echo perl python3-sphinx graphviz man-db ;;
	kselftest) echo make gcc libc6-dev rsync cpio perl ;;
	package) echo mmdebstrap ;;
	secure) echo ovmf sbsigntool openssl python3 ;;
	model) echo spin gcc libc6-dev python3 ;;
	cocci) echo coccinelle ;;
	vm) echo qemu-system-x86 busybox-static cpio ;;
	kdump) echo makedumpfile python3-drgn ;;
	drgn) echo python3-drgn ;;
	arm64) echo libc6-dev-arm64-cross qemu-system-arm ;;
	riscv64) echo qemu-system-misc ;;
	esac
	compilers "${1/#build/amd64}"
}

installed() {
	[[ $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) == *' ok installed' ]]
}

as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		sudo "$@"
	fi
}

apt() {
	# Another package manager at work is waited for, not a reason to fail.
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
}

PURPOSES=(fetch build static docs model cocci kunit debug vm kdump drgn secure package kselftest)
mapfile -t ARCHITECTURES < <(compilers | cut -f 1 | sort -u)

options '' "$@"
set -- "${args[@]}"
(($#)) || set -- "${PURPOSES[@]}" "${ARCHITECTURES[@]}"
for purpose; do
	[[ " ${PURPOSES[*]} ${ARCHITECTURES[*]} " == *" $purpose "* ]] ||
		die "unknown purpose '$purpose' (see --help)"
done

missing=()
for purpose; do
	for package in $(packages_for "$purpose"); do
		installed "$package" || missing+=("$package")
	done
done
((${#missing[@]})) || exit 0

((EUID == 0)) || command -v sudo >/dev/null ||
	die "neither root nor sudo: please have installed, by apt-get:" "${missing[@]}"
# Twice at once would only fail on each other's locks.
take_lock packages
log_dir
say "to be installed:" "${missing[@]}"
run_logged "apt-get update" "$LABYRINTH_LOGS/apt-update.log" apt update ||
	say "going on with the package lists that are there"
run_logged "installing packages" "$LABYRINTH_LOGS/apt-install.log" \
	apt install -y --no-install-recommends "${missing[@]}" ||
	die "the packages could not be installed"
