/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings as they are read, inherited, printed and compared with those that run. */
#include "policy/settings.h"

#include <errno.h>

#include "conf/check.h"
#include "stages_rig.h"
#include "suite.h"

#define SECOND UINT64_C(1000000000)

/* Settings without error or warning. */
static struct settings *
good(const char *text)
{
	struct conf_errors errors = { 0 };
	struct settings *s;

	CU_ASSERT_EQUAL(settings_read_text(text, strlen(text), "t.conf", &s, &errors), 0);
	CU_ASSERT_TRUE(is_told(&errors, ""));
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	conf_errors_free(&errors);
	return s;
}

static const struct rig_sources *
sources_of(const struct settings *s, size_t policy)
{
	return s->policy[policy].params[RIG_SOURCES];
}

static void
nothing_written_is_a_monitor_that_protects_nothing(void)
{
	struct settings *s = good("version = 1;");

	CU_ASSERT_EQUAL(s->n_policies, 1);
	CU_ASSERT_STRING_EQUAL(s->policy[0].name, "default");
	CU_ASSERT_EQUAL(s->policy[0].mode, POLICY_MONITOR);
	CU_ASSERT_FALSE(s->policy[0].vector[VECTOR_UDP_FLOOD].written);
	CU_ASSERT_EQUAL(sources_of(s, 0)->packets, 10000);
	CU_ASSERT_PTR_NULL(s->policy[0].params[RIG_LISTS]);
	CU_ASSERT_EQUAL(s->flow_entries, 1000000);
	CU_ASSERT_EQUAL(s->source_entries, 256000);
	CU_ASSERT_EQUAL(s->transmit, TRANSMIT_AUTO);
	CU_ASSERT_STRING_EQUAL(s->node_name, "tidegate");
	CU_ASSERT_EQUAL(s->api_listen.count, 2);
	CU_ASSERT_STRING_EQUAL(s->state_folder, "/var/lib/tidegate");
	CU_ASSERT_STRING_EQUAL(s->cookie_secret, "");
	CU_ASSERT_EQUAL(s->services.count + s->lists.count + s->links.count, 0);
	CU_ASSERT_STRING_EQUAL(s->file, "t.conf");
	/* sha256 of "version = 1;" */
	CU_ASSERT_STRING_EQUAL(
		s->sha256,
		"a8959a1cff73df83cac3fc3e5fcf66b83b450c08ef24d2187fb0ed83ad1d01a9");
	settings_free(s);
}

static void
printed_defaults_load_again(void)
{
	struct settings *s;
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	settings_print_defaults(to);
	fclose(to);
	s = good(text);
	CU_ASSERT_EQUAL(s->n_policies, 1);
	CU_ASSERT_EQUAL(s->flow_entries, 1000000);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "# packets = \"10kpps\";"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "# vector = \"tcp_syn_flood\";"));
	settings_free(s);
	free(text);
}

static void
the_manual_has_the_keys_of_stages(void)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	settings_print_manual(to);
	fclose(to);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "## policies[].sources"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "|  *private\\_sources*\n:  allow, deny\n:  allow\n"));
	free(text);
}

static const char family[] =
	"version = 1; policies = (\n"
	"{ name = \"young\"; extends = \"middle\"; mode = \"mitigate\";\n"
	"  vectors = ( { vector = \"udp_flood\"; max_rate = \"1kpps\"; },\n"
	"              { vector = \"icmp_flood\"; activate_rate = \"off\"; } );\n"
	"  sources = { packets = \"off\"; }; },\n"
	"{ name = \"default\"; mode = \"learn\"; },\n"
	"{ name = \"old\"; detection = { activate_after = \"1s\"; clear_after = \"30s\"; "
	"};\n"
	"  vectors = ( { vector = \"udp_flood\"; alarm_rate = \"2kpps\"; activate_rate = "
	"\"5kpps\"; },\n"
	"              { vector = \"icmp_flood\"; activate_rate = \"8Mbit/s\"; max_rate "
	"= \"4Mbit/s\";\n"
	"                clear_after = \"5m\"; } );\n"
	"  sources = { packets = \"3kpps\"; block_for = \"1m\"; exempt = [ "
	"\"192.0.2.0/24\" ]; };\n"
	"  sanity = { private_sources = \"deny\"; }; },\n"
	"{ name = \"middle\"; extends = \"old\"; detection = { clear_after = \"60s\"; "
	"};\n"
	"  vectors = ( { vector = \"udp_flood\"; activate_rate = \"4kpps\"; } ); } );";

