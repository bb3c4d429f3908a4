/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys of the stage, and what the names in them mean for each list. */
#include "stage/lists/params.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METER_BURST_NS UINT64_C(200000000)
#define METER_LEAST    16 /* packets, however low the rate */
#define NAME_MAX_LEN   63

#define IN(member) offsetof(struct lists_params, member)

static const struct conf_field meter_fields[] = {
	{ .key = "tag",
	  .kind = CONF_TEXT,
	  .offset = offsetof(struct list_meter, tag),
	  .min = 1,
	  .max = NAME_MAX_LEN,
	  .example = "far-away",
	  .help = "The name of a list whose action is tag." },
	{ .key = "limit",
	  .kind = CONF_RATE,
	  .offset = offsetof(struct list_meter, limit),
	  .min = 1,
	  .max = METER_MAX_BITS,
	  .example = "1kpps",
	  .help = "What all sources on it together may send to the services of this "
	          "policy, in packets or in bits." },
	{ .key = NULL },
};

const struct conf_field lists_fields[] = {
	{ .key = "deny",
	  .kind = CONF_TEXTS,
	  .offset = IN(deny),
	  .absent = "",
	  .min = 1,
	  .max = NAME_MAX_LEN,
	  .help = "Tags, names of lists whose action is tag, whose sources this policy "
	          "does not let in." },
	{ .key = "allow",
	  .kind = CONF_TEXTS,
	  .offset = IN(allow),
	  .absent = "",
	  .min = 1,
	  .max = NAME_MAX_LEN,
	  .help = "Tags whose sources this policy lets through for good." },
	{ .key = "meter",
	  .kind = CONF_LIST,
	  .offset = IN(meter),
	  .absent = "",
	  .fields = meter_fields,
	  .size = sizeof(struct list_meter),
	  .help = "Tags whose sources share a limit." },
	{ .key = NULL },
};

/* What is being compiled. */
struct work {
	struct lists_params *p;
	const struct stage_compile *from;
	struct conf_errors *errors;
	size_t before; /* errors */
};

static uint16_t
hit(const struct stage_compile *from, const char *name)
{
	return from->hit == NULL ? 0 : from->hit(from->hits, "lists", name);
}

static void
no_such_tag(const struct work *w, const char *key, const char *name)
{
	const struct stage_lists *lists = w->from->lists;
	const unsigned int count = lists == NULL ? 0 : lists->lists;
	const char **names = calloc(count + 1, sizeof(*names));
	const char *meant = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; names != NULL && i < count; i++)
		if (lists->entry[i].action == LIST_TAG)
			names[n++] = lists->entry[i].name;
	if (n > 0)
		meant = conf_closest(name, names);
	free(names);
	if (meant != NULL)
		conf_fail(
			w->errors, NULL,
			"policy \"%s\": lists.%s names \"%s\", which is no tag; did you "
			"mean \"%s\"?",
			w->from->policy, key, name, meant);
	else
		conf_fail(w->errors, NULL,
		          "policy \"%s\": lists.%s names \"%s\", but no list with action "
		          "\"tag\" has that name",
		          w->from->policy, key, name);
}

/* The meaning of the tag of that name, or NULL with an error. */
static struct list_meaning *
tag_of(const struct work *w, const char *key, const char *name)
{
	const struct stage_lists *lists = w->from->lists;

	for (unsigned int i = 0; lists != NULL && i < lists->lists; i++)
		if (lists->entry[i].action == LIST_TAG &&
		    strcmp(lists->entry[i].name, name) == 0)
			return &w->p->list[i];
	no_such_tag(w, key, name);
	return NULL;
}

static void
give_meaning(const struct work *w, const char *key, const struct conf_texts *names,
             enum meaning means)
{
	for (size_t i = 0; i < names->count; i++) {
		struct list_meaning *tag = tag_of(w, key, names->text[i]);

		if (tag == NULL)
			continue;
		if ((tag->means & ~(unsigned int)means) != 0)
			conf_fail(
				w->errors, NULL,
				"policy \"%s\": lists.%s names \"%s\", of which it says "
				"something else as well; one tag is denied, allowed or "
				"metered",
				w->from->policy, key, names->text[i]);
		tag->means |= (uint8_t)means;
	}
}

static void
give_meter(const struct work *w, size_t i)
{
	const struct list_meter *m = &((const struct list_meter *)w->p->meter.element)[i];
	const struct meter_limit limit = { m->limit.per_second, m->limit.is_bits
		                                                        ? METER_BITS
		                                                        : METER_PACKETS };
	struct list_meaning *tag = tag_of(w, "meter", m->tag);
	struct list_price *price = &w->p->price[i];
	char name[2 * NAME_MAX_LEN + 2];

	if (tag == NULL)
		return;
	if (tag->means != 0)
		conf_fail(
			w->errors, NULL,
			"policy \"%s\": lists.meter names \"%s\", of which it says "
			"something as well; one tag is denied, allowed or metered, once",
			w->from->policy, m->tag);
	snprintf(name, sizeof(name), "%s@%s", m->tag, w->from->policy);
	price->list = (uint16_t)(tag - w->p->list);
	price->hit = hit(w->from, name);
	if (strlen(name) > NAME_MAX_LEN || price->hit == 0)
		conf_fail(w->errors, NULL,
		          "there is no meter for \"%s\" of policy \"%s\": %s", m->tag,
		          w->from->policy,
		          price->hit == 0 ? "all names of counters are in use"
		                          : "both names together are too long");
	if (meter_rate_init(&price->rate, &limit, METER_BURST_NS, METER_LEAST) != 0)
		conf_fail(w->errors, NULL,
		          "policy \"%s\": the limit of tag \"%s\" is beyond what can be "
		          "metered",
		          w->from->policy, m->tag);
	tag->means |= MEANS_METER;
	tag->meter = (uint16_t)i;
}

static void
name_lists(const struct work *w)
{
	static const uint8_t means[] = { [LIST_ALLOW] = MEANS_ALLOW,
		                         [LIST_DENY] = MEANS_DENY,
		                         [LIST_TAG] = 0,
		                         [LIST_NEVER_BLOCK] = MEANS_TRUST };
	const struct stage_lists *lists = w->from->lists;

	for (unsigned int i = 0; lists != NULL && i < lists->lists; i++) {
		w->p->list[i].means = means[lists->entry[i].action];
		w->p->list[i].hit = hit(w->from, lists->entry[i].name);
	}
	w->p->hit_blocks = hit(w->from, "timed entries");
}

void
lists_release(void *params)
{
	struct lists_params *p = params;

	free(p->list);
	free(p->price);
	p->list = NULL;
	p->price = NULL;
}

int
lists_compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct lists_params *p = params;
	struct work w = { p, from, errors, errors->count };

	p->lists = from->lists;
	p->blocks = from->blocks;
	p->list = calloc((from->lists == NULL ? 0 : from->lists->lists) + 1,
	                 sizeof(*p->list));
	p->price = calloc(p->meter.count + 1, sizeof(*p->price));
	if (p->list == NULL || p->price == NULL) {
		lists_release(p);
		return -ENOMEM;
	}
	name_lists(&w);
	give_meaning(&w, "deny", &p->deny, MEANS_TAG_DENY);
	give_meaning(&w, "allow", &p->allow, MEANS_TAG_ALLOW);
	for (size_t i = 0; i < p->meter.count; i++)
		give_meter(&w, i);
	if (errors->count == w.before)
		return 0;
	lists_release(p);
	return -EINVAL;
}
