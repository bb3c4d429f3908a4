#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Takes long.
# bench.sh - prove that tools/bench still measures, tells and compares. It judges no figure.
#
# Each proof prints `ok NAME`, or `not ok NAME` with what was seen. Ends with status 1 if one failed.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bench=$here/../../tools/bench
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# verdict NAME SEEN: nothing seen is good.
verdict() {
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		echo "not ok $1"
		sed 's/^/    /' <<<"$2" | head -20
		failed=1
	fi
}

one=$folder/one.json

a_quick_run_writes_a_document() {
	"$bench" --quick --json --scenario mixed_40_30_30 --micro meter >"$one" 2>"$folder/said" || {
		echo "it failed:"
		cat "$folder/said"
		return
	}
	jq -r '
		def want(what; good): if good then empty else "\(what) is wrong or missing" end;
		def spread: .lowest > 0 and .lowest <= .highest;
		want("machine"; .machine.cpu != null and .machine.cores > 0),
		want("date"; .date | test("^20[0-9-]+T")),
		want("commit"; .commit | length > 0),
		want("reference"; [.reference[].mode] == ["io", "macswap", "5tswap"]),
		want("a mode of the reference"; all(.reference[]; spread)),
		want("the list of scenarios"; .scenarios | length == 1),
		(.scenarios[0] |
			want("name"; .scenario == "mixed_40_30_30" and .family == "ipv4"),
			want("cycles"; .lowest <= .cycles_per_packet and .cycles_per_packet <= .highest),
			want("mpps and ratio"; .mpps > 0 and .ratio > 0),
			want("established flows forwarded"; .established_kept == 1),
			want("instructions"; has("instructions_per_packet"))),
		want("the list of micro-benchmarks"; .micro | length == 3),
		want("meter"; .micro[0] | .reference == "rte_meter srTCM" and spread and .ratio > 0),
		want("latency"; [.latency[].load_percent] == [80]),
		want("delays"; .latency[0] | .p50_ns > 0 and .p50_ns <= .p99_ns and .p99_ns <= .p99_9_ns)
	' "$one" || echo "it is no JSON"
}

# Compared by its own code, without measuring again.
compared() {
	python3 -B - "$here/../../tools/benchmark" "$@" <<'END'
import json, sys
sys.path.insert(0, sys.argv[1])
import compare
old, new = (json.load(open(name, encoding="utf-8")) for name in sys.argv[2:4])
lines, worse = compare.compare(old, new)
print(worse, len(lines))
END
}

a_document_is_no_worse_than_itself() {
	local seen
	seen=$(compared "$one" "$one" 2>&1)
	[ "$seen" = "0 6" ] || echo "worse rows and lines are '$seen', wanted '0 6'"
}

a_row_that_costs_twice_as_much_is_found() {
	local seen
	jq '.scenarios[0] |= (.cycles_per_packet = .highest * 2 | .lowest = .highest * 2
		| .highest = .highest * 3)' "$one" >"$folder/slow.json"
	seen=$(compared "$one" "$folder/slow.json" 2>&1)
	[ "$seen" = "1 6" ] || echo "worse rows and lines are '$seen', wanted '1 6'"
}

what_cannot_be_meant_is_refused() {
	local rc words
	echo '{"scenarios": 5}' >"$folder/other.json"
	for words in "--scenario nonsense" "--micro nonsense" "--family ipv5" "--cache tepid" \
		"--compare $folder/none.json" "--against $folder" "--compare $folder/other.json" "--quickly" "nonsense"; do
		# shellcheck disable=SC2086 # words are several
		"$bench" $words >"$folder/out" 2>"$folder/said"
		rc=$?
		[ $rc = 2 ] || echo "status of '$words' is $rc, wanted 2"
		grep -q '^tools/bench: error: ' "$folder/said" || echo "'$words' is refused without a word"
		[ -s "$folder/out" ] && echo "'$words' is answered on standard output"
	done
}

every_name_has_a_word_of_help() {
	"$bench" --list | awk 'NF < 3 { print "no help: " $0 } END { if (NR < 20) print NR " names" }'
}

# The program itself refuses a run whose SYNs are not answered or whose ACKs are dropped for another reason.
cookies_are_answered_and_checked() {
	"$bench" --quick --json --no-latency --scenario syn_cookie_options --scenario ack_flood_cookie_check \
		>"$folder/cookies.json" 2>"$folder/said" || {
		echo "it failed:"
		cat "$folder/said"
		return
	}
	jq -r '
		def want(what; good): if good then empty else "\(what) is wrong or missing" end;
		want("rows"; [.scenarios[].scenario] == ["syn_cookie_options", "ack_flood_cookie_check"]),
		want("answers to SYNs"; .scenarios[0].replied > 0.995 and .scenarios[0].forwarded < 0.005),
		want("answers to ACKs"; .scenarios[1].replied == 0)
	' "$folder/cookies.json" || echo "it is no JSON"
}

for proof in a_quick_run_writes_a_document cookies_are_answered_and_checked a_document_is_no_worse_than_itself \
	a_row_that_costs_twice_as_much_is_found what_cannot_be_meant_is_refused \
	every_name_has_a_word_of_help; do
	verdict "bench $proof" "$($proof 2>&1)"
done
exit $failed
