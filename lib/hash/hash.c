/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash/hash.h"

#include <errno.h>
#include <sys/random.h>

int
hash_key_random(struct hash_key *key)
{
	struct hash_key fresh;
	ssize_t got;

	do
		got = getrandom(&fresh, sizeof(fresh), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if ((size_t)got != sizeof(fresh))
		return -EIO;
	*key = fresh;
	return 0;
}

/* splitmix64 (Steele, Lea, Flood 2014): every seed, even 0, gives a full key. */
void
hash_key_seeded(struct hash_key *key, uint64_t seed)
{
	uint64_t word[sizeof(*key) / sizeof(uint64_t)];

	for (size_t i = 0; i < sizeof(word) / sizeof(*word); i++) {
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		word[i] = z ^ (z >> 31);
	}
	memcpy(key, word, sizeof(*key));
}
