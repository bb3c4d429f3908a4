/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/sanitizer.h"
#include "packet/build.h"
#include "packet/parse.h"
#include "replay.h"

#if IS_ADDRESS_SANITIZED
#include <sanitizer/asan_interface.h>
#endif
#include "telemetry/parts.h"

int
replay_carry_open(struct replay *r)
{
	const struct replay_ask *ask = r->ask;

	r->next_tick_ns = REPLAY_START_NS;
	r->now_ns = REPLAY_START_NS;
	r->lanes = calloc(ask->workers, sizeof(*r->lanes));
	if (r->lanes == NULL)
		return -ENOMEM;
	for (unsigned int w = 0; w < ask->workers; w++) {
		/* Pages are touched as frames need them: most lanes use one. */
		r->lanes[w].room = malloc((size_t)LANES_MAX * REPLAY_LANE_ROOM);
		if (r->lanes[w].room == NULL)
			return -ENOMEM;
		burst_start(&r->engine.worker[w].burst, REPLAY_START_NS, 0,
		            SIDE_EXTERNAL);
	}
	return 0;
}

void
replay_carry_close(struct replay *r)
{
	for (unsigned int w = 0; r->lanes != NULL && w < r->ask->workers; w++)
		free(r->lanes[w].room);
	free(r->lanes);
	r->lanes = NULL;
}

/* Frames the stages asked for leave beside the packets. */
static void
emit(const struct burst *b, struct books books[2])
{
	for (unsigned int k = 0; k < b->requests; k++) {
		const struct burst_request *want = &b->outbox[k];
		uint8_t out[BUILD_MAX];
		size_t len = build_tcp(out, want);

		if (len == 0)
			continue;
		counter_add(&books[want->side].emitted_packets, 1);
		counter_add(&books[want->side].emitted_bytes, len);
		counter_add(&books[want->side].sent_packets, 1);
		counter_add(&books[want->side].sent_bytes, len);
	}
}

static void
forward(struct replay *r, const struct burst *b, unsigned int i, struct books books[2],
        const struct capture_frame *frame)
{
	uint64_t bytes = b->facts[i].frame_len;

	counter_add(&books[b->side].forwarded_packets, 1);
	counter_add(&books[b->side].forwarded_bytes, bytes);
	counter_add(&books[!b->side].sent_packets, 1);
	counter_add(&books[!b->side].sent_bytes, bytes);
	if (r->clean != NULL)
		capture_put(r->clean, b->side, frame, NULL);
}

static void
drop(struct replay *r, const struct burst *b, unsigned int i, struct books books[2],
     const struct capture_frame *frame)
{
	char reason[TELEMETRY_REASON_NAME];

	counter_add(&books[b->side].dropped_packets, 1);
	counter_add(&books[b->side].dropped_bytes, b->facts[i].frame_len);
	if (r->dropped == NULL)
		return;
	telemetry_reason_name(pipeline_reason(b->stage[i], b->reason[i]), reason);
	capture_put(r->dropped, b->side, frame, reason);
}

/* What io_settle() does on live ports: each packet goes the way of its verdict. */
static void
settle(struct replay *r, const struct burst *b, struct books books[2],
       const struct replay_lanes *lanes)
{
	for (unsigned int i = 0; i < b->count; i++) {
		switch ((enum verdict)b->verdict[i]) {
		case VERDICT_PASS:
			forward(r, b, i, books, &lanes->frame[i]);
			break;
		case VERDICT_DROP:
			drop(r, b, i, books, &lanes->frame[i]);
			break;
		case VERDICT_REPLY:
			counter_add(&books[b->side].replied_packets, 1);
			counter_add(&books[b->side].replied_bytes, b->bytes_len[i]);
			counter_add(&books[b->side].sent_packets, 1);
			counter_add(&books[b->side].sent_bytes, b->bytes_len[i]);
			break;
		case VERDICT_CONSUME:
			counter_add(&books[b->side].consumed_packets, 1);
			counter_add(&books[b->side].consumed_bytes,
			            b->facts[i].frame_len);
			break;
		}
	}
	emit(b, books);
}

/* The burst a worker has filled goes its way; the next begins empty. */
static void
flush(struct replay *r, struct worker *w)
{
	const struct policies *policies = engine_policies(&r->engine);
	struct burst *b = &w->burst;
	struct books *books = w->shown->books[0];

	if (b->count == 0)
		return;
	worker_judge(w, policies, b);
	settle(r, b, books, &r->lanes[w->id]);
	worker_account(w, b);
	counter_add(&w->shown->bursts, 1);
	worker_upkeep(w, policies, b->now_ns);
	burst_start(b, b->now_ns, 0, SIDE_EXTERNAL);
}

