/* SPDX-License-Identifier: BSD-3-Clause */
#include "talk.h"

#define SEGMENT_GAP_NS (12 * NS_PER_US) /* full frames back to back on a gigabit link */
#define WINDOW_START   10               /* segments (RFC 6928) */
#define WINDOW_MAX     64

/* A side's clock for timestamps: milliseconds from a start of its own (RFC 7323). */
static uint32_t
stamp_of(const struct talk *t, enum talk_side side)
{
	return t->tcp.stamp_base[side] + (uint32_t)(t->next_ns / NS_PER_MS);
}

static uint32_t
segment_size(const struct talk *t)
{
	const uint32_t mss = tcp_options_mss(t->hosts[CLIENT].family);
	/* IP options take their room from the payload. */
	const uint32_t options = t->spec->wire.options ? 8 : 0;

	return mss - options - (t->tcp.has_stamps ? 12 : 0);
}

static void
emit(struct talk *t, struct frame *f, enum talk_side side, uint8_t flags,
     uint32_t payload)
{
	const enum talk_side peer = side == CLIENT ? SERVER : CLIENT;
	const uint32_t stamps[2] = { stamp_of(t, side), t->tcp.stamp_seen[peer] };
	const struct hop h = talk_hop(t, side);
	struct tcp_fields tcp = { .seq = t->tcp.seq[side],
		                  .flags = flags,
		                  .window = 502 };
	uint8_t *to;

	if ((flags & TCP_ACK) != 0)
		tcp.ack = t->tcp.acked[side];
	if (flags == TCP_SYN)
		tcp_options_syn(&tcp, t->stack, h.src.family, stamps[0]);
	else if (flags == (TCP_SYN | TCP_ACK))
		tcp_options_syn_ack(&tcp, h.src.family,
		                    t->tcp.has_stamps ? stamps : NULL);
	else if (t->tcp.has_stamps && (flags & TCP_RST) == 0)
		tcp_options_stamp(&tcp, stamps);
	to = frame_tcp(f, &t->spec->wire, &h, &tcp, payload);
	if (payload > 0)
		message_fill(&t->tcp.message, t->tcp.sent, to, payload);
	frame_seal(f);
	t->tcp.stamp_seen[side] = stamps[0];
	t->tcp.seq[side] += payload + ((flags & (TCP_SYN | TCP_FIN)) != 0 ? 1 : 0);
}

static uint64_t
draw(struct talk *t, uint64_t min, uint64_t max)
{
	return prng_range(&t->prng, min, max);
}

static uint32_t
limited(uint64_t value, uint32_t min, uint32_t max)
{
	return value < min ? min : value > max ? max : (uint32_t)value;
}

void
tcp_talk_init(struct talk *t)
{
	const bool is_bot = t->spec->kind == KIND_BOTS;

	t->tcp.step = STEP_SYN;
	t->tcp.is_tls = t->ports[SERVER] == 443;
	t->tcp.has_stamps = tcp_options_has_stamps(t->stack);
	t->tcp.resets = !is_bot && draw(t, 0, 99) < 5;
	t->tcp.closer = draw(t, 0, 99) < 20 ? SERVER : CLIENT;
	t->exchanges = 1;
	/* Four in ten ask once more, and so on; three in a hundred never ask at all. */
	while (!is_bot && t->exchanges < 12 && draw(t, 0, 9) < 4)
		t->exchanges++;
	if (!is_bot && draw(t, 0, 99) < 3)
		t->exchanges = 0;
	if (t->tcp.is_tls && t->exchanges > 0)
		t->exchanges++;
	for (int side = CLIENT; side <= SERVER; side++) {
		t->tcp.seq[side] = (uint32_t)prng_next(&t->prng);
		t->tcp.stamp_base[side] = (uint32_t)prng_next(&t->prng);
	}
}

static bool
is_handshake_of_tls(const struct talk *t)
{
	return t->tcp.is_tls && t->exchange == 0;
}

