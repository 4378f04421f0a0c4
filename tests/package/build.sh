#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by scripts/package.sh as root in a fresh Debian, which has the source in
# /root/labyrinth: makes the packages there, with nothing installed but what debian/control asks for,
# and fails where lintian has a word to say.

set -eu
export DEBIAN_FRONTEND=noninteractive
cd /root/labyrinth
apt-get install -y -q --no-install-recommends dpkg-dev
apt-get build-dep -y -q --no-install-recommends ./
dpkg-buildpackage -us -uc -b
apt-get install -y -q --no-install-recommends lintian
mkdir /root/debs
mv ../*.deb ../*.changes ../*.buildinfo /root/debs
echo "lintian:"
lintian --allow-root --display-info --pedantic /root/debs/*.changes >/root/lintian 2>&1 || :
cat /root/lintian
[ ! -s /root/lintian ]
