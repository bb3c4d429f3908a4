/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/set.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "filter/expression.h"
#include "filter/rules.h"

struct filter_set {
	atomic_uint holds;
	char digest[65]; /* of the rules it was made of */
	struct filter_rules_part part[FILTER_PARTS];
};

/* --- what it is made of --------------------------------------------------------- */

static void
tell_texts(FILE *to, const struct conf_texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		fprintf(to, "%zu:%s,", strlen(t->text[i]), t->text[i]);
	fputc(';', to);
}

static void
tell_ports(FILE *to, const struct conf_ports *p)
{
	for (size_t i = 0; i < p->count; i++)
		fprintf(to, "%u-%u,", p->range[i].first, p->range[i].last);
	fputc(';', to);
}

static void
tell_prefixes(FILE *to, const struct conf_prefixes *p)
{
	char text[CONF_PREFIX_TEXT];

	for (size_t i = 0; i < p->count; i++) {
		conf_format_prefix(&p->prefix[i], text);
		fprintf(to, "%s,", text);
	}
	fputc(';', to);
}

static void
tell(FILE *to, const struct filter_spec *s)
{
	const struct filter_asked *m = &s->match;
	const struct conf_texts *texts[] = { &s->services,   &m->protocols,
		                             &m->icmp_types, &m->icmp_codes,
		                             &m->tcp_flags,  &m->lengths,
		                             &m->dscp,       &m->fragments,
		                             &m->flow_labels };

	fprintf(to, "%s\n%zu:%s\n%d %d %d %lu %d %s\n", s->name, strlen(s->expression),
	        s->expression, s->action, s->dry_run, s->verified,
	        (unsigned long)s->limit.per_second, s->limit.is_bits, s->until);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		tell_texts(to, texts[i]);
	tell_ports(to, &m->ports);
	tell_ports(to, &m->source_ports);
	tell_ports(to, &m->destination_ports);
	tell_prefixes(to, &m->destination);
	tell_prefixes(to, &m->source);
}

static int
digest_of(const struct filter_given *given, unsigned int count, char out[65])
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (to == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++)
		tell(to, given[i].spec);
	if (fclose(to) != 0) {
		free(text);
		return -ENOMEM;
	}
	sha256_text(text, len, out);
	free(text);
	return 0;
}

/* --- making ---------------------------------------------------------------------- */

static bool
asks_something(const struct filter_match *m)
{
	bool is_any = false;

	for (unsigned int i = 0; i < FILTER_SMALL; i++)
		is_any |= m->has_small[i];
	for (unsigned int i = 0; i < FILTER_WIDE; i++)
		is_any |= m->has_wide[i];
	for (unsigned int i = 0; i < FILTER_ENDS; i++)
		is_any |= m->has_end[i];
	return is_any;
}

static int
refuse(struct conf_errors *errors, const struct conf_place *place, const char *why)
{
	conf_fail(errors, place, "%s", why);
	return -EINVAL;
}

static int
read_what(const struct filter_given *g, struct filter_rule *r, struct conf_errors *errors)
{
	const struct filter_spec *s = g->spec;
	int status = filter_match_read(&s->match, &r->match, g->place, errors);
	const bool has_match = status != 0 || asks_something(&r->match);
	char why[300];

	if (has_match && s->expression[0] != '\0')
		return refuse(errors, g->place,
		              "a rule has an expression or a match, not both");
	if (!has_match && s->expression[0] == '\0')
		return refuse(
			errors, g->place,
			"a rule needs an expression or a match; what shall hold for "
			"every packet is expression = \"ip or ip6\"");
	if (has_match || status != 0)
		return status;
	status = filter_expression_make(s->expression, &r->expression, why, sizeof(why));
	if (status != 0)
		conf_fail(errors, g->place, "expression: %s", why);
	else
		r->text = strdup(s->expression);
	return status;
}

static int
copy_services(const struct conf_texts *from, struct conf_texts *to)
{
	to->text = calloc(from->count + 1, sizeof(*to->text));
	for (size_t i = 0; to->text != NULL && i < from->count; i++) {
		to->text[i] = strdup(from->text[i]);
		if (to->text[i] == NULL)
			return -ENOMEM;
		to->count++;
	}
	return to->text == NULL ? -ENOMEM : 0;
}

static int
read_rule(const struct filter_given *g, struct filter_rule *r, struct conf_errors *errors)
{
	const struct filter_spec *s = g->spec;
	const int64_t until = filter_until(s->until);
	int status = read_what(g, r, errors);

	snprintf(r->name, sizeof(r->name), "%s", s->name);
	r->action = (uint8_t)s->action;
	r->is_dry = s->dry_run;
	r->limit = s->limit;
	if (until < 0)
		status = refuse(errors, g->place,
		                "until is no time; write such as "
		                "\"2026-12-24T12:00:00Z\", in UTC");
	else
		r->until_ns = (uint64_t)until * UINT64_C(1000000000);
	if (s->action == FILTER_METER && s->limit.per_second == 0)
		status = refuse(errors, g->place,
		                "action meter needs a limit, such as \"10kpps\"");
	if (s->action != FILTER_METER && s->limit.per_second != 0)
		status = refuse(errors, g->place, "a limit needs action meter");
	if (status == 0 && copy_services(&s->services, &r->services) != 0) {
		conf_fail(errors, g->place, "no memory for a rule");
		return -ENOMEM;
	}
	return status;
}