static void
start_question(struct talk *t)
{
	struct message *m = &t->tcp.message;
	const bool is_bot = t->spec->kind == KIND_BOTS;

	t->tcp.sent = 0;
	m->tag = (uint32_t)prng_next(&t->prng);
	if (is_handshake_of_tls(t)) {
		m->shape = MESSAGE_CLIENT_HELLO;
		m->len = MESSAGE_HELLO_LEN;
		return;
	}
	m->shape = t->tcp.is_tls ? MESSAGE_RECORDS : MESSAGE_HTTP_ASK;
	m->len = limited(prng_skewed(&t->prng, is_bot ? 220 : 500, is_bot ? 1 : 3),
	                 MESSAGE_MIN, 8000);
}

static void
start_answer(struct talk *t)
{
	struct message *m = &t->tcp.message;
	const struct spec *s = t->spec;
	uint64_t len;

	t->tcp.sent = 0;
	t->tcp.window = WINDOW_START;
	t->tcp.round_left = WINDOW_START;
	m->tag = (uint32_t)prng_next(&t->prng);
	if (is_handshake_of_tls(t)) {
		m->shape = MESSAGE_SERVER_HELLO;
		m->len = (uint32_t)draw(t, 2500, 5000);
		return;
	}
	m->shape = t->tcp.is_tls ? MESSAGE_RECORDS : MESSAGE_HTTP_ANSWER;
	if (s->size.max != 0)
		len = draw(t, s->size.min, s->size.max);
	else if (s->kind == KIND_BOTS)
		len = draw(t, 300, 1200);
	else
		len = prng_skewed(&t->prng, 8000, 7);
	m->len = limited(len, MESSAGE_MIN, 100000000);
}

/* After the last packet of an exchange or of the handshake: ask again, or part. */
static void
go_on(struct talk *t)
{
	uint64_t pause = draw(t, 50, 500) * NS_PER_US;

	if (t->exchange < t->exchanges) {
		t->tcp.step = STEP_ASK;
		start_question(t);
		/* People read before they ask again; a TLS client does not wait. */
		if (t->exchange > (t->tcp.is_tls ? 1u : 0u))
			pause = prng_skewed(&t->prng, 400 * NS_PER_MS, 4) + NS_PER_MS;
	} else {
		t->tcp.step = t->tcp.resets ? STEP_RST : STEP_FIN;
		/* Who never asked is idle for some seconds first. */
		if (t->exchanges == 0)
			pause = draw(t, 2000, 6000) * NS_PER_MS;
		else if (t->spec->kind != KIND_BOTS)
			pause = prng_skewed(&t->prng, 50 * NS_PER_MS, 6) + NS_PER_MS;
	}
	t->next_ns += pause;
}

/* Send the next segment of the message; returns whether that was its last. */
static bool
emit_segment(struct talk *t, struct frame *f, enum talk_side side)
{
	const uint32_t left = t->tcp.message.len - t->tcp.sent, most = segment_size(t);
	const uint32_t size = left < most ? left : most;

	emit(t, f, side, (uint8_t)(TCP_ACK | (left == size ? TCP_PSH : 0)), size);
	t->tcp.sent += size;
	return left == size;
}

static void
step_ask(struct talk *t, struct frame *f)
{
	if (!emit_segment(t, f, CLIENT)) {
		t->next_ns += SEGMENT_GAP_NS;
		return;
	}
	t->tcp.step = STEP_ASK_ACK;
	t->next_ns += t->delay_ns[SERVER];
}

static void
step_ask_ack(struct talk *t, struct frame *f)
{
	const bool is_bot = t->spec->kind == KIND_BOTS;

	t->tcp.acked[SERVER] = t->tcp.seq[CLIENT];
	emit(t, f, SERVER, TCP_ACK, 0);
	start_answer(t);
	t->tcp.step = STEP_ANSWER;
	/* How long the server thinks. */
	t->next_ns += 50 * NS_PER_US +
	              prng_skewed(&t->prng, is_bot ? NS_PER_MS : 5 * NS_PER_MS, 4);
}

