/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings_lists - prefixes that contradict each other, found by sorting.
 *
 * Lists can hold many thousand prefixes, so equal ones are brought together
 * first; only neighbours are then compared.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/settings_parts.h"

/* One prefix of a list or service, by the index of its owner. */
struct claim {
	const struct conf_prefix *prefix;
	size_t owner;
};

static int
compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = memcmp(x->prefix, y->prefix, sizeof(*x->prefix));

	return order != 0 ? order : x->owner < y->owner ? -1 : x->owner > y->owner;
}

static bool
is_same(const struct claim *x, const struct claim *y)
{
	return memcmp(x->prefix, y->prefix, sizeof(*x->prefix)) == 0;
}

/* All prefixes of a list's elements, sorted; the caller frees them. */
static struct claim *
gather(const struct conf_list *list, size_t size, size_t offset, size_t *count)
{
	struct claim *claims;
	size_t n = 0;

	for (size_t i = 0; i < list->count; i++) {
		const char *element = (const char *)list->element + i * size;

		n += ((const struct conf_prefixes *)(const void *)(element + offset))
		             ->count;
	}
	claims = calloc(n + 1, sizeof(*claims));
	if (claims == NULL)
		abort();
	*count = n;
	n = 0;
	for (size_t i = 0; i < list->count; i++) {
		const char *element = (const char *)list->element + i * size;
		const struct conf_prefixes *p = (const void *)(element + offset);

		for (size_t k = 0; k < p->count; k++)
			claims[n++] = (struct claim){ &p->prefix[k], i };
	}
	qsort(claims, n, sizeof(*claims), compare);
	return claims;
}

/* --- allow against deny --- */

static void
check_conflicts(const struct settings *s, struct conf_errors *errors)
{
	const struct settings_list *lists = s->lists.element;
	size_t n;
	struct claim *c = gather(&s->lists, sizeof(*lists),
	                         offsetof(struct settings_list, prefixes), &n);

	for (size_t i = 1; i < n; i++) {
		const struct settings_list *a = &lists[c[i - 1].owner],
					   *b = &lists[c[i].owner];
		char text[CONF_PREFIX_TEXT];

		/* Tags and never_block stand beside what decides. */
		if (!is_same(&c[i - 1], &c[i]) || a->action == b->action ||
		    a->action > LIST_DENY || b->action > LIST_DENY)
			continue;
		conf_format_prefix(c[i].prefix, text);
		conf_fail(errors, &s->lists.place[c[i].owner],
		          "\"%s\" is both allowed and denied: by this list and by the "
		          "one at line %u",
		          text, s->lists.place[c[i - 1].owner].line);
	}
	free(c);
}

/* --- denied neighbours --- */

static bool
covers(const struct conf_prefix *wide, const struct conf_prefix *narrow)
{
	unsigned int bytes = wide->len / 8, bits = wide->len % 8;

	/* ::/0 is all of IPv6 and nothing of IPv4, which lies inside it as mapped. */
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (wide->len < 96 && memcmp(narrow->address, mapped, sizeof(mapped)) == 0)
		return false;
	if (wide->len > narrow->len || memcmp(wide->address, narrow->address, bytes) != 0)
		return false;
	return bits == 0 ||
	       (wide->address[bytes] ^ narrow->address[bytes]) >> (8 - bits) == 0;
}

static void
check_router(const struct settings *s, const struct conf_prefix *router,
             struct conf_errors *errors)
{
	const struct settings_list *lists = s->lists.element;
	char text[CONF_PREFIX_TEXT], wide[CONF_PREFIX_TEXT];

	conf_format_prefix(router, text);
	for (size_t i = 0; i < s->lists.count; i++)
		for (size_t k = 0;
		     lists[i].action == LIST_DENY && k < lists[i].prefixes.count; k++) {
			const struct conf_prefix *p = &lists[i].prefixes.prefix[k];

			if (!covers(p, router))
				continue;
			conf_format_prefix(p, wide);
			conf_fail(errors, &s->lists.place[i],
			          "\"%s\" would deny the router \"%s\"; its sessions "
			          "would go down",
			          wide, text);
		}
}

/* --- services that claim the same --- */

static bool
has_same_ports(const struct conf_ports *a, const struct conf_ports *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->range[i].first != b->range[i].first ||
		    a->range[i].last != b->range[i].last)
			return false;
	return true;
}

static void
check_twins(const struct settings *s, struct conf_errors *errors)
{
	const struct settings_service *all = s->services.element;
	char text[CONF_PREFIX_TEXT];
	size_t n;
	struct claim *c = gather(&s->services, sizeof(*all),
	                         offsetof(struct settings_service, prefixes), &n);

	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n && is_same(&c[i], &c[k]); k++) {
			const struct settings_service *a = &all[c[i].owner],
						      *b = &all[c[k].owner];

			if (a->protocol == NULL || b->protocol == NULL ||
			    settings_protocol(a->protocol) !=
			            settings_protocol(b->protocol) ||
			    !has_same_ports(&a->ports, &b->ports))
				continue;
			conf_format_prefix(c[k].prefix, text);
			conf_warn(errors, &s->services.place[c[k].owner],
			          "the service at line %u has the same \"%s\", protocol "
			          "and ports; the "
			          "first one wins",
			          s->services.place[c[i].owner].line, text);
			break;
		}
	free(c);
}

void
settings_check_lists(const struct settings *s, struct conf_errors *errors)
{
	check_conflicts(s, errors);
	for (size_t i = 0; i < s->routers.count; i++)
		check_router(s, &s->routers.prefix[i], errors);
	check_twins(s, errors);
}
