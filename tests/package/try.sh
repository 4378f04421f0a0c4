#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck source=tests/selftests/ktap.sh
#
# Run by scripts/package.sh --test as root in a fresh Debian 12 without Labyrinth: the packages
# in /root/debs are installed beside a kernel's headers, a driver is built against them, a second
# kernel's headers come, the driver is built again, and all is removed. What belongs to no kernel
# that runs is all here; to load it is for the self-tests.

. /root/ktap.sh

export DEBIAN_FRONTEND=noninteractive HOME=/root
get() { apt-get -y -q -o Acquire::Retries=3 "$@"; }

# What is named after Labyrinth, and what dkms has put anywhere.
traces() {
	find / -xdev \( -path /proc -o -path /sys -o -path /root -o -path /tmp -o -path /var/cache \) -prune \
		-o -iname '*labyrinth*' -print
	find /lib/modules/*/updates /var/lib/dkms -name '*.ko*'
} 2>/dev/null

# The newest kernel whose headers are here and were not before.
new_kernel() {
	for dir in /lib/modules/*/build; do
		release=${dir%/build} release=${release##*/}
		case " $kernels " in
		*" $release "*) ;;
		*) kernels="$kernels $release" new=$release ;;
		esac
	done
}

is_installed() { dkms status labyrinth -k "$1" | grep ': installed$'; }

module_of() { modinfo -k "$1" -F "$3" "$2"; }

kept() {
	dir=/usr/src/labyrinth/$1
	[ -s "$dir/Module.symvers" ] && [ -s "$dir/labyrinth_alloc.h" ] && [ -d "$dir/inline" ]
}

# As somebody does who has read README.
build_driver() {
	rm -rf /root/my_driver
	cp -r /usr/share/labyrinth/samples/template /root/my_driver
	make -C "/lib/modules/$1/build" M=/root/my_driver modules >/root/driver.log 2>&1
	status=$?
	cat /root/driver.log
	[ "$status" -eq 0 ] && ! grep -iE 'warning|undefined' /root/driver.log
}

# fits RELEASE: the driver is for that kernel, and its symbols' sums are Labyrinth's where
# the kernel has any.
fits() {
	ko=/root/my_driver/my_driver.ko
	[ "$(modinfo -F depends "$ko")" = labyrinth ] &&
		[ "$(modinfo -F vermagic "$ko" | cut -d ' ' -f 1)" = "$1" ]
}

on_kernel() {
	ktap_check "$1: dkms has built and installed it" is_installed "$1"
	ktap_equal "$1: modinfo finds labyrinth" "$version" "$(module_of "$1" labyrinth version)"
	ktap_equal "$1: modinfo finds labyrinth_watch" "$version" "$(module_of "$1" labyrinth_watch version)"
	ktap_contains "$1: dkms has signed it" . "$(module_of "$1" labyrinth sig_key)"
	ktap_refuse "$1: no sample is installed" module_of "$1" labyrinth_foreign name
	ktap_check "$1: headers and Module.symvers are kept" kept "$1"
	ktap_check "$1: the template is built by README's two lines" build_driver "$1"
	ktap_check "$1: it is a driver for this kernel and Labyrinth" fits "$1"
}

# As secure-boot.rst says, from where labyrinth-doc has it: a key, and the lines for dkms.
guide() { zcat -f /usr/share/doc/labyrinth-doc/*secure-boot.rst*; }

own_key() {
	(cd /root && guide | sed -n '/^    openssl req /,/-keyout/s/^    //p' | sh) || return
	guide | sed -n 's/^    \(mok_[a-z_]*=.*\)/\1/p' >/root/lines
	[ "$(wc -l </root/lines)" -eq 2 ] && cat /root/lines >>/etc/dkms/framework.conf
}

manual() { man -w "$1" "$2"; }

not_loaded() { labyrinth 2>&1 | grep 'labyrinth is not loaded: modprobe labyrinth'; }

# all_gone: prints what is not.
all_gone() {
	traces
	[ -z "$(traces)" ]
}

version=$(dpkg-deb -f /root/debs/labyrinth-dkms_*.deb Version)
kernels=''
ktap_plan 28
get update || exit 1
get install --no-install-recommends dkms linux-headers-amd64 man-db || exit 1
new_kernel
first=$new
ktap_check "nothing of it is here before" all_gone
ktap_check "the packages are installed" get install --no-install-recommends /root/debs/*.deb
on_kernel "$first"
ktap_check "the command says that nothing is loaded" not_loaded
ktap_check "labyrinth(4)" manual 4 labyrinth
ktap_check "labyrinth(8)" manual 8 labyrinth
ktap_check "labyrinth(9)" manual 9 labyrinth
ktap_check "labyrinth-lab builds the driver for a kernel that is not installed" \
	labyrinth-lab build --driver /usr/share/labyrinth/samples/template --out /root/out
ktap_check "dkms is told of a key of one's own, as the guide says" own_key
# A second kernel comes, as an update does.
ktap_check "a second kernel's headers are installed" \
	get install --no-install-recommends -t bookworm-backports linux-headers-amd64
new_kernel
on_kernel "$new"
ktap_equal "$new: it is signed by that key" "my modules" "$(module_of "$new" labyrinth signer)"
ktap_check "the packages are removed" get purge 'labyrinth-*'
ktap_check "nothing of it is left" all_gone
ktap_end
