#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# manual - the page of the configuration: its head, then the tables of keys, as scdoc makes them.
# usage: manual.sh HEAD TIDEGATED SCDOC
set -eu
# A sanitized build would tell of memory that the system takes back anyway.
export ASAN_OPTIONS=detect_leaks=0
{ cat "$1"; echo; "$2" print-defaults --manual; } | "$3"
