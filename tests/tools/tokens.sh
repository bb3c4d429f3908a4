#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# tokens - `tidegate token`: what it writes is what the daemon reads, and nothing gets lost.
set -u -o pipefail
build=${TIDEGATE_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}
tidegate=$build/app/tidegate/tidegate
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
file=$folder/tokens
bad=0

is() {
	if [ "$2" = "$3" ]; then
		echo "ok $1"
	else
		echo "not ok $1"
		echo "  '$2' instead of '$3'"
		bad=1
	fi
}

token() { "$tidegate" token "$@" --tokens-file "$file" 2>"$folder/said"; }

first=$(token new alice)
is "a new token is 64 digits" "${#first}" 64
is "the file holds its hash, and operate is the default" "$(cat "$file")" \
	"alice:$(printf %s "$first" | sha256sum | cut -d' ' -f1):operate"
is "nobody else reads the file" "$(stat -c %a "$file")" 600
is "the token is not in the file" "$(grep -c "$first" "$file")" 0

# What an operator wrote by hand stays, also without a newline at its end.
printf '# who may\nbob:%064d' 0 >>"$file"
second=$(token new carol --role admin)
is "a second line, and a remark and a hand-made line stay" "$(wc -l <"$file")" 4
is "the list has names and roles" "$(token ls | tr -s ' ' | tr '\n' ',')" "alice operate,bob admin,carol admin,"
is "as JSON too" "$(token ls --json | tr -d ' \n' | grep -o '"name":"[a-z]*"' | wc -l)" 3
token new alice >/dev/null
is "a name is taken once" "$?" 1
is "and the old token stays" "$(grep -c "^alice:$(printf %s "$first" | sha256sum | cut -d' ' -f1)" "$file")" 1
token del alice >/dev/null
is "what is taken back is gone" "$(grep -c '^alice:' "$file")" 0
is "and only that" "$(grep -c "^carol:$(printf %s "$second" | sha256sum | cut -d' ' -f1):admin$" "$file")" 1
token del alice >/dev/null
is "nobody is taken back twice" "$?" 1
token new 'a:b' >/dev/null
is "a colon is no part of a name" "$?" 2
token new dave --role king >/dev/null
is "a role is one of three" "$?" 2
"$tidegate" token new dave --tokens-file "$folder/none/tokens" >/dev/null 2>&1
is "a folder that is missing is told" "$?" 1
is "no half-written file is left" "$(find "$folder" -name '*.new' | wc -l)" 0
exit $bad
