# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# lib.sh - what tools/run, tools/test and tools/bench have in common. To be sourced by bash.

TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$TOOLS")

say() { printf '%s\n' "$*" >&2; }

die() {
	say "tools/${0##*/}: $*"
	exit 1
}

# packages_of GROUP... - names of the groups in tools/packages.
packages_of() {
	awk -v wanted=" $* " '
		{ sub(/#.*/, "") }
		/^@/ { on = index(wanted, " " substr($1, 2) " ") }
		!/^@/ && NF && on { print $1 }' "$TOOLS/packages"
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# A package that brings a service shall not start it on the machine of whoever tries us:
# nginx would take port 80. An administrator's own policy is respected.
without_services() {
	local policy=/usr/sbin/policy-rc.d rc=0
	if [ -e "$policy" ]; then
		"$@"
		return
	fi
	printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
	"$@" || rc=$?
	rm -f "$policy"
	return "$rc"
}

install_packages() {
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# ensure_packages GROUP... - install what is missing of the groups, as root.
ensure_packages() {
	local name log missing=()
	for name in $(packages_of "$@"); do
		is_installed "$name" || missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "these packages are missing; as root: apt-get install ${missing[*]}"
	say "Installing (some minutes on a fresh machine): ${missing[*]}"
	log=$(mktemp)
	without_services install_packages "${missing[@]}" >"$log" 2>&1 && { rm -f "$log"; return; }
	# The package lists of a fresh image are often empty or old.
	if apt-get update -qq >>"$log" 2>&1; then
		without_services install_packages "${missing[@]}" >>"$log" 2>&1 &&
			{ rm -f "$log"; return; }
	fi
	grep -E '^[EW]: ' "$log" >&2 || tail -n 20 "$log" >&2
	rm -f "$log"
	die "apt-get cannot install ${missing[*]}; its words are above. Is there a network?"
}

# ensure_npm [--tests] - have what tools/npm names below $TIDEGATE_NPM (build-npm, which git
# ignores): uPlot for the dashboard, and with --tests what drives a browser. Versions and
# checksums are those of the lock file there. Returns 1 when it cannot be had, after saying
# what is missing then; the daemon builds all the same.
ensure_npm() {
	local folder=${TIDEGATE_NPM:-$ROOT/build-npm} log wanted=(uplot) options=(--omit=dev) name
	if [ "${1-}" = --tests ]; then
		wanted+=(playwright-core) options=()
	fi
	for name in "${wanted[@]}"; do
		[ "$(npm_version "$folder/node_modules/$name/package.json")" = \
			"$(npm_version "$TOOLS/npm/package-lock.json" "node_modules/$name")" ] || name=
		[ -n "$name" ] || break
	done
	[ -z "$name" ] || return 0
	if ! command -v npm >/dev/null; then
		say "npm is not installed, so the dashboard has tables and no charts; as root: apt-get install npm"
		return 1
	fi
	log=$(mktemp)
	if mkdir -p "$folder" && cp "$TOOLS"/npm/package*.json "$folder/" &&
		npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund "${options[@]}" >"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	tail -n 5 "$log" >&2
	rm -f "$log"
	say "npm cannot fetch ${wanted[*]}; its words are above. The dashboard then has no charts."
	return 1
}

# npm_version FILE [KEY] - the first "version" of a JSON file of npm's, or the first after KEY.
npm_version() {
	awk -v key="\"${2-}\":" '
		key == "\"\":" || index($0, key) { on = 1 }
		on && /"version":/ { gsub(/[",]/, "", $2); print $2; exit }' "$1" 2>/dev/null
}

# ensure_hugepages MIB - have so much of it free in 2 MiB pages. Returns 1 when it cannot be
# had, after saying what that costs; everything works without.
ensure_hugepages() {
	local pages=$((($1 + 1) / 2)) free total available
	local count=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
	local cost="without hugepages it runs all the same, at the cost of more TLB misses"
	[ -w "$count" ] || { say "No 2 MiB hugepages here; $cost."; return 1; }
	free=$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)
	available=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
	if [ "$free" -lt "$pages" ]; then
		# Never take the last quarter of somebody's memory for a demonstration.
		if [ "$available" -lt $(($1 * 4)) ]; then
			say "Only $available MiB of memory are free; $cost."
			return 1
		fi
		total=$(cat "$count")
		echo $((total + pages - free)) >"$count" 2>/dev/null || true
		free=$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)
		[ "$free" -ge "$pages" ] || { say "The kernel gives no $1 MiB of hugepages; $cost."; return 1; }
		say "Took $1 MiB of hugepages; to give them back: echo $total > $count"
	fi
	if ! grep -q ' hugetlbfs ' /proc/mounts; then
		mkdir -p /dev/hugepages 2>/dev/null || true
		mount -t hugetlbfs nodev /dev/hugepages 2>/dev/null ||
			{ say "hugetlbfs cannot be mounted; $cost."; return 1; }
	fi
}

# What runs: the daemon, its command, and who plays the Internet in the story and the tests.
PROGRAMS=(app/tidegated/tidegated app/tidegate/tidegate tools/trafficgen/trafficgen tools/story/crowd)

# ensure_build FOLDER [meson option]... [target]... - configure once, then build what has
# changed: the named targets, or everything. Options begin with a minus. Who comes while
# somebody else builds there waits.
ensure_build() {
	local folder=$1 word log lock options=() targets=()
	# What ccache has compiled before, in whichever checkout, need not be compiled again. It asks
	# the compiler which headers were read, instead of running the preprocessor first.
	local -x CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
	shift
	for word; do
		case $word in
		-*) options+=("$word") ;;
		*) targets+=("$word") ;;
		esac
	done
	if [ -e "$folder" ] && [ ! -w "$folder" ]; then
		die "$folder is not yours to write; name another one: TIDEGATE_BUILD=FOLDER $0"
	fi
	mkdir -p "$folder" || die "$folder cannot be made"
	exec {lock}>"$folder/.lock"
	flock "$lock"
	log=$(mktemp)
	if [ ! -e "$folder/build.ninja" ]; then
		say "Building into $folder"
		meson setup "$folder" "$ROOT" "${options[@]}" >"$log" 2>&1 ||
			{ cat "$log" >&2; rm -f "$log"; die "meson cannot configure $folder"; }
	fi
	ninja -C "$folder" "${targets[@]}" >"$log" 2>&1 ||
		{ tail -n 60 "$log" >&2; rm -f "$log"; die "the build in $folder fails"; }
	rm -f "$log"
	exec {lock}>&-
}
