/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of reflecting services: complete, told of in the manual, and telling right. */
#include <stdio.h>

#include "reflection_rig.h"
#include "stage/reflection/rows.h"
#include "stage/reflection/shape.h"

static struct shapes shapes;
static char page[32768];

static int
prepare(void)
{
	FILE *f = fopen(REFLECTION_PAGE, "r");

	if (f == NULL)
		return -1;
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	fclose(f);
	shapes_make(&shapes);
	return 0;
}

/* Write what these tests want into a payload. */
static void
describe_over(const struct row *row, const struct row_test *test, uint8_t out[RING_FRAME])
{
	/* SEQUENCE { INTEGER version, OCTET STRING community, [operation] } */
	static const uint8_t ber[] = { 0x30, 0x1a, 2,   1,   1,   4,  6,
		                       'p',  'u',  'b', 'l', 'i', 'c' };

	if (row->is_ber) {
		memcpy(out, ber, sizeof(ber));
		out[sizeof(ber)] = test[0].value;
		return;
	}
	for (unsigned int t = 0; t < ROWS_TESTS && test[t].mask != 0; t++)
		out[test[t].at] =
			(uint8_t)((out[test[t].at] & ~test[t].mask) | test[t].value);
}

/* The payload that the tests of a row describe; elsewhere it is Z, which none wants. */
static void
describe(const struct row *row, const struct row_test *test, uint8_t out[RING_FRAME])
{
	memset(out, 'Z', RING_FRAME);
	describe_over(row, test, out);
}

static void
describe_plain(const struct row *row, uint8_t out[RING_FRAME])
{
	memset(out, 'Z', RING_FRAME);
	for (unsigned int t = 0; t < ROWS_PLAIN && row->plain[t].mask != 0; t++)
		out[row->plain[t].at] = row->plain[t].value;
}

/* What a datagram of this payload from this port is, and by which row. */
static enum shape
shape_of(uint16_t port, const uint8_t *payload, uint16_t len, uint8_t *row)
{
	static struct burst b;
	static uint8_t frame[RING_FRAME + 64];

	memset(&b, 0, sizeof(b));
	memcpy(frame + 42, payload, len);
	b.bytes[0] = frame;
	b.bytes_len[0] = (uint16_t)(42 + len);
	b.facts[0].payload_off = 42;
	b.facts[0].payload_len = len;
	return shape_of_lane(&shapes, &b, 0, port, row);
}

static uint16_t
least_of(const struct row *row)
{
	return row->least > 64 ? row->least : 64;
}

static void
every_answer_is_known_as_its_row(void)
{
	uint8_t payload[RING_FRAME], row;

	for (unsigned int r = 0; r < rows_count(); r++) {
		const uint16_t last =
			rows[r].last_port != 0 ? rows[r].last_port : rows[r].port;

		describe(&rows[r], rows[r].answer, payload);
		if (rows[r].port == 161 && rows[r].answer[0].value == 0x30)
			payload[5] = 0x30; /* version 3 has a header instead of a name */
		for (unsigned int port = rows[r].port; port <= last; port++) {
			CU_ASSERT_EQUAL(shape_of((uint16_t)port, payload,
			                         least_of(&rows[r]), &row),
			                SHAPE_ANSWER);
			CU_ASSERT_STRING_EQUAL(rows[row].name, rows[r].name);
		}
	}
}

/* The short cut never says more than the long way, and it is taken. */
static void
what_is_plain_is_an_answer(void)
{
	uint8_t payload[RING_FRAME], row;
	unsigned int plain = 0;
	uint32_t noise = 9;

	for (unsigned int r = 0; r < rows_count(); r++)
		for (unsigned int turn = 0; turn < 2000; turn++) {
			const uint16_t len = (uint16_t)(turn % 600);
			const uint8_t first = shapes.row[rows[r].port];

			describe(&rows[r], rows[r].answer, payload);
			if (rows[r].plain[0].mask != 0)
				describe_plain(&rows[r], payload);
			for (unsigned int k = 0; k < turn % 4; k++) {
				noise = noise * 1664525 + 1013904223;
				payload[noise >> 16 & 31] = (uint8_t)(noise >> 24);
			}
			if (!shape_is_plain(&shapes, first, payload, len))
				continue;
			plain++;
			CU_ASSERT_EQUAL(shape_of(rows[r].port, payload, len, &row),
			                SHAPE_ANSWER);
			CU_ASSERT_EQUAL(row, first);
		}
	CU_ASSERT(plain > 20000);
}

static void
every_question_is_known_as_one(void)
{
	unsigned int questions = 0;
	uint8_t payload[RING_FRAME], row;

	for (unsigned int r = 0; r < rows_count(); r++)
		for (unsigned int q = 0;
		     q < ROWS_QUESTIONS && rows[r].question[q][0].mask != 0; q++) {
			describe(&rows[r], rows[r].answer, payload);
			describe_over(&rows[r], rows[r].question[q], payload);
			CU_ASSERT_EQUAL(shape_of(rows[r].port, payload, 64, &row),
			                SHAPE_QUESTION);
			questions++;
		}
	CU_ASSERT(questions > 40);
}

