#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest of mok.sh: before the key is enrolled, asks for that by mokutil; afterwards, uses it.
# The kernel's command line says which of the two.

. tests/selftests/ktap.sh

PASSWORD=labyrinth

ask() {
	ktap_plan 7
	ktap_contains "Secure Boot is on" "^SecureBoot enabled" "$(mokutil --sb-state)"
	ktap_contains "the kernel has locked itself down" '\[integrity\]' "$(cat /sys/kernel/security/lockdown)"
	ktap_contains "the key is not enrolled" "is not enrolled" "$(mokutil --test-key mok.der 2>&1)"
	ktap_refuse "a module that it has signed does not load" insmod labyrinth.ko
	ktap_refuse "nor does one without a signature" insmod unsigned/labyrinth.ko
	# --import would ask for the password: this is another way to tell it.
	mokutil --generate-hash=$PASSWORD >/tmp/hash
	ktap_check "mokutil asks for it to be enrolled" mokutil --import mok.der --hash-file /tmp/hash
	ktap_contains "and says so" "CN=my modules" "$(mokutil --list-new)"
}

use() {
	ktap_plan 7
	ktap_contains "the kernel is locked down again" '\[integrity\]' "$(cat /sys/kernel/security/lockdown)"
	ktap_contains "the key is enrolled" "is already enrolled" "$(mokutil --test-key mok.der 2>&1)"
	ktap_contains "it is in mokutil's list" "CN=my modules" "$(mokutil --list-enrolled)"
	ktap_contains "and in /proc/keys" "my modules" "$(cat /proc/keys)"
	ktap_refuse "a module without a signature does not load" insmod unsigned/labyrinth.ko
	ktap_check "one that it has signed loads" insmod labyrinth.ko guard=refuse
	ktap_check "and unloads" rmmod labyrinth
}

insmod efivarfs.ko
mount -t efivarfs efivarfs /sys/firmware/efi/efivars
case $(cat /proc/cmdline) in
*mok_step=ask*) ask ;;
*mok_step=use*) use ;;
esac
ktap_end
