#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/package.sh [--out DIR] [--test]
# Makes the Debian packages labyrinth-dkms, -dev, -tools and -doc, in DIR (default: debs in
# LABYRINTH_CACHE), in a fresh Debian 12 of its own (mmdebstrap) which has what debian/control asks
# for and nothing else. Whatever lintian says fails.
#   --test   then in a second one: they are installed, a driver is built against them, a second
#            kernel's headers come, the driver is built again, all is removed; and what labyrinth-lab
#            does with virtual machines is tried on this machine

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"
# shellcheck source=scripts/apt.sh
. "$LAB_SCRIPTS/apt.sh"

# in_debian HOOK...: in a fresh one, which is gone afterwards. Its packages come from where
# this machine's do, by the same proxy.
# shellcheck disable=SC2016 # mmdebstrap's $1
in_debian() {
	apt-config dump Acquire >"$work/apt.conf"
	apt_sources '' | mmdebstrap --quiet --mode="$mode" --format=null --variant=apt --include=ca-certificates \
		--aptopt="$work/apt.conf" --setup-hook='mkdir -p "$1/root"' "${@/#/--customize-hook=}" bookworm /dev/null -
}

# What a hook runs in the new Debian knows nothing of this machine but how to reach the network.
inside="chroot \"\$1\" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C ${http_proxy:+http_proxy=$http_proxy} sh"

# Without what a build leaves, and without what git has.
pack_source() {
	tar -C "$LAB_ROOT" --transform='s,^\.,labyrinth,' --exclude=./.git --exclude='*.ko' --exclude='*.o' -cf "$work/source.tar" .
}

make_packages() {
	in_debian "tar-in $work/source.tar /root" \
		"$inside /root/labyrinth/tests/package/build.sh" \
		"sync-out /root/debs $out"
}

try_packages() {
	in_debian "copy-in $out $LAB_ROOT/tests/package/try.sh $LAB_ROOT/tests/selftests/ktap.sh /root" \
		"mv \"\$1/root/${out##*/}\" \"\$1/root/packages\" && mkdir \"\$1/root/debs\" && cp \"\$1\"/root/packages/*.deb \"\$1/root/debs\"" \
		"$inside /root/try.sh || :"
}

# try_lab COMMAND...: what labyrinth-lab would run, of the package unpacked, on this machine.
try_lab() {
	local name=${1##*/}
	run_logged "labyrinth-dev's ${name%.sh}" "$LABYRINTH_LOGS/package-$name.log" \
		env -u LABYRINTH_RESULTS LABYRINTH_LOGS="$work/logs" "$work/dev/usr/share/labyrinth/scripts/$1" "${@:2}"
}

out='' test=''
options "out=out test" "$@"
no_arguments "${args[@]}"
log_dir
arch_set "$KERNEL_DEFAULT"
out=$(realpath "${out:-$LABYRINTH_CACHE/debs}")
mkdir -p "$out"
"$LAB_SCRIPTS/deps.sh" package
mode=unshare
((EUID != 0)) || mode=root
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
take_lock package
pack_source
rm -f "$out"/labyrinth*
result_of "package: built, lintian is silent" run_logged "making the packages in a fresh Debian" \
	"$LABYRINTH_LOGS/package-build.log" make_packages
status=0
if [[ -n $test ]]; then
	run_logged "trying the packages in a fresh Debian" "$LABYRINTH_LOGS/package-try.log" try_packages ||
		{ result fail "package: the trial has broken off"; status=1; }
	judge_ktap result package "$LABYRINTH_LOGS/package-try.log" || status=1
	dpkg-deb -x "$out"/labyrinth-dev_*.deb "$work/dev"
	mkdir "$work/logs"
	result_of "package: labyrinth-lab vm" try_lab check-driver.sh || status=1
	result_of "package: labyrinth-lab test" try_lab selftest.sh tests/selftests/load.sh || status=1
	result_of "package: labyrinth-lab demo" try_lab demo.sh --check || status=1
	say "the log is $LABYRINTH_LOGS/package-try.log"
fi
say "$out:" "$(cd "$out" && echo *.deb)"
exit "$status"