static void
step_answer(struct talk *t, struct frame *f)
{
	bool is_last;

	if (t->tcp.round_left == t->tcp.window)
		t->tcp.round_at_ns = t->next_ns;
	is_last = emit_segment(t, f, SERVER);
	t->tcp.round_left--;
	t->next_ns += SEGMENT_GAP_NS;
	if (!is_last && t->tcp.round_left > 0)
		return;
	t->tcp.step = STEP_ANSWER_ACK;
	/*
	 * The acknowledgement of the first segments may not pass before the last segment.
	 */
	if (t->tcp.round_at_ns + t->delay_ns[CLIENT] > t->next_ns)
		t->next_ns = t->tcp.round_at_ns + t->delay_ns[CLIENT];
}

static void
step_answer_ack(struct talk *t, struct frame *f)
{
	const uint32_t open = t->tcp.seq[SERVER] - t->tcp.acked[CLIENT];
	const uint32_t two = 2 * segment_size(t);

	t->tcp.acked[CLIENT] += open < two ? open : two;
	emit(t, f, CLIENT, TCP_ACK, 0);
	if (open > two) {
		t->next_ns += 2 * SEGMENT_GAP_NS;
		return;
	}
	if (t->tcp.sent < t->tcp.message.len) {
		t->tcp.window *= 2;
		if (t->tcp.window > WINDOW_MAX)
			t->tcp.window = WINDOW_MAX;
		t->tcp.round_left = t->tcp.window;
		t->tcp.step = STEP_ANSWER;
		t->next_ns += t->delay_ns[SERVER];
		return;
	}
	t->exchange++;
	go_on(t);
}

/* FIN, FIN, ACK or one RST; returns false after the last packet. */
static bool
step_close(struct talk *t, struct frame *f)
{
	const enum talk_side first = t->tcp.closer;
	const enum talk_side second = first == CLIENT ? SERVER : CLIENT;

	switch (t->tcp.step) {
	case STEP_FIN:
		emit(t, f, first, TCP_FIN | TCP_ACK, 0);
		t->tcp.step = STEP_FIN_BACK;
		t->next_ns += t->delay_ns[second];
		return true;
	case STEP_FIN_BACK:
		t->tcp.acked[second] = t->tcp.seq[first];
		emit(t, f, second, TCP_FIN | TCP_ACK, 0);
		t->tcp.step = STEP_LAST_ACK;
		t->next_ns += t->delay_ns[first];
		return true;
	case STEP_LAST_ACK:
		t->tcp.acked[first] = t->tcp.seq[second];
		emit(t, f, first, TCP_ACK, 0);
		return false;
	default:
		emit(t, f, CLIENT, TCP_RST | TCP_ACK, 0);
		return false;
	}
}

bool
tcp_talk_step(struct talk *t, struct frame *f)
{
	f->at_ns = t->next_ns;
	switch (t->tcp.step) {
	case STEP_SYN:
		emit(t, f, CLIENT, TCP_SYN, 0);
		t->tcp.step = STEP_SYN_ACK;
		t->next_ns += t->delay_ns[SERVER];
		return true;
	case STEP_SYN_ACK:
		t->tcp.acked[SERVER] = t->tcp.seq[CLIENT];
		emit(t, f, SERVER, TCP_SYN | TCP_ACK, 0);
		t->tcp.step = STEP_ACK;
		t->next_ns += t->delay_ns[CLIENT];
		return true;
	case STEP_ACK:
		t->tcp.acked[CLIENT] = t->tcp.seq[SERVER];
		emit(t, f, CLIENT, TCP_ACK, 0);
		go_on(t);
		return true;
	case STEP_ASK:
		step_ask(t, f);
		return true;
	case STEP_ASK_ACK:
		step_ask_ack(t, f);
		return true;
	case STEP_ANSWER:
		step_answer(t, f);
		return true;
	case STEP_ANSWER_ACK:
		step_answer_ack(t, f);
		return true;
	default:
		return step_close(t, f);
	}
}