static void
expect_vector(const struct settings_vector *v, uint64_t alarm, uint64_t activate,
              uint64_t most)
{
	CU_ASSERT_TRUE(v->written);
	CU_ASSERT_EQUAL(v->alarm.per_second, alarm);
	CU_ASSERT_EQUAL(v->activate.per_second, activate);
	CU_ASSERT_EQUAL(v->max.per_second, most);
}

static void
policies_inherit_key_by_key_in_any_order(void)
{
	struct settings *s = good(family);
	const struct settings_policy *p = s->policy;

	CU_ASSERT_EQUAL_FATAL(s->n_policies, 4);
	CU_ASSERT_STRING_EQUAL(p[0].name, "default");
	CU_ASSERT_STRING_EQUAL(p[1].name, "young");
	CU_ASSERT_STRING_EQUAL(p[2].name, "old");
	CU_ASSERT_STRING_EQUAL(p[3].name, "middle");
	CU_ASSERT_EQUAL(p[0].mode, POLICY_LEARN);
	CU_ASSERT_EQUAL(p[1].mode, POLICY_MITIGATE);
	CU_ASSERT_EQUAL(p[3].mode, POLICY_MONITOR);
	CU_ASSERT_STRING_EQUAL(p[1].place.path, "policies[0](young)");
	CU_ASSERT_EQUAL(p[3].place.line, 13);

	expect_vector(&p[2].vector[VECTOR_UDP_FLOOD], 2000, 5000, 5000);
	expect_vector(&p[3].vector[VECTOR_UDP_FLOOD], 2000, 4000, 4000);
	expect_vector(&p[1].vector[VECTOR_UDP_FLOOD], 2000, 4000, 1000);
	expect_vector(&p[3].vector[VECTOR_ICMP_FLOOD], 8000000, 8000000, 4000000);
	expect_vector(&p[1].vector[VECTOR_ICMP_FLOOD], 0, 0, 0);
	CU_ASSERT_TRUE(p[3].vector[VECTOR_ICMP_FLOOD].max.is_bits);
	CU_ASSERT_FALSE(p[1].vector[VECTOR_OTHER_FLOOD].written);

	CU_ASSERT_EQUAL(p[1].pace.activate_after, SECOND);
	CU_ASSERT_EQUAL(p[1].pace.clear_after, 60 * SECOND);
	CU_ASSERT_EQUAL(p[2].vector[VECTOR_UDP_FLOOD].pace.clear_after, 30 * SECOND);
	CU_ASSERT_EQUAL(p[1].vector[VECTOR_UDP_FLOOD].pace.clear_after, 60 * SECOND);
	CU_ASSERT_EQUAL(p[1].vector[VECTOR_ICMP_FLOOD].pace.clear_after, 300 * SECOND);

	/* Where nothing is said, activate_rate is what all steps go by. */
	CU_ASSERT_EQUAL(p[3].vector[VECTOR_UDP_FLOOD].challenge.per_second, 4000);
	CU_ASSERT_EQUAL(p[3].vector[VECTOR_UDP_FLOOD].block.per_second, 4000);
	CU_ASSERT_EQUAL(p[1].vector[VECTOR_ICMP_FLOOD].challenge.per_second, 0);
	CU_ASSERT_EQUAL(p[1].vector[VECTOR_UDP_FLOOD].pace.hold_for, 300 * SECOND);

	CU_ASSERT_EQUAL(sources_of(s, 2)->packets, 3000);
	CU_ASSERT_EQUAL(sources_of(s, 1)->packets, 0);
	CU_ASSERT_EQUAL(sources_of(s, 1)->block_for_ns, 60 * SECOND);
	CU_ASSERT_EQUAL(sources_of(s, 1)->new_connections, 200);
	CU_ASSERT_EQUAL(sources_of(s, 1)->exempt.count, 1);
	CU_ASSERT_NOT_EQUAL(sources_of(s, 1)->exempt.prefix,
	                    sources_of(s, 2)->exempt.prefix);
	CU_ASSERT_EQUAL(sources_of(s, 0)->packets, 10000);
	CU_ASSERT_EQUAL(((struct rig_sanity *)p[1].params[RIG_SANITY])->private_sources,
	                1);
	CU_ASSERT_EQUAL(((struct rig_sanity *)p[0].params[RIG_SANITY])->private_sources,
	                0);
	settings_free(s);
}

