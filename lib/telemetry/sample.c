/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/sample.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/counter.h"
#include "flow/flow.h"

#define BOOKS_TRIES 20
#define BOOKS_WORDS (sizeof(struct books) / sizeof(uint64_t))

struct telemetry_sample *
telemetry_sample_new(void)
{
	struct telemetry_sample *s =
		aligned_alloc(alignof(struct telemetry_sample), sizeof(*s));

	if (s != NULL)
		memset(s, 0, sizeof(*s));
	return s;
}

const struct stage *
telemetry_stage(unsigned int stage)
{
	if (stage < stage_count)
		return stage_list[stage];
	return stage == stage_count ? &stage_io : NULL;
}

void
telemetry_books_add(struct books *to, const struct books *from)
{
	to->received_packets += from->received_packets;
	to->received_bytes += from->received_bytes;
	to->forwarded_packets += from->forwarded_packets;
	to->forwarded_bytes += from->forwarded_bytes;
	to->dropped_packets += from->dropped_packets;
	to->dropped_bytes += from->dropped_bytes;
	to->replied_packets += from->replied_packets;
	to->replied_bytes += from->replied_bytes;
	to->consumed_packets += from->consumed_packets;
	to->consumed_bytes += from->consumed_bytes;
	to->emitted_packets += from->emitted_packets;
	to->emitted_bytes += from->emitted_bytes;
	to->sent_packets += from->sent_packets;
	to->sent_bytes += from->sent_bytes;
	to->handed_packets += from->handed_packets;
	to->handed_bytes += from->handed_bytes;
	to->taken_packets += from->taken_packets;
	to->taken_bytes += from->taken_bytes;
}

/* Words one by one: a struct copy would be a race in the eyes of C and of the sanitizer. */
static void
copy(struct books *to, const struct books *from)
{
	const uint64_t *source = (const uint64_t *)from;
	uint64_t words[BOOKS_WORDS];

	for (size_t i = 0; i < BOOKS_WORDS; i++)
		words[i] = counter_read(&source[i]);
	memcpy(to, words, sizeof(words));
}

static int64_t
unaccounted(const struct books *b)
{
	return (int64_t)(b->received_packets + b->taken_packets - b->forwarded_packets -
	                 b->dropped_packets - b->replied_packets - b->consumed_packets -
	                 b->handed_packets);
}

static int64_t
unsent(const struct books *b, const struct books *other)
{
	return (int64_t)(b->sent_packets - other->forwarded_packets - b->replied_packets -
	                 b->emitted_packets);
}

/* Both sides of one worker and link, until all four equations hold or patience ends. */
static void
read_books(const struct books from[2], struct telemetry_sample *s, unsigned int link)
{
	static const struct timespec moment = { .tv_nsec = 5000 };
	struct books b[2];
	int64_t off[2] = { 0 }, out[2] = { 0 };

	for (int i = 0; i < BOOKS_TRIES; i++) {
		copy(&b[0], &from[0]);
		copy(&b[1], &from[1]);
		for (unsigned int side = 0; side < 2; side++) {
			off[side] = unaccounted(&b[side]);
			out[side] = unsent(&b[side], &b[!side]);
		}
		if (off[0] == 0 && off[1] == 0 && out[0] == 0 && out[1] == 0)
			break;
		nanosleep(&moment, NULL);
	}
	for (unsigned int side = 0; side < 2; side++) {
		telemetry_books_add(&s->books[link][side], &b[side]);
		/* What was handed over and not yet taken is on its way, and so in flight. */
		s->unaccounted[link][side] +=
			off[side] +
			(int64_t)(b[side].handed_packets - b[side].taken_packets);
		s->unsent[link][side] += out[side];
	}
}

static void
add_reasons(struct telemetry_sample *s, const struct pipeline_books *books)
{
	for (unsigned int i = 0; i <= stage_count; i++) {
		for (unsigned int r = 0; r < STAGE_MAX_REASONS; r++) {
			s->decided[i][r] += counter_read(&books->decided[i][r]);
			s->would[i][r] += counter_read(&books->would[i][r]);
		}
	}
}

