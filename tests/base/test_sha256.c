/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/sha256.h"
#include "suite.h"

#include <string.h>

/* The examples that NIST publishes for FIPS 180-4. */
static void
published_examples_hold(void)
{
	static const struct {
		const char *text, *digest;
	} rows[] = {
		{ "",
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmn"
		  "opjklmnop"
		  "qklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	};
	char text[SHA256_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		sha256_text(rows[i].text, strlen(rows[i].text), text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].digest);
	}
}

/* A million times the letter a, and every way to cut a text around a block's end. */
static void
pieces_give_what_the_whole_gives(void)
{
	static const uint8_t million[SHA256_BYTES] = {
		0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92, 0x81, 0xa1, 0xc7,
		0xe2, 0x84, 0xd7, 0x3e, 0x67, 0xf1, 0x80, 0x9a, 0x48, 0xa4, 0x97,
		0x20, 0x0e, 0x04, 0x6d, 0x39, 0xcc, 0xc7, 0x11, 0x2c, 0xd0
	};
	uint8_t digest[SHA256_BYTES], whole[SHA256_BYTES];
	char text[200];
	struct sha256 s;

	sha256_begin(&s);
	for (unsigned int i = 0; i < 1000000; i++)
		sha256_add(&s, "a", 1);
	sha256_end(&s, digest);
	CU_ASSERT_EQUAL(memcmp(digest, million, sizeof(million)), 0);

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	for (size_t len = 0; len <= sizeof(text); len++)
		for (size_t cut = 0; cut <= len; cut += 7) {
			sha256_begin(&s);
			sha256_add(&s, text, len);
			sha256_end(&s, whole);
			sha256_begin(&s);
			sha256_add(&s, text, cut);
			sha256_add(&s, text + cut, len - cut);
			sha256_end(&s, digest);
			CU_ASSERT_EQUAL(memcmp(digest, whole, sizeof(whole)), 0);
		}
}

SUITE_MAIN("sha256", TEST(published_examples_hold),
           TEST(pieces_give_what_the_whole_gives))