/* Sort a part's rules into those asked at once and those asked one by one. */
static int
arrange(struct filter_rules_part *p, struct conf_errors *errors)
{
	const struct filter_match **match = calloc(p->count + 1, sizeof(*match));
	unsigned int n = 0;
	int status = 0;

	p->of_match = calloc(p->count + 1, sizeof(*p->of_match));
	for (unsigned int i = 0; match != NULL && p->of_match != NULL && i < p->count;
	     i++) {
		if (p->rule[i].expression != NULL) {
			p->of_expression[p->expressions++] = (uint16_t)i;
			continue;
		}
		p->of_match[n] = (uint16_t)i;
		match[n++] = &p->rule[i].match;
	}
	if (match != NULL && n > 0)
		p->matcher = filter_rules_build(match, n);
	if (match == NULL || p->of_match == NULL || (n > 0 && p->matcher == NULL)) {
		conf_fail(errors, NULL, "no memory for %u filter rules", p->count);
		status = -ENOMEM;
	}
	free(match);
	return status;
}

static int
fill(struct filter_set *set, const struct filter_given *given, unsigned int count,
     struct conf_errors *errors)
{
	unsigned int expressions = 0;
	int status = 0;

	for (unsigned int k = 0; k < FILTER_PARTS; k++) {
		set->part[k].rule = calloc(count + 1, sizeof(*set->part[k].rule));
		if (set->part[k].rule == NULL) {
			conf_fail(errors, NULL, "no memory for %u filter rules", count);
			return -ENOMEM;
		}
	}
	/* Go on after an error, so that all are told in one run. */
	for (unsigned int i = 0; i < count; i++) {
		struct filter_rules_part *p =
			&set->part[given[i].spec->verified ? FILTER_EVERYBODY
		                                           : FILTER_UNVERIFIED];
		struct filter_rule *r = &p->rule[p->count++];
		int one = read_rule(&given[i], r, errors);

		status = status != 0 ? status : one;
		if (r->expression != NULL && ++expressions == FILTER_EXPRESSIONS_MAX + 1)
			status = refuse(errors, given[i].place,
			                "more than 64 rules with expressions, which are "
			                "asked one by one; write addresses, ports and "
			                "the like as match");
	}
	for (unsigned int k = 0; k < FILTER_PARTS && status == 0; k++)
		status = arrange(&set->part[k], errors);
	return status;
}

int
filter_set_make(const struct filter_given *given, unsigned int count,
                struct filter_set *like, struct filter_set **out,
                struct conf_errors *errors)
{
	struct filter_set *set;
	char digest[65];
	int status;

	if (count > FILTER_SET_MAX) {
		conf_fail(errors, NULL, "%u filter rules; at most %d are possible", count,
		          FILTER_SET_MAX);
		return -EINVAL;
	}
	status = digest_of(given, count, digest);
	set = status == 0 ? calloc(1, sizeof(*set)) : NULL;
	if (set == NULL) {
		conf_fail(errors, NULL, "no memory for %u filter rules", count);
		return -ENOMEM;
	}
	if (like != NULL && strcmp(like->digest, digest) == 0) {
		free(set);
		*out = filter_set_hold(like);
		return 0;
	}
	atomic_init(&set->holds, 1);
	memcpy(set->digest, digest, sizeof(digest));
	status = fill(set, given, count, errors);
	if (status != 0) {
		filter_set_release(set);
		return status;
	}
	*out = set;
	return 0;
}

struct filter_set *
filter_set_hold(struct filter_set *set)
{
	if (set != NULL)
		atomic_fetch_add(&set->holds, 1);
	return set;
}

void
filter_set_release(struct filter_set *set)
{
	if (set == NULL || atomic_fetch_sub(&set->holds, 1) != 1)
		return;
	for (unsigned int k = 0; k < FILTER_PARTS; k++) {
		struct filter_rules_part *p = &set->part[k];

		for (unsigned int i = 0; i < p->count; i++) {
			filter_expression_free(p->rule[i].expression);
			free(p->rule[i].text);
			for (size_t t = 0; t < p->rule[i].services.count; t++)
				free(p->rule[i].services.text[t]);
			free(p->rule[i].services.text);
		}
		filter_rules_free(p->matcher);
		free(p->of_match);
		free(p->rule);
	}
	free(set);
}

const struct filter_rules_part *
filter_set_part(const struct filter_set *set, enum filter_part part)
{
	return &set->part[part];
}
