#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# manual - a page whose end comes from the program's own tables, as scdoc makes it.
# usage: manual.sh HEAD SCDOC COMMAND...
set -eu
# A sanitized build would tell of memory that the system takes back anyway.
export ASAN_OPTIONS=detect_leaks=0
head=$1 scdoc=$2
shift 2
{ cat "$head"; echo; "$@"; } | "$scdoc"
