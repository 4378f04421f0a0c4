#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest: loads Labyrinth with its parameters, and then, in the folder that has the
# modules of the driver, runs the script or gives a shell on the port of the command:
#   driver.sh "guard=refuse" [script]

# shellcheck disable=SC2086 # parameters are words
insmod labyrinth.ko $1 || exit
cd driver || exit
[ -z "${2:-}" ] || exec sh "../extra/$2"
port=/dev/$(cat /tty)
echo "Labyrinth is loaded; here are: $(echo *.ko). Leave by exit."
# A new session, whose terminal is the first one that it opens.
exec setsid sh -c "exec sh -i <$port >$port 2>&1"