static void
services_and_the_rest_are_read(void)
{
	struct settings *s =
		good("version = 1; node = { name = \"gate-1\"; };\n"
	             "dataplane = { transmit = \"control\"; cores = \"2,4-6\"; rss = "
	             "\"ports\";\n"
	             "  link_down = \"ignore\"; duplex = \"ingress\"; };\n"
	             "links = ( { name = \"up\"; external = \"eth0\"; internal = "
	             "\"net_null0,size=64\"; } );\n"
	             "routers = [ \"198.51.100.1\" ]; events = { file = \"-\"; };\n"
	             "lists = ( { name = \"l\"; action = \"deny\"; prefixes = [ "
	             "\"192.0.2.0/24\" ]; } );\n"
	             "services = ( { name = \"dns\"; prefixes = [ \"203.0.113.53/32\", "
	             "\"2001:db8::/32\" ];\n"
	             "  protocol = \"udp\"; ports = [ \"53\", \"8000-8099\" ]; } );");
	const struct settings_service *service = s->services.element;
	const struct settings_list *list = s->lists.element;
	unsigned int core[8];

	CU_ASSERT_STRING_EQUAL(s->node_name, "gate-1");
	CU_ASSERT_EQUAL(s->transmit, TRANSMIT_CONTROL);
	CU_ASSERT_EQUAL(s->rss_ports, 1);
	CU_ASSERT_EQUAL(s->link_down_ignore, 1);
	CU_ASSERT_EQUAL(s->ingress, 1);
	CU_ASSERT_STRING_EQUAL(s->events.file, "-");
	CU_ASSERT_EQUAL(s->routers.count, 1);
	CU_ASSERT_EQUAL(list->action, LIST_DENY);
	CU_ASSERT_STRING_EQUAL(service->policy, "default");
	CU_ASSERT_EQUAL(settings_protocol(service->protocol), 17);
	CU_ASSERT_EQUAL(service->prefixes.count, 2);
	CU_ASSERT_EQUAL(service->ports.range[1].last, 8099);
	CU_ASSERT_EQUAL(settings_workers(s), 0);
	CU_ASSERT_EQUAL_FATAL(settings_cores(s, core, 8), 4);
	CU_ASSERT_EQUAL(core[0], 2);
	CU_ASSERT_EQUAL(core[1], 4);
	CU_ASSERT_EQUAL(core[3], 6);
	settings_free(s);
}

