/* SPDX-License-Identifier: BSD-3-Clause */
/* Every error and warning that settings know, by file text. */
#include "policy/settings.h"

#include "conf/check.h"
#include "stages_rig.h"
#include "suite.h"

/* clang-format off */
static const struct fault {
	const char *text;
	const char *expected; /* what is printed */
} faults[] = {
	{ "version = 1;\n",
	  "" },
	{ "\n",
	  "t.conf: the key \"version\" is missing; it has no default\n" },
	{ "version = 2; node = { name = \"gate 1\"; };",
	  "t.conf:1: version: 2 is not possible; it must be 1\n"
	  "t.conf: node.name: a name is made of letters, digits, '.', '_' and '-', as it stands in metrics and in paths of the API\n" },
	{ "version = 1; dataplane = { trasmit = \"auto\"; rss = \"port\"; flow_entries = \"1\"; duplex = \"both\"; };",
	  "t.conf:1: dataplane: unknown key \"trasmit\"; did you mean \"transmit\"?\n"
	  "t.conf:1: dataplane.rss: \"port\" is unknown; did you mean \"ports\"?\n"
	  "t.conf:1: dataplane.flow_entries: \"1\" is out of range; allowed is 1k to 256M\n"
	  "t.conf:1: dataplane.duplex: \"both\" is unknown; allowed are \"inline\", \"ingress\"\n" },
	{ "version = 1; dataplane = { workers = \"0\"; cores = \"3-1\"; };",
	  "t.conf: dataplane.workers: \"0\" is not a number of workers; write \"auto\" or \"1\" to \"127\"\n"
	  "t.conf: dataplane.cores: \"3-1\" is no set of cores; write \"auto\", \"0-3\" or \"2,4,6\", each core once, the first for control\n" },
	{ "version = 1; dataplane = { workers = \"128\"; cores = \"0,1,0\"; };",
	  "t.conf: dataplane.workers: \"128\" is not a number of workers; write \"auto\" or \"1\" to \"127\"\n"
	  "t.conf: dataplane.cores: \"0,1,0\" is no set of cores; write \"auto\", \"0-3\" or \"2,4,6\", each core once, the first for control\n" },
	{ "version = 1; dataplane = { workers = \"two\"; cores = \"4\"; };",
	  "t.conf: dataplane.workers: \"two\" is not a number of workers; write \"auto\" or \"1\" to \"127\"\n" },
	{ "version = 1; dataplane = { workers = \"4\"; cores = \"0-2\"; };",
	  "t.conf: dataplane.cores: \"0-2\" has 3 cores for \"4\" workers and control\n" },
	{ "version = 1; dataplane = { workers = \"2\"; cores = \"7\"; };",
	  "t.conf: dataplane.cores: \"7\" has 1 core for \"2\" workers and control\n" },
	{ "version = 1; dataplane = { workers = \"1\"; cores = \"7\"; };",
	  "" },
	{ "version = 1; dataplane = { workers = \"3\"; cores = \"0-2\"; };",
	  "" },
	{ "version = 1; dataplane = { workers = 3; cores = \"0-200\"; };",
	  "t.conf:1: dataplane.workers: must be text in quotes\n"
	  "t.conf: dataplane.cores: \"0-200\" is no set of cores; write \"auto\", \"0-3\" or \"2,4,6\", each core once, the first for control\n" },
	{ "version = 1; dataplane = { workers = \"3\"; cores = \"0-2,7\"; };",
	  "" },
	{ "version = 1;\n"
	  "links = (\n"
	  " { name = \"a\"; external = \"eth0\"; internal = \"eth0\"; },\n"
	  " { name = \"a\"; external = \"eth1\"; internal = \"eth0\"; },\n"
	  " { name = \"c d\"; external = \"\"; } );",
	  "t.conf:5: links[2](c d).external: must not be empty\n"
	  "t.conf:5: links[2](c d): the key \"internal\" is missing; it has no default\n"
	  "t.conf:4: links[1](a): another link at line 3 has this name\n"
	  "t.conf:5: links[2](c d): a name is made of letters, digits, '.', '_' and '-', as it stands in metrics and in paths of the API\n"
	  "t.conf:3: links[0](a): external and internal are both \"eth0\"; a wire has two ends\n"
	  "t.conf:4: links[1](a): \"eth0\" belongs to the link at line 3 too\n" },
	{ "version = 1; state = { folder = \"state\"; cookie_secret = \"../secret\"; };",
	  "t.conf: state.folder: \"state\" does not begin with /\n"
	  "t.conf: state.cookie_secret: \"../secret\" does not begin with /\n" },
	{ "version = 1; state = { folder = \"\"; };", "t.conf:1: state.folder: must not be empty\n" },
	{ "version = 1; api = { listen = [ \"0.0.0.0:9686\", \"unix:x\", \"localhost:80\", \"[::1]:1\", \"1.2.3.4:70000\", \"unix:/x\" ]; };",
	  "t.conf: api.listen: \"0.0.0.0:9686\" is no loopback address, and api.remote is not true\n"
	  "t.conf: api.listen: \"unix:x\": the path of a socket begins with / and has at most 107 characters\n"
	  "t.conf: api.listen: \"localhost:80\" is neither ADDRESS:PORT, such as \"127.0.0.1:9686\" or \"[::1]:9686\", nor \"unix:/PATH\"\n"
	  "t.conf: api.listen: \"1.2.3.4:70000\" is neither ADDRESS:PORT, such as \"127.0.0.1:9686\" or \"[::1]:9686\", nor \"unix:/PATH\"\n" },
	{ "version = 1; api = { listen = [ \"0.0.0.0:9686\" ]; remote = true; tokens = 1; };",
	  "t.conf:1: api: unknown key \"tokens\"\n"
	  "t.conf: api.listen: warning: \"0.0.0.0:9686\" answers everybody who reaches it, without encryption; put a proxy with TLS before it\n" },
	{ "version = 1; routers = [ \"198.51.100.1\", \"2001:db8::1\" ];\n"
	  "lists = (\n"
	  " { name = \"ok\"; action = \"allow\"; prefixes = [ \"192.0.2.0/24\", \"10.0.0.0/8\" ]; },\n"
	  " { name = \"bad\"; action = \"deny\"; prefixes = [ \"192.0.2.0/24\", \"198.51.100.0/24\", \"::/0\" ]; },\n"
	  " { name = \"no\"; action = \"dny\"; },\n"
	  " { name = \"ok\"; action = \"allow\"; prefixes = [ \"10.0.0.0/8\" ]; } );",
	  "t.conf:5: lists[2](no).action: \"dny\" is unknown; did you mean \"deny\"?\n"
	  "t.conf:6: lists[3](ok): another list at line 3 has this name\n"
	  "t.conf:5: lists[2](no): warning: this list has neither prefixes nor a file, so it only holds what is put into it while running\n"
	  "t.conf:4: lists[1](bad): \"192.0.2.0/24\" is both allowed and denied: by this list and by the one at line 3\n"
	  "t.conf:4: lists[1](bad): \"198.51.100.0/24\" would deny the router \"198.51.100.1/32\"; its sessions would go down\n"
	  "t.conf:4: lists[1](bad): \"::/0\" would deny the router \"2001:db8::1/128\"; its sessions would go down\n" },
	{ "version = 1; lists = (\n"
	  " { name = \"a\"; action = \"deny\"; file = \"x.txt\"; select = [ \"NL\" ]; },\n"
	  " { name = \"b\"; action = \"deny\"; prefixes = [ \"192.0.2.1\" ]; refresh = \"1m\"; },\n"
	  " { name = \"c\"; action = \"deny\"; file = \"x.mmdb\"; select = [ \"NLD\", \"AS0\", \"NL\" ]; refresh = \"10ms\"; },\n"
	  " { name = \"d\"; action = \"deny\"; file = \"x.dat\"; format = \"mmdb\"; select = [ \"AS64496\" ]; } );",
	  "t.conf:2: lists[0](a): select needs a database; write format = \"mmdb\" if the file is one\n"
	  "t.conf:3: lists[1](b): refresh needs a file\n"
	  "t.conf:4: lists[2](c): refresh is at least \"1s\"\n"
	  "t.conf:4: lists[2](c): select: \"NLD\" is neither a country such as \"NL\" nor a system such as \"AS64496\"\n"
	  "t.conf:4: lists[2](c): select: \"AS0\" is neither a country such as \"NL\" nor a system such as \"AS64496\"\n" },
	{ "version = 1; routers = [ \"198.51.100.1\" ];\n"
	  "lists = ( { name = \"bad\"; action = \"deny\"; prefixes = [ \"::/0\", \"198.51.100.2/31\", \"192.0.2.0/25\" ]; }, { name = \"ok\"; action = \"allow\"; prefixes = [ \"192.0.2.0/24\", \"198.51.100.0/24\" ]; } );",
	  "" },
	{ "version = 1; policies = ( { name = \"a\"; vectors = (\n"
	  " { vector = \"tcp_sin_flood\"; activate_rate = \"5kpps\"; },\n"
	  " { vector = \"udp_flood\"; activate_rate = \"5kpps\"; },\n"
	  " { vector = \"udp_flood\"; activate_rate = \"4kpps\"; },\n"
	  " { vector = \"other_flood\"; },\n"
	  " { activate_rate = \"1pps\"; },\n"
	  " 5 ); } );",
	  "t.conf:2: policies[0](a).vectors[0].vector: \"tcp_sin_flood\" is unknown; did you mean \"tcp_syn_flood\"?\n"
	  "t.conf:4: policies[0](a).vectors[2]: \"udp_flood\" stands twice in this policy\n"
	  "t.conf:6: policies[0](a).vectors[4]: the key \"vector\" is missing; it has no default\n"
	  "t.conf:7: policies[0](a).vectors[5]: must be a group { }\n"
	  "t.conf:5: policies[0](a).vectors[3]: the key \"activate_rate\" is missing; it has no default\n" },
	{ "version = 1; policies = ( { name = \"a\"; vectors = (\n"
	  " { vector = \"udp_flood\"; alarm_rate = \"6kpps\"; activate_rate = \"5kpps\"; },\n"
	  " { vector = \"icmp_flood\"; alarm_rate = \"1kpps\"; activate_rate = \"5Mbit/s\"; max_rate = \"2kpps\"; },\n"
	  " { vector = \"fragment_flood\"; activate_rate = \"5Gpps\"; },\n"
	  " { vector = \"other_flood\"; activate_rate = \"2Tbit/s\"; },\n"
	  " { vector = \"tcp_syn_flood\"; activate_rate = \"50kps\"; clear_after = \"10ms\"; activate_after = \"2h\"; } ); } );",
	  "t.conf:5: policies[0](a).vectors[3].activate_rate: \"2Tbit/s\" is out of range; allowed is 1bit/s to 1Tbit/s\n"
	  "t.conf:6: policies[0](a).vectors[4].activate_rate: \"50kps\" is not a packet or bit rate; did you mean \"50kpps\"?\n"
	  "t.conf:6: policies[0](a).vectors[4].activate_after: \"2h\" is out of range; allowed is 0s to 1h\n"
	  "t.conf:6: policies[0](a).vectors[4].clear_after: \"10ms\" is out of range; allowed is 100ms to 1d\n"
	  "t.conf:2: policies[0](a).vectors[0].alarm_rate: alarm_rate \"6kpps\" is above activate_rate \"5kpps\"; it must not be\n"
	  "t.conf:3: policies[0](a).vectors[1].alarm_rate: alarm_rate \"1kpps\" and activate_rate \"5Mbit/s\" count different things; write both in packets or both in bits\n"
	  "t.conf:3: policies[0](a).vectors[1].max_rate: max_rate \"2kpps\" and activate_rate \"5Mbit/s\" count different things; write both in packets or both in bits\n"
	  "t.conf:4: policies[0](a).vectors[2].activate_rate: \"5Gpps\" is more than can be metered; the most is 1Gpps\n" },
	{ "version = 1; policies = (\n"
	  " { name = \"base\"; vectors = ( { vector = \"udp_flood\"; alarm_rate = \"2kpps\"; activate_rate = \"4kpps\"; } ); },\n"
	  " { name = \"child\"; extends = \"base\"; vectors = ( { vector = \"udp_flood\"; activate_rate = \"1kpps\"; } ); },\n"
	  " { name = \"bits\"; extends = \"base\"; vectors = ( { vector = \"udp_flood\"; activate_rate = \"1Mbit/s\"; } ); } );",
	  "t.conf:3: policies[1](child).vectors[0]: alarm_rate \"2kpps\" is above activate_rate \"1kpps\"; it must not be\n"
	  "t.conf:4: policies[2](bits).vectors[0]: alarm_rate \"2kpps\" and activate_rate \"1Mbit/s\" count different things; write both in packets or both in bits\n" },
	{ "version = 1; policies = (\n"
	  " { name = \"a\"; extends = \"b\"; },\n"
	  " { name = \"b\"; extends = \"c\"; },\n"
	  " { name = \"c\"; extends = \"a\"; },\n"
	  " { name = \"self\"; extends = \"self\"; },\n"
	  " { name = \"x\"; extends = \"slf\"; },\n"
	  " { name = \"y\"; extends = \"nobody\"; } );",
	  "t.conf:2: policies[0](a).extends: these policies extend each other in a circle: a -> b -> c -> a\n"
	  "t.conf:5: policies[3](self).extends: these policies extend each other in a circle: self -> self\n"
	  "t.conf:6: policies[4](x).extends: no policy is named \"slf\"; did you mean \"self\"?\n"
	  "t.conf:7: policies[5](y).extends: no policy is named \"nobody\"\n" },
	{ "version = 1; policies = (\n"
	  " { name = \"web\"; mode = \"mitigat\"; },\n"
	  " { name = \"web\"; },\n"
	  " { mode = \"learn\"; },\n"
	  " { name = \"a b\"; detection = { clear_after = \"1ms\"; clear = \"1s\"; }; },\n"
	  " { name = \"default\"; },\n"
	  " { name = \"default\"; },\n"
	  " 7 );",
	  "t.conf:3: policies[1](web): another policy at line 2 has this name\n"
	  "t.conf:4: policies[2]: the key \"name\" is missing; it has no default\n"
	  "t.conf:5: policies[3](a b): a name is made of letters, digits, '.', '_' and '-', as it stands in metrics and in paths of the API\n"
	  "t.conf:7: policies[5](default): another policy at line 6 has this name\n"
	  "t.conf:8: policies[6]: must be a group { }\n"
	  "t.conf:2: policies[0](web).mode: \"mitigat\" is unknown; did you mean \"mitigate\"?\n"
	  "t.conf:5: policies[3](a b).detection: unknown key \"clear\"\n"
	  "t.conf:5: policies[3](a b).detection.clear_after: \"1ms\" is out of range; allowed is 100ms to 1d\n" },
	{ "version = 1; policies = { };",
	  "t.conf:1: policies: must be a list ( ) of groups { }\n" },
	{ "version = 1; policies = ( { name = \"a\"; lists = { }; sanity = { private_sources = \"alow\"; }; sorces = { }; sources = { blck_for = \"1m\"; packets = \"10MB/s\"; }; } );",
	  "t.conf:1: policies[0](a): unknown key \"lists\"\n"
	  "t.conf:1: policies[0](a): unknown key \"sorces\"; did you mean \"sources\"?\n"
	  "t.conf:1: policies[0](a).sanity.private_sources: \"alow\" is unknown; did you mean \"allow\"?\n"
	  "t.conf:1: policies[0](a).sources: unknown key \"blck_for\"; did you mean \"block_for\"?\n"
	  "t.conf:1: policies[0](a).sources.packets: \"10MB/s\" counts bytes; write a packet rate, for example \"50kpps\"\n" },
	{ "version = 1; policies = ( { name = \"a\"; sources = { packets = \"9kpps\"; bits = \"1Gbit/s\"; };\n"
	  " vectors = ( { vector = \"udp_flood\"; activate_rate = \"5kpps\"; }, { vector = \"icmp_flood\"; activate_rate = \"8kpps\"; } ); } );",
	  "t.conf:1: policies[0](a): warning: sources.packets \"9kpps\" for one source is above the highest activate_rate, \"8kpps\" for all of them\n" },
	{ "version = 1; services = (\n"
	  " { name = \"s1\"; prefixes = [ \"203.0.113.10/32\" ]; protocol = \"tpc\"; ports = [ \"80\" ]; policy = \"defult\"; },\n"
	  " { name = \"s1\"; prefixes = [ \"203.0.113.10/32\" ]; ports = [ \"80\" ]; },\n"
	  " { name = \"s2\"; prefixes = [ \"203.0.113.11/32\" ]; protocol = \"gre\"; policy = \"nobody\"; },\n"
	  " { name = \"default\"; prefixes = [ \"203.0.113.12/32\" ]; protocol = \"256\"; },\n"
	  " { name = \"s3\"; } );",
	  "t.conf:6: services[4](s3): the key \"prefixes\" is missing; it has no default\n"
	  "t.conf:3: services[1](s1): another service at line 2 has this name\n"
	  "t.conf:2: services[0](s1): protocol \"tpc\" is unknown; did you mean \"tcp\"?\n"
	  "t.conf:2: services[0](s1): no policy is named \"defult\"; did you mean \"default\"?\n"
	  "t.conf:3: services[1](s1): ports need protocol \"tcp\" or \"udp\", not \"any\"\n"
	  "t.conf:4: services[2](s2): protocol \"gre\" is unknown; allowed are \"any\", \"tcp\", \"udp\", \"icmp\" and \"0\" to \"255\"\n"
	  "t.conf:4: services[2](s2): no policy is named \"nobody\"\n"
	  "t.conf:5: services[3](default): \"default\" is the built-in service of what no other claims; redefine the policy \"default\" instead\n"
	  "t.conf:5: services[3](default): protocol \"256\" is unknown; allowed are \"any\", \"tcp\", \"udp\", \"icmp\" and \"0\" to \"255\"\n" },
	{ "version = 1; services = (\n"
	  " { name = \"a\"; prefixes = [ \"203.0.113.9/32\", \"203.0.113.11/32\" ]; protocol = \"tcp\"; ports = [ \"80\" ]; },\n"
	  " { name = \"b\"; prefixes = [ \"203.0.113.11/32\" ]; protocol = \"6\"; ports = [ \"80\" ]; },\n"
	  " { name = \"c\"; prefixes = [ \"203.0.113.11/32\" ]; protocol = \"tcp\"; },\n"
	  " { name = \"d\"; prefixes = [ \"203.0.113.11/32\" ]; protocol = \"icmp\"; } );",
	  "t.conf:3: services[1](b): warning: the service at line 2 has the same \"203.0.113.11/32\", protocol and ports; the first one wins\n" },
	{ "version = 1; servces = ( ); polices = ( ); listes = ( );",
	  "t.conf:1: unknown key \"servces\"; did you mean \"services\"?\n"
	  "t.conf:1: unknown key \"polices\"; did you mean \"policies\"?\n"
	  "t.conf:1: unknown key \"listes\"; did you mean \"lists\"?\n" },
};
/* clang-format on */

static void
every_fault_is_told_at_its_place(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct conf_errors errors = { 0 };
		struct settings *s;
		int rc = settings_read_text(faults[i].text, strlen(faults[i].text),
		                            "t.conf", &s, &errors);

		CU_ASSERT_TRUE(is_told(&errors, faults[i].expected));
		CU_ASSERT_EQUAL(rc == 0, errors.count == 0);
		CU_ASSERT_EQUAL(rc == 0, s != NULL);
		settings_free(s);
		conf_errors_free(&errors);
	}
}

SUITE_MAIN("faults", TEST(every_fault_is_told_at_its_place))
