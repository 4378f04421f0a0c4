#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# on_refusal=panic: a stray write to a sealed page ends the machine, after the report.
# expect: BUG: labyrinth: foreign-(read|write) in (read|write)_word.*\[labyrinth_vault\]
# expect:  access:  8 bytes by the direct map, at offset 0x0; diverted, the page is as it was
# expect: Kernel panic - not syncing: labyrinth: foreign-(read|write) in (read|write)_word

. "${0%/*}/../ktap.sh"
[ "$(uname -m)" = x86_64 ] || ktap_skip_all "pages are sealed on x86-64 only"
insmod labyrinth.ko on_refusal=panic
insmod tests/selftests/labyrinth_vault.ko
echo begin >/sys/module/labyrinth_vault/parameters/do
echo stray >/sys/module/labyrinth_vault/parameters/do
echo "still alive"
