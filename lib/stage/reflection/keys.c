/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of the configuration, and what follows from them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stage/reflection/parts.h"

#define MS_NS      UINT64_C(1000000)
#define SECOND_NS  (1000 * MS_NS)
#define QUOTA_NS   (200 * MS_NS)
#define TRIGGER_NS SECOND_NS /* what comes at once is no flood yet */

static const char *const when_words[] = { "armed", "always", "off", NULL };

#define AT(field) offsetof(struct reflection_params, field)

const struct conf_field reflection_fields[] = {
	{ .key = "unasked",
	  .kind = CONF_WORD,
	  .offset = AT(when),
	  .absent = "armed",
	  .words = when_words,
	  .help = "When answers that nobody asked for are dropped: while their vector is "
	          "active or one of the rates below is exceeded, always, or never." },
	{ .key = "unasked_rate",
	  .kind = CONF_PACKETS,
	  .offset = AT(unasked_rate),
	  .absent = "100pps",
	  .max = METER_MAX_PPS,
	  .help = "Unasked answers to one service that are no flood; above it all are "
	          "dropped." },
	{ .key = "syn_ack_rate",
	  .kind = CONF_PACKETS,
	  .offset = AT(syn_ack_rate),
	  .absent = "100pps",
	  .max = METER_MAX_PPS,
	  .help = "The same for SYN-ACKs; with duplex ingress, where all look unasked, "
	          "what one service may get." },
	{ .key = "middlebox_rate",
	  .kind = CONF_PACKETS,
	  .offset = AT(middlebox_rate),
	  .absent = "1kpps",
	  .max = METER_MAX_PPS,
	  .help = "The same for data and resets of no connection from servers' ports." },
	{ .key = "hold_for",
	  .kind = CONF_TIME,
	  .offset = AT(hold_for_ns),
	  .absent = "10s",
	  .min = SECOND_NS,
	  .max = 3600 * SECOND_NS,
	  .help = "How long after such a rate was last exceeded unasked answers are "
	          "dropped." },
	{ .key = "learning_time",
	  .kind = CONF_TIME,
	  .offset = AT(learning_ns),
	  .absent = "5s",
	  .max = 600 * SECOND_NS,
	  .help = "How long after the start, or after a bypass, answers may belong to "
	          "questions that were not seen." },
	{ .key = "answer_quota",
	  .kind = CONF_PACKETS,
	  .offset = AT(answer_quota),
	  .absent = "1kpps",
	  .min = 1,
	  .max = METER_MAX_PPS,
	  .help = "With duplex ingress: answers of one kind (DNS, NTP and so on) that "
	          "one "
	          "service may get." },
	{ .key = "expected_answers",
	  .kind = CONF_PREFIXES,
	  .offset = AT(expected_answers),
	  .absent = "",
	  .help = "Resolvers, time servers and others whose answers are expected." },
	{ .key = "expected_rate",
	  .kind = CONF_PACKETS,
	  .offset = AT(expected_rate),
	  .absent = "10kpps",
	  .min = 1,
	  .max = METER_MAX_PPS,
	  .help = "Answers that one service may get of them; their addresses may be "
	          "forged." },
	{ .key = "except",
	  .kind = CONF_TEXTS,
	  .offset = AT(except),
	  .absent = "",
	  .help = "Kinds of answers that are never judged, such as steam in front of "
	          "game "
	          "players; the manual page names all." },
	{ 0 },
};

static int
compile_rates(struct reflection_params *p, struct conf_errors *errors)
{
	const struct {
		uint64_t pps;
		struct meter_rate *rate;
		uint64_t burst_ns;
	} all[] = {
		{ p->unasked_rate, &p->unasked, TRIGGER_NS },
		{ p->syn_ack_rate, &p->syn_ack, TRIGGER_NS },
		{ p->middlebox_rate, &p->middlebox, TRIGGER_NS },
		{ p->answer_quota, &p->quota, QUOTA_NS },
		{ p->expected_rate, &p->expected_price, QUOTA_NS },
	};

	for (unsigned int k = 0; k < sizeof(all) / sizeof(*all); k++) {
		const struct meter_limit limit = { all[k].pps, METER_PACKETS };

		if (meter_rate_init(all[k].rate, &limit, all[k].burst_ns,
		                    REFLECTION_LEAST) == 0)
			continue;
		conf_fail(errors, NULL, "a rate of reflection is out of range");
		return -EINVAL;
	}
	return 0;
}

static int
compile_expected(struct reflection_params *p, struct conf_errors *errors)
{
	const size_t n = p->expected_answers.count;
	struct prefix_entry *entries;
	int rc;

	if (n == 0)
		return 0;
	entries = calloc(n, sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < n; k++) {
		memcpy(&entries[k].prefix, &p->expected_answers.prefix[k],
		       sizeof(entries[k].prefix));
		entries[k].value = 1;
	}
	rc = prefix_build(entries, n, &p->expected);
	free(entries);
	if (rc < 0)
		conf_fail(errors, NULL, "reflection.expected_answers: %s", strerror(-rc));
	return rc;
}

static int
compile_except(struct reflection_params *p, struct conf_errors *errors)
{
	int rc = 0;

	for (size_t k = 0; k < p->except.count; k++) {
		const unsigned int r = rows_find(p->except.text[k]);

		if (r != ROWS_NONE) {
			p->is_left[r] = true;
			continue;
		}
		conf_fail(errors, NULL,
		          "reflection.except: there is no kind of answers named \"%s\"",
		          p->except.text[k]);
		rc = -EINVAL;
	}
	return rc;
}

int
reflection_compile(void *params, const struct stage_compile *from,
                   struct conf_errors *errors)
{
	struct reflection_params *p = params;
	int rc = compile_rates(p, errors);

	if (rc == 0)
		rc = compile_except(p, errors);
	if (rc == 0)
		rc = compile_expected(p, errors);
	if (rc < 0 || from->hit == NULL)
		return rc;
	for (unsigned int r = 0; r < rows_count(); r++)
		p->hit[r] = from->hit(from->hits, "reflection", rows[r].name);
	p->hit[HIT_SYN_ACK] = from->hit(from->hits, "reflection", "syn_ack");
	p->hit[HIT_MIDDLEBOX] = from->hit(from->hits, "reflection", "middlebox");
	return 0;
}

void
reflection_release(void *params)
{
	struct reflection_params *p = params;

	prefix_free(p->expected);
	p->expected = NULL;
}
