/* SPDX-License-Identifier: BSD-3-Clause */
#include "mix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int
mix_add(struct mix *m, const char *text, const struct spec_defaults *d)
{
	struct mix_part *parts;
	struct spec spec;

	if (m->count == MIX_PARTS_MAX) {
		complain("more than %d parts; write two captures and merge them",
		         MIX_PARTS_MAX);
		return -EINVAL;
	}
	if (spec_parse(&spec, text, m->count + 1, d) != 0)
		return -EINVAL;
	parts = realloc(m->parts, (m->count + 1) * sizeof(*parts));
	if (parts == NULL) {
		complain("out of memory");
		spec_free(&spec);
		return -ENOMEM;
	}
	m->parts = parts;
	memset(&parts[m->count], 0, sizeof(*parts));
	parts[m->count].spec = spec;
	m->count++;
	return 0;
}

void
mix_mark_parts(struct mix *m)
{
	for (unsigned int i = 0; i < m->count; i++)
		m->parts[i].spec.wire.outside[5] = (uint8_t)(i + 1);
}

static uint64_t
due(const struct mix_part *p)
{
	return spec_is_flood(&p->spec) ? flood_due(&p->flood)
	                               : customers_due(&p->customers);
}

void
mix_start(struct mix *m, uint64_t seed)
{
	for (unsigned int i = 0; i < m->count; i++) {
		struct mix_part *p = &m->parts[i];
		struct prng own = prng_make(seed, i + 1);

		customers_free(&p->customers);
		memset(&p->books, 0, sizeof(p->books));
		if (spec_is_flood(&p->spec))
			flood_init(&p->flood, &p->spec, own);
		else
			customers_init(&p->customers, &p->spec, prng_next(&own));
		p->due_ns = due(p);
	}
}

static void
enter(struct mix_books *b, const struct frame *f)
{
	if (b->packets == 0)
		b->first_ns = f->at_ns;
	b->last_ns = f->at_ns;
	b->packets++;
	b->bytes += f->len;
	if (f->inward) {
		b->inward_packets++;
		b->inward_bytes += f->len;
	}
}

int
mix_take(struct mix *m, struct frame *f)
{
	struct mix_part *p = NULL;

	for (unsigned int i = 0; i < m->count; i++) {
		if (p == NULL || m->parts[i].due_ns < p->due_ns)
			p = &m->parts[i];
	}
	if (p == NULL || p->due_ns == UINT64_MAX)
		return 0;
	if (spec_is_flood(&p->spec)) {
		flood_take(&p->flood, f);
	} else if (customers_take(&p->customers, f) != 0) {
		complain("out of memory for conversations that go on; lower cps=");
		return -ENOMEM;
	}
	f->part = (unsigned int)(p - m->parts);
	p->due_ns = due(p);
	enter(&p->books, f);
	return 1;
}

static void
write_books(FILE *to, const struct mix_books *b)
{
	fprintf(to,
	        "\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
	        ",\"inward_packets\":%" PRIu64 ",\"inward_bytes\":%" PRIu64
	        ",\"first_ns\":%" PRIu64 ",\"last_ns\":%" PRIu64,
	        b->packets, b->bytes, b->inward_packets, b->inward_bytes, b->first_ns,
	        b->last_ns);
}

static void
add_books(struct mix_books *sum, const struct mix_books *b)
{
	if (b->packets == 0)
		return;
	if (sum->packets == 0 || b->first_ns < sum->first_ns)
		sum->first_ns = b->first_ns;
	if (b->last_ns > sum->last_ns)
		sum->last_ns = b->last_ns;
	sum->packets += b->packets;
	sum->bytes += b->bytes;
	sum->inward_packets += b->inward_packets;
	sum->inward_bytes += b->inward_bytes;
}

int
mix_write_truth(const struct mix *m, const char *path, uint64_t seed)
{
	struct mix_books total = { 0 };
	FILE *to = fopen(path, "w");
	int err = 0;

	if (to == NULL) {
		err = -errno;
		complain("cannot write %s: %s", path, strerror(errno));
		return err;
	}
	fprintf(to, "{\"seed\":%" PRIu64 ",\"parts\":[", seed);
	for (unsigned int i = 0; i < m->count; i++) {
		const struct mix_part *p = &m->parts[i];

		fprintf(to, "%s\n{\"part\":%u,\"kind\":\"%s\",\"attack\":%s,",
		        i == 0 ? "" : ",", i + 1, spec_name(&p->spec),
		        spec_is_flood(&p->spec) || p->spec.kind == KIND_BOTS ? "true"
		                                                             : "false");
		write_books(to, &p->books);
		if (!spec_is_flood(&p->spec))
			fprintf(to, ",\"conversations\":%" PRIu64, p->customers.arrived);
		fputc('}', to);
		add_books(&total, &p->books);
	}
	fprintf(to, "],\n\"total\":{");
	write_books(to, &total);
	fprintf(to, "}}\n");
	if (ferror(to) != 0)
		err = -EIO;
	if (fclose(to) != 0)
		err = -errno;
	if (err != 0)
		complain("cannot write %s: %s", path, strerror(-err));
	return err;
}

void
mix_free(struct mix *m)
{
	for (unsigned int i = 0; i < m->count; i++) {
		customers_free(&m->parts[i].customers);
		spec_free(&m->parts[i].spec);
	}
	free(m->parts);
	m->parts = NULL;
	m->count = 0;
}
