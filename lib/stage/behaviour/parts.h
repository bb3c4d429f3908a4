/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this countermeasure share.
 *
 * A life is what is remembered of one verified connection that a client opened:
 * how far it has come and when, and until when the next step is due. It lies at
 * the index of its flow's slot and knows it by the slot's signature, because a
 * slot may serve somebody else by now.
 *
 * Units   times of a life count TABLE_TICK_NS (134 ms) in 16 bits and are compared as
 *         differences, so nothing may be due later than half of 2.4 hours ahead.
 * Memory  32 bytes a flow slot, LINKS_MAX link headers and HALVES_ENTRIES sources with
 *         half-open handshakes, taken at open.
 * Threads one worker.
 */
#ifndef STAGE_BEHAVIOUR_PARTS_H
#define STAGE_BEHAVIOUR_PARTS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "meter/meter.h"
#include "packet/burst.h"
#include "stage/stage.h"

enum {
	REASON_CONNECTIONS,
	REASON_HALF_OPEN,
	REASON_INITIAL,
	REASON_HEADER,
	REASON_RATE,
	REASON_IDLE,
	REASON_BLOCKED,
	REASONS
};
#define NO_REASON REASONS

enum response { RESPONSE_BOTH, RESPONSE_SERVER, RESPONSE_DROP };

struct behaviour_params {
	uint64_t max_connections, max_half_open; /* 0: no limit, as with all below */
	uint64_t initial_bytes, initial_time_ns;
	uint64_t min_rate; /* bits/s */
	uint64_t min_rate_time_ns;
	uint64_t header_time_ns, idle_limit_ns;
	struct conf_ports http_ports;
	int response;
	uint64_t block_after, block_for_ns;
	/* Derived: */
	uint16_t initial_ticks, header_ticks, idle_ticks, rate_ticks; /* 0: off */
	uint64_t bits_per_tick; /* of min_rate, << RATE_SHIFT */
	uint64_t half_each,
		half_slack; /* price of a handshake and what may be paid ahead */
	bool has_lives;     /* any limit that needs one */
	uint32_t scale[STAGE_LIST_SCALES]; /* customers behind a source, by index */
};
#define RATE_SHIFT 8

enum life_state {
	LIFE_WATCHED = 1 << 0,
	LIFE_STARTED = 1 << 1, /* it brought initial_bytes */
	LIFE_HEADER = 1 << 2,  /* its first header is over, or nobody asks */
	LIFE_NEWLINE =
		1 << 3, /* the header's bytes so far end in an empty line's first half */
	LIFE_TURN = 1 << 4,   /* what was said last was said by the client */
	LIFE_SLOW = 1 << 5,   /* one time of its turn was below min_rate */
	LIFE_TOLD = 1 << 6,   /* monitor has counted it */
	LIFE_CLOSED = 1 << 7, /* by us; nothing more of it reaches the server */
};

/* What may be done about a life without a packet in hand. */
enum life_mode {
	LIFE_LEARN,
	LIFE_MONITOR,
	LIFE_MITIGATE,
	LIFE_NEW, /* nothing from outside came this far yet, so nobody has said */
};

struct life {
	uint32_t signature;  /* of the flow in its slot */
	uint32_t end;        /* number after the newest byte from outside */
	uint32_t inside_end; /* the same from inside */
	uint32_t got;        /* bytes from outside, as often as they wrap */
	uint32_t mark;       /* `got` when the time of min_rate began */
	uint16_t mark_at;    /* and when that was */
	uint16_t began;      /* when it was proven, or the server greeted it */
	uint16_t moved;      /* when either side last brought something new */
	uint16_t due;        /* with why: the first moment that is too late */
	uint16_t link;       /* header of its frames (links.h), or LINKS_NONE */
	uint8_t state;       /* enum life_state */
	uint8_t why;         /* reason in the lower half, then response, then mode */
};
static_assert(sizeof(struct life) == 32, "two lives are one cache line");

#define LIFE_REASON   0x0fu
#define LIFE_RESPONSE 4 /* shifts */
#define LIFE_MODE     6

#define LINKS_MAX  1024u
#define LINKS_NONE UINT16_MAX

struct link_header {
	uint8_t bytes[22]; /* from client to server */
	uint8_t len;       /* 0: free */
	uint8_t spare;
};

#define HALVES_ENTRIES 16384
#define HALVES_NS      (UINT64_C(10) * 1000000000) /* a handshake is forgotten after */

/* Where the timers of one link have come to. */
struct sweep {
	uint64_t at_ns;
	uint32_t slot;
	bool is_awake;  /* there are lives on it */
	bool has_found; /* in this round */
	bool is_asking; /* in this round: somebody was blocked since the last one */
	uint8_t epoch;  /* of the sources, when it began */
};
#define SWEEPS (UINT8_MAX + 1)

struct behaviour {
	struct flow_table *flows;
	struct source_table *sources;
	struct notices *notices;
	const struct stage_env *env;
	struct life *life;
	size_t life_bytes;
	struct table halves;
	uint8_t index;  /* of this stage in the registry */
	uint16_t awake; /* sweeps that are */
	struct link_header link[LINKS_MAX];
	struct sweep sweep[SWEEPS];
};

/* The reasons with the stage's name, as explain tells them. */
extern const char *const behaviour_full_name[REASONS];

static inline struct life *
behaviour_life(const struct behaviour *s, uint32_t slot)
{
	return &s->life[slot];
}

static inline uint32_t
behaviour_signature(const struct flow_table *t, uint32_t slot)
{
	return table_bucket(&t->table, slot / TABLE_WAYS)->signature[slot % TABLE_WAYS];
}

static inline bool
behaviour_is_due(const struct life *l, uint16_t tick)
{
	return (l->why & LIFE_REASON) != NO_REASON && (int16_t)(tick - l->due) >= 0;
}

/* --- lives.c --- */

/* Learn from the packet of a lane that has a flow, under these params. */
void behaviour_see(struct behaviour *s, const struct behaviour_params *p,
                   const struct burst *b, unsigned int lane);

/* --- links.c --- */

/* The index of the link header of this lane's frame, client to server, or LINKS_NONE. */
uint16_t behaviour_link(struct behaviour *s, const struct burst *b, unsigned int lane);

/* --- end.c --- */

/*
 * End the connection of a lane from outside, which is not passed on. Returns false when
 * the outbox has no room: then the connection lives until the next occasion.
 */
bool behaviour_end(struct behaviour *s, const struct behaviour_params *p, struct burst *b,
                   unsigned int lane, unsigned int reason);

/* Refuse the handshake that the packet of this lane has just proven. */
void behaviour_refuse(struct behaviour *s, const struct behaviour_params *p,
                      struct burst *b, unsigned int lane);

/* Run the timers of the burst's link a little further. */
void behaviour_sweep(struct behaviour *s, struct burst *b);

/* keys.c: of a policy's group `behaviour`; stage.h says what compile does. */
extern const struct conf_field behaviour_fields[];
int behaviour_compile(void *params, const struct stage_compile *from,
                      struct conf_errors *errors);

#endif
