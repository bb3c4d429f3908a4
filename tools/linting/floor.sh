#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# floor - an include folder that holds one room and nothing else.
# usage: floor.sh FLOORS ROOM SOURCE    makes FLOORS/ROOM/ROOM -> SOURCE, prints FLOORS/ROOM
set -eu
mkdir -p "$1/$2"
ln -sfn "$3" "$1/$2/$2"
printf '%s\n' "$1/$2"