static void
protocols_have_names_and_numbers(void)
{
	static const struct {
		const char *text;
		int protocol;
	} rows[] = { { "any", -1 }, { "tcp", 6 }, { "udp", 17 },  { "icmp", 1 },
		     { "0", 0 },    { "47", 47 }, { "255", 255 }, { "256", -2 },
		     { "", -2 },    { "06", -2 }, { "6x", -2 },   { "TCP", -2 },
		     { "-1", -2 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CU_ASSERT_EQUAL(settings_protocol(rows[i].text), rows[i].protocol);
}

static void
a_run_needs_a_link(void)
{
	struct settings *s = good("version = 1;");
	struct conf_errors errors = { 0 };

	CU_ASSERT_NOT_EQUAL(settings_check_links(s, &errors), 0);
	CU_ASSERT_TRUE(is_told(
		&errors, "t.conf: there is no link to run on; write links = ( { name = "
			 "\"uplink\"; external = \"...\"; internal = \"...\"; } );\n"));
	settings_free(s);
	s = good("version = 1; links = ( { name = \"a\"; external = \"b\"; internal = "
	         "\"c\"; } );");
	CU_ASSERT_EQUAL(settings_check_links(s, &errors), 0);
	CU_ASSERT_EQUAL(errors.count, 1);
	settings_free(s);
	conf_errors_free(&errors);
}

static const char before[] =
	"version = 1; links = ( { name = \"a\"; external = \"b\"; internal = \"c\"; } );";

static void
expect_live(const char *after, const char *expected)
{
	struct settings *now = good(before), *next = good(after);
	struct conf_errors errors = { 0 };

	CU_ASSERT_EQUAL(settings_check_live(now, next, &errors) == 0,
	                expected[0] == '\0');
	CU_ASSERT_TRUE(is_told(&errors, expected));
	conf_errors_free(&errors);
	settings_free(now);
	settings_free(next);
}

/* Each against one line of a webhook, or of its group. */
static void
where_events_go_is_checked(void)
{
	static const char *const cases[][2] = {
		{ "url = \"ftp://x/\";", "does not begin with http:// or https://" },
		{ "url = \"https://\";", "there is no host" },
		{ "url = \"https://a:b@x/\";", "header_file" },
		{ "url = \"https://x/ y\";", "must be encoded" },
		{ "types = [ \"atack\" ];", "no events of type \"atack\"" },
		{ "fields = [ \"=xy\" ];", "is not NAME=VALUE" },
		{ "header_file = \"x\";", "does not begin with /" },
		{ "timeout = \"0s\";", "" },
		{ "types = [ \"attack.start\", \"trouble\" ]; url = "
		  "\"https://h.example/a?b#c\"; fields = [ \"a=b=c\" ];",
		  NULL },
	};
	char text[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct conf_errors errors = { 0 };
		struct settings *s;
		int rc, n;

		n = snprintf(text, sizeof(text),
		             "version = 1; events = { journal = true; rotate_size = "
		             "\"1MiB\"; keep = \"2\"; webhook = { %s }; };",
		             cases[i][0]);
		rc = settings_read_text(text, (size_t)n, "t.conf", &s, &errors);
		CU_ASSERT_EQUAL(rc == 0, cases[i][1] == NULL);
		if (rc == 0) {
			CU_ASSERT_TRUE(s->events.journal);
			CU_ASSERT_EQUAL(s->events.rotate_size, 1 << 20);
			CU_ASSERT_EQUAL(s->events.keep, 2);
			settings_free(s);
		} else if (cases[i][1] != NULL) {
			CU_ASSERT_PTR_NOT_NULL(
				strstr(errors.error[0].message, cases[i][1]));
		}
		conf_errors_free(&errors);
	}
}

static void
what_a_reload_cannot_change_is_named(void)
{
	expect_live(before, "");
	expect_live("version = 1; node = { name = \"x\"; }; events = { file = \"-\"; };\n"
	            "dataplane = { link_down = \"ignore\"; }; policies = ( { name = "
	            "\"p\"; } );\n"
	            "services = ( { name = \"s\"; prefixes = [ \"192.0.2.1\" ]; } );\n"
	            "links = ( { name = \"a\"; external = \"b\"; internal = \"c\"; } );",
	            "");
	expect_live(
		"version = 1; dataplane = { transmit = \"worker\"; workers = \"3\";\n"
		"cores = \"0-3\"; rss = \"ports\"; flow_entries = \"2M\"; source_entries "
		"= \"1M\";\n"
		"duplex = \"ingress\"; }; api = { listen = [ ]; };\n"
		"links = ( { name = \"a\"; external = \"b\"; internal = \"d\"; } );",
#define FIXED(key, from, to)                                                             \
	"t.conf: dataplane." key ": cannot change while running, from \"" from           \
	"\" to \"" to "\"; restart to apply it\n"
		FIXED("transmit", "auto", "worker") FIXED("workers", "auto", "3") FIXED(
			"cores", "auto", "0-3") FIXED("rss", "addresses",
	                                              "ports") FIXED("flow_entries", "1M",
	                                                             "2M")
			FIXED("source_entries", "256k", "1M") FIXED(
				"duplex", "inline",
				"ingress") "t.conf:4: links[0](a): a link cannot change "
					   "while running; restart to apply it\n"
					   "t.conf: api.listen: cannot change while "
					   "running; restart to apply it\n");
	expect_live(
		"version = 1; state = { folder = \"/f\"; cookie_secret = \"/s\"; };\n"
		"links = ( { name = \"a\"; external = \"b\"; internal = \"c\"; } );",
		"t.conf: state.folder: cannot change while running, from "
		"\"/var/lib/tidegate\" to \"/f\"; restart to apply it\n"
		"t.conf: state.cookie_secret: cannot change while running, from \"\" to "
		"\"/s\"; restart to apply it\n");
	expect_live("version = 1;", "t.conf: links: cannot change while running, from "
	                            "\"1\" to \"0\"; restart to "
	                            "apply it\n");
}

/* Many of one thing: at the bound, and one above it. */
static void
expect_many(const char *list, const char *element, unsigned int n, const char *expected)
{
	struct conf_errors errors = { 0 };
	struct settings *s;
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	fprintf(to, "version = 1;\n%s = (", list);
	for (unsigned int i = 0; i < n; i++)
		fprintf(to, "%s\n{ name = \"n%u\"; %s }", i > 0 ? "," : "", i, element);
	fputs(");", to);
	fclose(to);
	CU_ASSERT_EQUAL(settings_read_text(text, len, "t.conf", &s, &errors) == 0,
	                expected[0] == '\0');
	CU_ASSERT_TRUE(is_told(&errors, expected));
	conf_errors_free(&errors);
	settings_free(s);
	free(text);
}

static void
as_many_policies_and_services_as_fit(void)
{
	expect_many("policies", "", 255, "");
	expect_many(
		"policies", "", 256,
		"t.conf:2: policies: there are 256 policies; at most 255 fit, with the "
		"built-in \"default\"\n");
	expect_many("services", "prefixes = [ ];", 1023, "");
	expect_many("services", "prefixes = [ ];", 1024,
	            "t.conf:1026: services[1023](n1023): there are 1024 services; at "
	            "most 1023 "
	            "fit\n");
}

/* Limits of networks and addresses are read, inherited one by one, and off by default. */
static void
networks_and_addresses_have_rates_of_their_own(void)
{
	struct settings *s = good(
		"version = 1; dataplane = { addresses = \"2M\"; networks = \"5k\"; };\n"
		"policies = ( { name = \"a\"; vectors = ( { vector = \"udp_flood\";\n"
		"  activate_rate = \"9kpps\"; network_rate = \"20Mbit/s\";\n"
		"  address_rate = \"500pps\"; } ); },\n"
		"{ name = \"b\"; extends = \"a\"; vectors = ( { vector = \"udp_flood\";\n"
		"  network_rate = \"off\"; } ); },\n"
		"{ name = \"c\"; vectors = ( { vector = \"udp_flood\";\n"
		"  activate_rate = \"9kpps\"; } ); } );");
	const struct settings_vector *a = &s->policy[1].vector[VECTOR_UDP_FLOOD];
	const struct settings_vector *b = &s->policy[2].vector[VECTOR_UDP_FLOOD];
	const struct settings_vector *c = &s->policy[3].vector[VECTOR_UDP_FLOOD];
	struct conf_errors errors = { 0 };
	struct settings *none;

	CU_ASSERT_EQUAL(s->addresses, 2000000);
	CU_ASSERT_EQUAL(s->networks, 5000);
	CU_ASSERT(a->network.per_second == 20000000 && a->network.is_bits);
	CU_ASSERT(a->address.per_second == 500 && !a->address.is_bits);
	CU_ASSERT_EQUAL(b->network.per_second, 0);
	CU_ASSERT_EQUAL(b->address.per_second, 500);
	CU_ASSERT_EQUAL(c->network.per_second + c->address.per_second, 0);

	none = good(
		"version = 1; dataplane = { addresses = \"1M\"; networks = \"5k\"; };");
	CU_ASSERT_EQUAL(settings_check_live(s, none, &errors), -EINVAL);
	CU_ASSERT_TRUE(is_told(
		&errors, "t.conf: dataplane.addresses: cannot change while running, "
			 "from \"2M\" to \"1M\"; restart to apply it\n"));
	conf_errors_free(&errors);
	settings_free(none);
	settings_free(s);
}

SUITE_MAIN("settings", TEST(nothing_written_is_a_monitor_that_protects_nothing),
           TEST(printed_defaults_load_again), TEST(the_manual_has_the_keys_of_stages),
           TEST(policies_inherit_key_by_key_in_any_order),
           TEST(services_and_the_rest_are_read), TEST(protocols_have_names_and_numbers),
           TEST(a_run_needs_a_link), TEST(where_events_go_is_checked),
           TEST(what_a_reload_cannot_change_is_named),
           TEST(as_many_policies_and_services_as_fit),
           TEST(networks_and_addresses_have_rates_of_their_own))
