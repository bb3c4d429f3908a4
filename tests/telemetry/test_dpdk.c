/* SPDX-License-Identifier: BSD-3-Clause */
/* Asks the real telemetry socket of a DPDK without hugepages or devices. */
#include <rte_eal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "suite.h"
#include "telemetry/by_hand.h"
#include "telemetry/history.h"

static struct box *box;
static struct telemetry *t;
static struct telemetry_history *history;
static int fd = -1;
static char answer[20000];

/* One command; its answer as JSON, or NULL. */
static json_t *
ask(const char *command)
{
	ssize_t n;

	if (send(fd, command, strlen(command), 0) < 0)
		return NULL;
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n < 0)
		return NULL;
	answer[n] = '\0';
	return json_loads(answer, 0, NULL);
}

static void
the_socket_answers(void)
{
	static char prefix[48];
	static char *args[] = { "test", "--no-huge",   "--no-pci",
		                "-m",   "64",          "--file-prefix",
		                prefix, "--log-level", "error",
		                NULL };
	static const struct timeval limit = { .tv_sec = 5 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(prefix, sizeof(prefix), "tgtest%d", (int)getpid());
	CU_ASSERT_FATAL(rte_eal_init(9, args) >= 0);
	box = hand_open();
	t = telemetry_open(box);
	history = telemetry_history_open(
		&(struct telemetry_history_from){ .telemetry = t, .memory = 1 << 20 });
	CU_ASSERT_PTR_NOT_NULL_FATAL(history);
	CU_ASSERT_EQUAL_FATAL(telemetry_dpdk_register(t), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/dpdk_telemetry.v2",
	         rte_eal_get_runtime_dir());
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)),
	                      0);
	CU_ASSERT_FATAL(recv(fd, answer, sizeof(answer), 0) > 0);
}

static void
every_document_without_a_question_is_a_command(void)
{
	char command[80];

	for (const struct telemetry_document *d = telemetry_documents; d->path != NULL;
	     d++) {
		json_t *o, *inner;

		/* These need to be told of whom. */
		if (telemetry_is_named(d) || strcmp(d->path, "explain") == 0 ||
		    strcmp(d->path, "thresholds") == 0)
			continue;
		snprintf(command, sizeof(command), "/tidegate/%s", d->path);
		o = ask(command);
		inner = json_object_get(o, command);
		CU_ASSERT(json_object_size(inner) > 1);
		json_decref(o);
	}
}

static void
nested_values_survive(void)
{
	json_t *o, *inner;

	box->worker[0].books[0][0].received_packets = 12;
	o = ask("/tidegate/ports");
	inner = json_object_get(
		json_object_get(json_object_get(o, "/tidegate/ports"), "ports"), "0");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(inner, "received_packets")),
	                12);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(inner, "name")),
	                       "veth0");
	json_decref(o);

	o = ask("/tidegate/services,shop");
	inner = json_object_get(json_object_get(o, "/tidegate/services"), "service");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(inner, "mode")),
	                       "mitigate");
	json_decref(o);

	o = ask("/tidegate/explain,ip=203.0.113.10");
	inner = json_object_get(o, "/tidegate/explain");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(inner, "address")),
	                       "203.0.113.10");
	json_decref(o);
	o = ask("/tidegate/services,nobody");
	CU_ASSERT(json_is_null(json_object_get(o, "/tidegate/services")));
	json_decref(o);
}

static void
a_long_document_comes_whole_in_pieces(void)
{
	static char text[200000];
	size_t len = 0;
	json_t *d;

	for (;;) {
		char command[80];
		json_t *o;
		const char *piece;

		snprintf(command, sizeof(command), "/tidegate/json,/reasons,%zu", len);
		o = ask(command);
		piece = json_string_value(json_object_get(o, "/tidegate/json"));
		CU_ASSERT_PTR_NOT_NULL_FATAL(piece);
		if (piece[0] == '\0') {
			json_decref(o);
			break;
		}
		strcpy(text + len, piece);
		len += strlen(piece);
		json_decref(o);
	}
	d = json_loads(text, 0, NULL);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "reasons")),
	                pipeline_reasons());
	json_decref(d);
}

static void
a_document_too_big_for_an_answer_says_what_is_left_out(void)
{
	json_t *o, *inner;

	for (unsigned int i = 3; i < CELLS; i++)
		hand_service(box->policies, i, "one of very many services", 1);
	box->policies->n_services = CELLS;
	o = ask("/tidegate/services");
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	inner = json_object_get(o, "/tidegate/services");
	CU_ASSERT(json_integer_value(json_object_get(inner, "left_out")) > 0);
	json_decref(o);
	box->policies->n_services = SERVICES;
}

static void
after_forget_nothing_is_answered(void)
{
	json_t *o;

	telemetry_dpdk_forget();
	o = ask("/tidegate/status");
	CU_ASSERT(json_is_null(json_object_get(o, "/tidegate/status")));
	json_decref(o);
	close(fd);
	telemetry_history_close(history);
	telemetry_close(t);
	hand_close(box);
	rte_eal_cleanup();
}

SUITE_MAIN("telemetry/dpdk", TEST(the_socket_answers),
           TEST(every_document_without_a_question_is_a_command),
           TEST(nested_values_survive), TEST(a_long_document_comes_whole_in_pieces),
           TEST(a_document_too_big_for_an_answer_says_what_is_left_out),
           TEST(after_forget_nothing_is_answered))
