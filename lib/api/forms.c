/* SPDX-License-Identifier: BSD-3-Clause */
/* forms - what each document holds, as schema.h writes it. */
#include "api/schema.h"

#include <stddef.h>

#define WHERE  "packets_per_second:count bits_per_second:count"
#define COUNTS "packets:count bytes:count"

const struct api_form api_shared_forms[] = {
	{ "Rate", "{" WHERE "}" },
	{ "Limit", "{packets_per_second?:count bits_per_second?:count}" },
	{ "Rates",
	  "{received:@Rate forwarded:@Rate dropped:@Rate replied:@Rate consumed:@Rate "
	  "emitted:@Rate sent:@Rate would_packets_per_second?:count}" },
	{ "Balance",
	  "{balanced:flag in_flight_packets:int unsent_packets:int plausible:flag "
	  "as_of:time equation:text}" },
	{ "Books", "{received_packets:count received_bytes:count forwarded_packets:count "
	           "forwarded_bytes:count dropped_packets:count dropped_bytes:count "
	           "replied_packets:count replied_bytes:count consumed_packets:count "
	           "consumed_bytes:count emitted_packets:count emitted_bytes:count "
	           "sent_packets:count sent_bytes:count rates:@Rates books:@Balance}" },
	{ "Port",
	  "{received_packets:count received_bytes:count forwarded_packets:count "
	  "forwarded_bytes:count dropped_packets:count dropped_bytes:count "
	  "replied_packets:count replied_bytes:count consumed_packets:count "
	  "consumed_bytes:count emitted_packets:count emitted_bytes:count "
	  "sent_packets:count sent_bytes:count rates:@Rates books:@Balance link:text "
	  "side:text name:text driver:text up:flag speed_bits_per_second:count "
	  "missed_packets:count buffer_failures:count errors:count}" },
	{ "Load", "{worker:count busy_ratio:number cycles_per_packet:number "
	          "packets_per_burst:number}" },
	{ "ServiceRates", "{received:@Rate forwarded:@Rate dropped:@Rate outbound:@Rate "
	                  "would_packets_per_second:count}" },
	{ "Service",
	  "{name:text mode:text policy:text state:text headroom_ratio:number "
	  "prefixes:[text] protocol:text ports:[text] received_packets:count "
	  "received_bytes:count forwarded_packets:count forwarded_bytes:count "
	  "dropped_packets:count dropped_bytes:count outbound_packets:count "
	  "outbound_bytes:count would_packets:count verified_dropped_packets:count "
	  "rates:@ServiceRates counted?:[{prefix:text by:text}] vectors?:[@Vector] "
	  "limits?:[{key:text limit:text help:text}] "
	  "reasons?:[{reason:text packets:count would_packets:count}]}" },
	{ "Vector",
	  "{vector:text state:text " WHERE " passed_packets_per_second:count "
	  "passed_bits_per_second:count dropped_packets_per_second:count "
	  "would_packets_per_second:count alarm_rate:@Limit~ activate_rate:@Limit~ "
	  "max_rate:@Limit~ network_rate:@Limit~ address_rate:@Limit~ "
	  "activate_after_seconds:number clear_after_seconds:number "
	  "hold_for_seconds:number challenge_rate:@Limit~ block_rate:@Limit~ "
	  "headroom_ratio:number armed_workers:count}" },
	{ "Customers",
	  "{verified_flows:count likely_flows:count verified_sources:count "
	  "flows_proven_per_second:count resets_per_second:count "
	  "challenges_sent_per_second:count challenges_passed_per_second:count "
	  "challenge_pass_ratio:number~ verified_dropped_packets_per_second:count "
	  "hit_estimate:count hit_standard_error_ratio:number "
	  "hit_window_seconds:number}" },
	{ "Attack",
	  "{attack_id:text service:text vector:text network:text~ addresses:count~ "
	  "addresses_standard_error_ratio?:number status:text mode:text start:time~ "
	  "detected:time~ mitigated:time~ end:time~ detected_after_ms:number~ "
	  "mitigated_after_ms:number~ duration_seconds:number " COUNTS " "
	  "dropped_packets:count dropped_bytes:count would_packets:count "
	  "verified_dropped_packets:count peak_packets_per_second:count "
	  "peak_bits_per_second:count step:text highest_step:text pulses:count "
	  "sources:{estimate:count standard_error_ratio:number packets:count "
	  "window_seconds:number kind:text}~ trigger:{metric:text value:count "
	  "threshold:count level:text}}" },
	{ "List",
	  "{name:text action:text prefixes:count in_configuration:count by_hand:count "
	  "hits:count file:text~ format?:text on_error?:text refresh_seconds?:number "
	  "loads?:count failures?:count wanted?:{state:text checked:time~ "
	  "file_time:time~ "
	  "file_bytes:count sha256:text~ failed_in_a_row:count messages:count "
	  "errors:[{line:count message:text}]} loaded?:{loaded:time~ file_time:time~ "
	  "sha256:text~ lines:count prefixes:count skipped:count ended:count} "
	  "entries?:[{prefix:text until:time~}] "
	  "entries_total?:count}" },
	{ "Capture",
	  "{id:count state:text ended_by:text~ verdict:text~ reason:text~ service:text~ "
	  "expression:text~ limits:{packets:count seconds:number bytes:count} "
	  "started:time~ ended:time~ packets:count bytes:count lost:count "
	  "not_asked:count}" },
	{ "Finding",
	  "{what:text stage:text service?:text name?:text policy?:text verdict:text "
	  "unit:text value:count threshold?:count age_seconds:number worker:count "
	  "peer?:text peer_port?:count port?:count protocol?:count}" },
	{ NULL, NULL },
};