static void
add_cell(struct telemetry_service_count *to, const struct watch_cell *cell,
         unsigned int slot)
{
	const uint64_t packets = counter_read(&cell->packets);
	uint64_t dropped, would;

	/* Nothing was dropped of what never came. */
	if (packets == 0)
		return;
	dropped = counter_read(&cell->dropped_packets);
	would = counter_read(&cell->would_packets);
	to->is_judged |= (dropped | would) != 0;
	if (slot == VECTOR_OUTBOUND) {
		to->outbound[0] += packets;
		to->outbound[1] += counter_read(&cell->bytes);
		return;
	}
	to->vector[slot] += packets;
	to->received[0] += packets;
	to->received[1] += counter_read(&cell->bytes);
	to->passed[0] += counter_read(&cell->passed_packets);
	to->passed[1] += counter_read(&cell->passed_bytes);
	to->dropped[0] += dropped;
	to->dropped[1] += counter_read(&cell->dropped_bytes);
	to->would += would;
	to->verified_dropped += counter_read(&cell->verified_dropped);
}

static void
add_services(struct telemetry_sample *s, const struct pipeline *pl)
{
	const struct watch *watch = &pl->watch;
	const unsigned int n =
		watch->services < s->services ? watch->services : s->services;

	for (unsigned int service = 0; service < n; service++) {
		for (unsigned int slot = 0; slot < VECTOR_SLOTS; slot++)
			add_cell(&s->service[service], watch_cell(watch, service, slot),
			         slot);
		s->service[service].is_judged |=
			(counter_read(&pl->ended[service / 64]) >> service % 64) & 1;
	}
}

static void
add_flows(struct telemetry_sample *s, const struct flow_table *flows)
{
	if (flows == NULL)
		return;
	s->proven += counter_read(&flows->proven);
	s->resets += counter_read(&flows->resets);
}

static void
add_worker(struct telemetry_sample *s, const struct box *box, unsigned int i)
{
	const struct box_worker *w = &box->worker[i];
	struct telemetry_worker_count *to = &s->worker[i];

	for (unsigned int link = 0; link < box->n_links; link++) {
		for (unsigned int side = 0; side < 2; side++) {
			to->received +=
				counter_read(&w->books[link][side].received_packets);
			to->forwarded +=
				counter_read(&w->books[link][side].forwarded_packets);
			to->dropped +=
				counter_read(&w->books[link][side].dropped_packets);
		}
		for (unsigned int side = 0; side < 2; side++) {
			to->handed += counter_read(&w->books[link][side].handed_packets);
			to->taken += counter_read(&w->books[link][side].taken_packets);
		}
		read_books(w->books[link], s, link);
	}
	to->judged = to->received - to->handed + to->taken;
	to->waiting = counter_read(&w->waiting);
	to->waiting_most = counter_read(&w->waiting_most);
	to->turns = counter_read(&w->turns);
	to->busy_turns = counter_read(&w->busy_turns);
	to->busy_cycles = counter_read(&w->busy_cycles);
	to->idle_cycles = counter_read(&w->idle_cycles);
	to->bursts = counter_read(&w->bursts);
	to->last_turn_ns = counter_read(&w->last_turn_ns);
	to->stalls = counter_read(&w->stalls);
	to->stalled_cycles = counter_read(&w->stalled_cycles);
	to->lcore = __atomic_load_n(&w->lcore, __ATOMIC_RELAXED);
	if (w->pipeline != NULL) {
		add_reasons(s, &w->pipeline->books);
		add_services(s, w->pipeline);
		add_flows(s, w->pipeline->env.flows);
	}
}

void
telemetry_sample_take(const struct box *box, unsigned int services,
                      struct telemetry_sample *s)
{
	memset(s, 0, sizeof(*s));
	s->services = services < SERVICE_MAX ? services : SERVICE_MAX;
	s->time_ns = box->now_ns(box->daemon);
	for (unsigned int i = 0; i < box->n_workers; i++)
		add_worker(s, box, i);
	if (box->read_links != NULL)
		box->read_links(box->daemon, s->link, box->n_links);
}
