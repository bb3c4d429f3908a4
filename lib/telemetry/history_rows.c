/* SPDX-License-Identifier: BSD-3-Clause */
/* history_rows - what is new in memory, as rows of the store: minutes, attacks, events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/history_parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define SECOND_NS UINT64_C(1000000000)

static_assert((int)STORE_VALUES == (int)TELEMETRY_VALUES,
              "a stored minute has the values of a row");

/* --- minutes --- */

/* One frame as it was, for the time without the lock. */
struct batch {
	int64_t at_s;
	size_t rows;
	struct telemetry_row *row;
	char (*name)[HISTORY_NAME]; /* of each row */
	uint64_t number;
};

/* The next frame that is not stored; false when there is none, or no memory. */
static bool
next_frame(struct history_disk *d, struct batch *b)
{
	struct telemetry_history *h = d->history;
	const struct telemetry_frame *f;
	bool is_there = false;

	memset(b, 0, sizeof(*b));
	pthread_mutex_lock(&h->lock);
	if (d->next_minute < h->minutes.dropped)
		d->next_minute = h->minutes.dropped;
	if (d->next_minute < h->minutes.dropped + h->minutes.count) {
		f = telemetry_frames_at(&h->minutes,
		                        (size_t)(d->next_minute - h->minutes.dropped));
		b->at_s = f->at_s;
		b->rows = f->rows;
		b->number = d->next_minute;
		b->row = malloc(f->rows * sizeof(*b->row) + 1);
		b->name = malloc(f->rows * sizeof(*b->name) + 1);
		is_there = b->row != NULL && b->name != NULL;
	}
	for (size_t i = 0; is_there && i < b->rows; i++) {
		b->row[i] = f->row[i];
		memcpy(b->name[i], h->name[f->row[i].name], HISTORY_NAME);
	}
	pthread_mutex_unlock(&h->lock);
	return is_there;
}

static int
put_frame(struct store *s, const struct batch *b)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < b->rows; i++) {
		const unsigned int vector = b->row[i].vector;
		struct store_minute m = { .service = b->name[i],
			                  .vector = vector < VECTOR_COUNT
			                                    ? vector_info[vector].name
			                                    : "",
			                  .is_attack = b->row[i].is_attack };

		memcpy(m.value, b->row[i].value, sizeof(m.value));
		rc = store_put_minute(s, b->at_s, &m);
	}
	return rc;
}

/* Up to an hour at once, so that a long trouble is made up for bit by bit. */
int
history_rows_minutes(struct history_disk *d, uint64_t *next)
{
	const uint64_t before = d->next_minute;
	struct batch b;
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < 60 && next_frame(d, &b); i++) {
		rc = put_frame(d->store, &b);
		free(b.row);
		free(b.name);
		d->next_minute = b.number + 1;
	}
	*next = d->next_minute;
	d->next_minute = before; /* until it is committed */
	return rc;
}

/* --- attacks --- */

bool
history_rows_due(const struct history_attack *a, uint64_t now_ns)
{
	return a->is_dirty && (now_ns == HISTORY_CLOSING_NS || a->saved_ns == 0 ||
	                       a->seen.state != DETECT_ACTIVE ||
	                       now_ns >= a->saved_ns + HISTORY_BUSY_S * SECOND_NS);
}

/* One attack as it was, for the time without the lock. */
struct pending {
	struct store_attack row;
	char id[TELEMETRY_ATTACK_ID], service[HISTORY_NAME];
	char *attack, *details;
};

/* Under attacks->lock. Returns false when out of memory. */
static bool
prepare(struct history_disk *d, const struct history_attack *a, struct pending *p)
{
	struct box *box = d->history->box;
	const struct detect_attack *seen = &a->seen;
	json_t *attack = telemetry_attack_object(box, seen);
	json_t *details = history_attack_details(&d->history->attacks, a);
	const bool is_over = seen->state != DETECT_ACTIVE;
	const uint64_t last_ns = is_over ? seen->end_ns : seen->updated_ns;
	const int64_t last_s = (int64_t)(telemetry_unix(box, last_ns) / SECOND_NS);

	telemetry_attack_id(box, seen, p->id);
	snprintf(p->service, sizeof(p->service), "%s", seen->service_name);
	p->attack = telemetry_text(attack);
	p->details = telemetry_text(details);
	json_decref(attack);
	json_decref(details);
	p->row = (struct store_attack){
		.number = seen->number + box->attack_base,
		.id = p->id,
		.service = p->service,
		.vector =
			seen->vector < VECTOR_COUNT ? vector_info[seen->vector].name : "",
		.started_s = (int64_t)(telemetry_unix(box, seen->first_ns) / SECOND_NS),
		.updated_s = last_s,
		.ended_s = is_over ? last_s : 0,
		.attack = p->attack,
		.details = p->details
	};
	return p->attack != NULL && p->details != NULL;
}