const struct api_form api_documents_forms[] = {
	{ "status",
	  "{time:time window_seconds:number version:text dpdk_version:text node:text "
	  "started:time~ uptime_seconds:number bypass:flag mode:text services:count "
	  "config:{file?:text sha256?:text generation?:count reloads_ok:count "
	  "reloads_failed:count last_reload:time~} warnings:[text] attacks_active:count "
	  "workers:count load:[@Load] queues:{received_imbalance:number "
	  "judged_imbalance:number handed_over_packets:count waiting_packets:count} "
	  "total:@Books ports:[@Port] events:{last_seq:count suppressed:count "
	  "sinks:[{sink:text state:text written:count lost:count waiting:count}]}}" },
	{ "live", "{time:time window_seconds:number seq:count events_seq:count node:text "
	          "bypass:flag mode:text config_sha256?:text services_total?:count "
	          "services?:[{name:text mode:text "
	          "state:text headroom_ratio:number rates:@ServiceRates}] total:@Rates "
	          "inbound:@Rates outbound:@Rates customers:@Customers "
	          "reasons:[{reason:text packets_per_second:count "
	          "would_packets_per_second:count}] attacks:[@Attack] "
	          "box:{worker_busy_max_ratio:number missed_packets_per_second:count}}" },
	{ "customers", "{time:time window_seconds:number customers:@Customers}" },
	{ "services", "{time:time window_seconds:number services:[@Service]}" },
	{ "services/", "{time:time window_seconds:number detection_window_seconds:number "
	               "service:@Service}" },
	{ "attacks", "{time:time active:count remembered:count attacks:[@Attack]}" },
	{ "attacks/", "{time:time attack:@Attack}" },
	{ "top", "{time:time window_seconds:number by:text metric:text estimated:flag "
	         "sampled_one_in:count top:[{address:text " WHERE " "
	         "error_packets_per_second:count}]}" },
	{ "networks",
	  "{time:time detection_window_seconds:number metric:text estimated:flag "
	  "counted:count networks:[{network:text service:text state:text " COUNTS
	  " " WHERE " vectors:[{vector:text " COUNTS " " WHERE
	  " network_rate:@Limit~}]}]}" },
	{ "workers",
	  "{time:time window_seconds:number workers:[{worker:count lcore:int "
	  "received_packets:count forwarded_packets:count dropped_packets:count "
	  "packets_per_second:count turns:count busy_ratio:number "
	  "cycles_per_packet:number packets_per_burst:number busy_turns_ratio:number "
	  "heartbeat_age_seconds:number judged_packets:count handed_over_packets:count "
	  "taken_over_packets:count received_share:number judged_share:number "
	  "waiting_packets:count waiting_most_packets:count "
	  "waiting_room_packets:count}]}" },
	{ "ports", "{time:time window_seconds:number ports:[@Port]}" },
	{ "reasons",
	  "{time:time window_seconds:number reasons:[{reason:text stage:text class:text "
	  "packets:count packets_per_second:count would_packets:count "
	  "would_packets_per_second:count help:text}]}" },
	{ "hits", "{time:time hits:[{stage:text name:text packets:count}]}" },
	{ "diff",
	  "{time:time file:text readable:flag same_text?:flag changes?:[{path:text "
	  "change:text old:any new:any}] needs_restart?:[text] by_hand?:[{path:text "
	  "running:text file:text}] detail?:text errors?:[object]}" },
	{ "health",
	  "{time:time window_seconds:number state:text steps:[{step:text state:text "
	  "counts:object}] findings:[{level:text step:text name:text subject:text "
	  "sentence:text remedy:text}]}" },
	{ "explain",
	  "{time:time address:text lists:[{list:text action:text prefix?:text "
	  "remaining_seconds?:count since?:time until?:time reason?:text "
	  "scale?:count}] filters:[{name:text action:text dry_run:flag matches:text "
	  "expression:text services:[text] until:time~}] verdict:text reason:text "
	  "since:text~ until:text~ remedy:[text] answer:text network:{network:text "
	  "busy_senders:count packets_per_second:count blocked_by_hand:count} "
	  "services:[{service:text "
	  "policy:text mode:text}] meters:[@Finding] flows:[@Finding] drops:[@Finding] "
	  "facts:[@Finding] received:{network:text~ counted_as:text~ "
	  "vectors?:[{vector:text " COUNTS "}]}~ sent:{window_seconds:number "
	  "packets_per_second_at_most:count mean_error_packets_per_second:count "
	  "sampled_one_in:count estimated:flag}~ left_out:count sentence:text}" },
	/* The members of `config` are keys of the file; tidegate.conf(5) has them. */
	{ "config", "{time:time file?:text sha256?:text config:object}" },
	{ "filters",
	  "{time:time total:count filters:[{name:text origin:text kind:text action:text "
	  "dry_run:flag verified:flag services:[text] until:time~ "
	  "remaining_seconds:number~ packets:count limit?:text packets_over?:count}]}" },
	{ "blocks", "{time:time total:count blocks:[{prefix:text action:text reason:text "
	            "since:time~ "
	            "until:time~ "
	            "remaining_seconds:number~}]}" },
	{ "lists", "{time:time lists:[@List]}" },
	{ "lists/", "{time:time list:@List}" },
	/* An event's own members follow from its type; they are the lines of the file. */
	{ "events",
	  "{time:time first_seq:count last_seq:count missed:count events:[object]}" },
	{ "samples",
	  "{time:time packets_per_second:count whole:flag taken:count lost:count "
	  "remembered:count last:count files:{folder:text files:count file_bytes:count "
	  "written:count not_written:count error:text}~ samples:[{number:count time:time "
	  "worker:count link:text side:text verdict:text reason:text service:text "
	  "policy:text mode:text vector:text attack:{attack_id:text metric:text "
	  "value:count threshold:count}~ src_ip:text dest_ip:text protocol:count "
	  "src_port?:count dest_port?:count vlan?:count length:count bytes_shown:count "
	  "bytes:text summary:text}]}" },
	{ "captures",
	  "{time:time running_most:count held_most:count captures:[@Capture]}" },
	{ "captures/", "{time:time capture:@Capture}" },
	{ "whoami", "{name:text role:text}" },
	{ NULL, NULL },
};
