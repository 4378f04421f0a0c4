# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Run by scripts/check-driver.sh where the template driver has been built. Ends with 7 if
# all is as it should be, for a status that nothing else gives.

insmod my_driver.ko || exit 1
awk '$0 ~ /my-rx/' /sys/kernel/debug/labyrinth/owners
grep -q 'my-rx' /sys/kernel/debug/labyrinth/owners || exit 2
cat /sys/bus/pci/devices/*/uevent | grep -q PCI_ID=1234:11E8 || exit 3
rmmod my_driver || exit 4
dmesg | grep 'my_driver: 0 pages were still out' || exit 5
exit 7