/* The texts are made under the lock, and written without it: a disk may take its time. */
int
history_rows_attacks(struct history_disk *d, uint64_t now_ns, uint64_t *saved,
                     unsigned int *n)
{
	struct history_attacks *all = &d->history->attacks;
	struct pending *p = calloc(HISTORY_ATTACKS, sizeof(*p));
	int rc = p == NULL ? -ENOMEM : 0;

	*n = 0;
	if (p == NULL)
		return rc;
	pthread_mutex_lock(&all->lock);
	for (unsigned int i = 0; rc == 0 && i < all->count; i++) {
		struct history_attack *a = all->attack[i];

		if (!history_rows_due(a, now_ns))
			continue;
		rc = prepare(d, a, &p[*n]) ? 0 : -ENOMEM;
		a->is_dirty = false;
		saved[(*n)++] = a->seen.number;
	}
	pthread_mutex_unlock(&all->lock);
	for (unsigned int i = 0; i < *n; i++) {
		if (rc == 0)
			rc = store_put_attack(d->store, &p[i].row);
		free(p[i].attack);
		free(p[i].details);
	}
	free(p);
	return rc;
}

/* After the transaction: they are stored, or still are not. */
void
history_rows_mark(struct history_disk *d, const uint64_t *saved, unsigned int n,
                  bool is_saved, uint64_t now_ns)
{
	struct history_attacks *all = &d->history->attacks;

	pthread_mutex_lock(&all->lock);
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int k = 0; k < all->count; k++) {
			struct history_attack *a = all->attack[k];

			if (a->seen.number != saved[i])
				continue;
			a->saved_ns = is_saved ? now_ns : a->saved_ns;
			a->is_dirty = a->is_dirty || !is_saved;
		}
	pthread_mutex_unlock(&all->lock);
}

/* --- events --- */

void
telemetry_history_event(struct telemetry_history *h,
                        const struct telemetry_history_event *e)
{
	struct history_disk *d = &h->disk;
	char *line;

	if (e->attack[0] != '\0' && e->step[0] != '\0')
		history_attacks_hear(&h->attacks, e->attack, e->step,
		                     e->unix_ns - (uint64_t)h->box->wall_offset_ns);
	line = d->is_wanted ? strdup(e->line) : NULL;
	if (line == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	if (d->events < HISTORY_EVENTS) {
		struct history_event *to = &d->event[d->events++];

		to->at_s = (int64_t)(e->unix_ns / SECOND_NS);
		snprintf(to->type, sizeof(to->type), "%s", e->type);
		snprintf(to->service, sizeof(to->service), "%s", e->service);
		snprintf(to->attack, sizeof(to->attack), "%s", e->attack);
		to->line = line;
		line = NULL;
	} else {
		d->events_lost++;
	}
	pthread_mutex_unlock(&d->lock);
	free(line);
}

int
history_rows_events(struct history_disk *d, unsigned int *n)
{
	int rc = 0;

	/* Only this thread takes events away, so those that are there stay. */
	pthread_mutex_lock(&d->lock);
	*n = d->events;
	pthread_mutex_unlock(&d->lock);
	for (unsigned int i = 0; rc == 0 && i < *n; i++) {
		const struct history_event *e = &d->event[i];

		rc = store_put_event(d->store,
		                     &(struct store_event){ .at_s = e->at_s,
		                                            .type = e->type,
		                                            .service = e->service,
		                                            .attack = e->attack,
		                                            .line = e->line });
	}
	return rc;
}

void
history_rows_forget(struct history_disk *d, unsigned int n)
{
	pthread_mutex_lock(&d->lock);
	for (unsigned int i = 0; i < n; i++)
		free(d->event[i].line);
	d->events -= n;
	memmove(d->event, &d->event[n], d->events * sizeof(*d->event));
	pthread_mutex_unlock(&d->lock);
}
