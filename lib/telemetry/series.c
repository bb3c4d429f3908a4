/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/series.h"

#include <assert.h>
#include <string.h>

static_assert(VECTOR_COUNT <= 8, "vectors fit into a byte of bits");

/* Set the bit when it is set already or one more series is left. */
static bool
take(uint64_t *word, unsigned int bit, unsigned int *given, unsigned int most)
{
	const uint64_t mask = UINT64_C(1) << bit;

	if ((*word & mask) != 0)
		return true;
	if (*given == most)
		return false;
	*word |= mask;
	++*given;
	return true;
}

static bool
take_vector(uint8_t *byte, unsigned int vector, unsigned int *given, unsigned int most)
{
	uint64_t word = *byte;
	const bool has = take(&word, vector, given, most);

	*byte = (uint8_t)word;
	return has;
}

bool
series_of_vector(struct telemetry_split *s, unsigned int service, unsigned int vector)
{
	return service < SERIES_FIRST_OTHER &&
	       take_vector(&s->vector[service], vector, &s->vectors, SERIES_VECTORS);
}

bool
series_of_attack(struct telemetry_split *s, unsigned int service, unsigned int vector)
{
	return service < SERIES_FIRST_OTHER &&
	       take_vector(&s->attack[service], vector, &s->attacks, SERIES_ATTACKS);
}

bool
series_of_reason(struct telemetry_split *s, bool is_would, unsigned int service,
                 unsigned int reason)
{
	return service < SERIES_FIRST_OTHER &&
	       take(&s->reason[is_would][service][reason / 64], reason % 64, &s->reasons,
	            SERIES_REASONS);
}

bool
series_of_hit(struct telemetry_split *s, unsigned int id)
{
	return take(&s->hit[id / 64], id % 64, &s->hits, SERIES_HITS);
}

const char *
series_other(const struct policies *p)
{
	for (unsigned int i = 0; p != NULL && i < p->n_services; i++)
		if (strcmp(p->service[i].name, "other") == 0)
			return "(other)";
	return "other";
}