static void
what_is_too_short_is_no_answer(void)
{
	uint8_t payload[RING_FRAME], row;

	for (unsigned int r = 0; r < rows_count(); r++) {
		describe(&rows[r], rows[r].answer, payload);
		if (rows[r].least < 2 || rows[r].is_anywhere)
			continue;
		CU_ASSERT(shape_of(rows[r].port, payload, (uint16_t)(rows[r].least - 1),
		                   &row) != SHAPE_ANSWER ||
		          strcmp(rows[row].name, rows[r].name) != 0);
	}
}

/* Zeros, ones and noise of each length never read beyond the payload's end. */
static void
anything_can_be_asked(void)
{
	uint8_t payload[64], row;
	uint32_t noise = 7;

	for (unsigned int r = 0; r < rows_count(); r++)
		for (uint16_t len = 0; len <= sizeof(payload); len++)
			for (unsigned int turn = 0; turn < 20; turn++) {
				for (unsigned int k = 0; k < len; k++)
					payload[k] = (uint8_t)((noise = noise * 1664525 +
					                                1013904223) >>
					                       24);
				if (rows[r].is_ber && turn % 2 == 0 && len > 2)
					memcpy(payload, "\x30\x84\xff", 3);
				shape_of(rows[r].port, payload, len, &row);
				CU_ASSERT(row < rows_count());
			}
}

/* Without bytes the port alone speaks, and only where no client has it. */
static void
without_bytes_only_servers_ports_tell(void)
{
	static struct burst b;
	uint8_t row;

	b.facts[0].payload_len = 100;
	CU_ASSERT_EQUAL(shape_of_lane(&shapes, &b, 0, 53, &row), SHAPE_ANSWER);
	CU_ASSERT_EQUAL(shape_of_lane(&shapes, &b, 0, 1900, &row), SHAPE_OTHER);
}

static bool
is_reflecting(unsigned int port)
{
	return shapes_has_port(shapes.reflecting, (uint16_t)port);
}

static void
the_known_vectors_have_rows(void)
{
	static const uint16_t ports[] = {
		7,     17,    19,    53,    69,    111,   123,   137,   138,   161,
		162,   177,   389,   427,   443,   500,   520,   623,   751,   1194,
		1434,  1701,  1900,  2362,  3283,  3389,  3391,  3478,  3702,  5093,
		5353,  5683,  6881,  7001,  9987,  10001, 10074, 11211, 26000, 27015,
		27960, 30718, 32414, 33848, 37810, 47808,
	};

	for (unsigned int k = 0; k < sizeof(ports) / sizeof(*ports); k++)
		CU_ASSERT(is_reflecting(ports[k]));
	CU_ASSERT_FALSE(is_reflecting(40000));
	CU_ASSERT_FALSE(is_reflecting(5000));
	CU_ASSERT(rows_count() >= 60);
}

/* A row stands in the page as "| `name` | ports | what it is |". */
static void
the_manual_page_has_every_row(void)
{
	char line[512], ports[32];

	for (unsigned int r = 0; r < rows_count(); r++) {
		if (rows[r].last_port != 0)
			snprintf(ports, sizeof(ports), "%u to %u", rows[r].port,
			         rows[r].last_port);
		else
			snprintf(ports, sizeof(ports), "%u", rows[r].port);
		snprintf(line, sizeof(line), "| `%s` | %s | %s |\n", rows[r].name, ports,
		         rows[r].help);
		if (strstr(page, line) == NULL)
			fprintf(stderr, "not in README.md: %s", line);
		CU_ASSERT_PTR_NOT_NULL(strstr(page, line));
	}
}

static void
rows_are_sound(void)
{
	for (unsigned int r = 0; r < rows_count(); r++) {
		const struct row *row = &rows[r];
		const size_t len = strlen(row->help);

		CU_ASSERT_EQUAL(rows_find(row->name), r);
		CU_ASSERT(len > 20 && row->help[len - 1] == '.');
		CU_ASSERT_EQUAL(row->packets == 0, row->bytes == 0);
		CU_ASSERT(row->usual > 0);
		/* A client's port needs a shape, or a size that no client's packet has. */
		CU_ASSERT(row->port < ROWS_RESERVED || row->answer[0].mask != 0 ||
		          row->least >= 20);
		for (unsigned int t = 0; t < ROWS_TESTS; t++)
			CU_ASSERT_EQUAL(row->answer[t].value & ~row->answer[t].mask, 0);
	}
	CU_ASSERT_EQUAL(rows_find("none"), ROWS_NONE);
}

SUITE_MAIN_WITH("stage/reflection_rows", prepare, NULL, TEST(rows_are_sound),
                TEST(every_answer_is_known_as_its_row), TEST(what_is_plain_is_an_answer),
                TEST(every_question_is_known_as_one),
                TEST(what_is_too_short_is_no_answer), TEST(anything_can_be_asked),
                TEST(without_bytes_only_servers_ports_tell),
                TEST(the_known_vectors_have_rows), TEST(the_manual_page_has_every_row))