static void
flush_all(struct replay *r)
{
	for (unsigned int i = 0; i < r->engine.n_workers; i++)
		flush(r, &r->engine.worker[i]);
}

static void
tick(struct replay *r)
{
	struct notice notice;

	flush_all(r);
	for (unsigned int i = 0; i < r->engine.n_workers; i++)
		worker_upkeep(&r->engine.worker[i], engine_policies(&r->engine),
		              r->next_tick_ns);
	engine_tick(&r->engine, r->next_tick_ns);
	replay_events_take(r);
	/* Notices are for the event log; nobody must wait for room in their ring. */
	while (engine_next_notice(&r->engine, &notice))
		continue;
	r->next_tick_ns += DETECT_TICK_NS;
}

/* As symmetric RSS would: both directions of a pair of addresses meet one worker. */
static unsigned int
worker_of(const struct replay *r, const struct facts *p)
{
	const struct hash_key *key = &r->sides.key;

	if ((p->flags & FACT_IP) == 0 || r->engine.n_workers == 1)
		return 0;
	return (unsigned int)((hash_16(key, p->src).hi ^ hash_16(key, p->dst).hi) %
	                      r->engine.n_workers);
}

/* A frame that no port would carry is lost at the door, as the device would do it. */
static void
refuse(struct burst *b, unsigned int lane)
{
	burst_drop(b, lane, STAGE_IO_TOO_LONG);
	b->stage[lane] = (uint8_t)stage_count;
	b->service[lane] = 0;
	b->standing[lane] = STANDING_UNVERIFIED;
}

/*
 * Let the sanitizer see a read beyond the frame: what stands behind it in its
 * room belongs to an earlier one.
 */
static void
fence(uint8_t *room, size_t len)
{
#if IS_ADDRESS_SANITIZED
	ASAN_UNPOISON_MEMORY_REGION(room, len);
	ASAN_POISON_MEMORY_REGION(room + len, REPLAY_LANE_ROOM - len);
#else
	(void)room;
	(void)len;
#endif
}

static void
put(struct replay *r, struct worker *w, const struct capture_frame *frame, enum side side)
{
	struct replay_lanes *lanes = &r->lanes[w->id];
	struct burst *b = &w->burst;
	unsigned int i = b->count;
	uint8_t *room;

	if (i > 0 && (b->side != side || i == LANES_MAX)) {
		flush(r, w);
		i = 0;
	}
	if (i == 0)
		burst_start(b, r->now_ns, 0, side);
	room = lanes->room + (size_t)i * REPLAY_LANE_ROOM;
	lanes->frame[i] = *frame;
	lanes->frame[i].bytes = room;
	if (frame->len > UINT16_MAX)
		lanes->frame[i].len = UINT16_MAX;
	fence(room, lanes->frame[i].len);
	memcpy(room, frame->bytes, lanes->frame[i].len);

	b->bytes[i] = room;
	b->bytes_len[i] = (uint16_t)lanes->frame[i].len;
	b->mbuf[i] = NULL;
	b->frame_len[i] =
		frame->wire_len > UINT16_MAX ? UINT16_MAX : (uint16_t)frame->wire_len;
	b->verdict[i] = VERDICT_PASS;
	b->live |= lane_bit(i);
	b->count++;
	if (frame->wire_len > UINT16_MAX)
		refuse(b, i);
}

static void
carry(struct replay *r, const struct capture_frame *frame)
{
	size_t wire_len = frame->wire_len > UINT16_MAX ? UINT16_MAX : frame->wire_len;
	struct facts p;
	struct worker *w;
	struct books *books;
	enum side side;

	while (r->next_tick_ns <= r->now_ns)
		tick(r);
	for (unsigned int i = 0; i < r->engine.n_workers; i++) {
		w = &r->engine.worker[i];
		if (w->burst.count > 0 && r->now_ns - w->burst.now_ns >= REPLAY_BURST_NS)
			flush(r, w);
	}
	parse_frame(frame->bytes, frame->len < wire_len ? frame->len : wire_len, wire_len,
	            &p);
	side = replay_side_of(&r->sides, engine_policies(&r->engine), &p);
	w = &r->engine.worker[worker_of(r, &p)];
	books = w->shown->books[0];
	counter_add(&books[side].received_packets, 1);
	counter_add(&books[side].received_bytes, wire_len);
	put(r, w, frame, side);
}

int
replay_carry(struct replay *r)
{
	struct capture_frame frame;
	int rc;

	while ((rc = replay_source_next(&r->source, &frame, &r->now_ns)) == 1)
		carry(r, &frame);
	if (rc < 0)
		return rc;
	/* The tick after the last packet settles what detection still has to say of it. */
	tick(r);
	return 0;
}
