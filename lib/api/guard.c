/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/guard.h"

#include <netinet/in.h>
#include <string.h>

void
api_peer_of_user(struct api_peer *p, uint32_t uid)
{
	/* No address looks like that: fe00::/9 is not given to anybody. */
	memset(p, 0, sizeof(*p));
	p->key[0] = 0xfe;
	memcpy(p->key + 12, &uid, sizeof(uid));
}

void
api_peer_of_address(struct api_peer *p, const struct sockaddr *from)
{
	memset(p, 0, sizeof(*p));
	if (from->sa_family == AF_INET) {
		p->key[10] = p->key[11] = 0xff;
		memcpy(p->key + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		/* Who has one address of a /64 has them all. */
		memcpy(p->key, &((const struct sockaddr_in6 *)from)->sin6_addr, 8);
		p->key[15] = 1;
	}
}

void
api_guard_open(struct api_guard *g)
{
	memset(g, 0, sizeof(*g));
	pthread_mutex_init(&g->lock, NULL);
}

void
api_guard_close(struct api_guard *g)
{
	pthread_mutex_destroy(&g->lock);
}

static double
refilled(double tokens, uint64_t elapsed_ns, double rate, double burst)
{
	tokens += (double)elapsed_ns / 1e9 * rate;
	return tokens < burst ? tokens : burst;
}

/* Under lock: the peer's buckets, filled up to now. */
static struct api_guard_peer *
find(struct api_guard *g, const struct api_peer *p, uint64_t now_ns)
{
	struct api_guard_peer *found = &g->of[0];
	uint64_t elapsed;

	for (unsigned int i = 0; i < API_GUARD_PEERS; i++) {
		struct api_guard_peer *o = &g->of[i];

		if (o->seen_ns != 0 && memcmp(&o->peer, p, sizeof(*p)) == 0) {
			found = o;
			break;
		}
		if (o->seen_ns < found->seen_ns)
			found = o;
	}
	if (found->seen_ns == 0 || memcmp(&found->peer, p, sizeof(*p)) != 0)
		*found = (struct api_guard_peer){ .peer = *p,
			                          .seen_ns = now_ns,
			                          .requests = API_GUARD_BURST,
			                          .failures = API_GUARD_FAILURE_BURST };
	elapsed = now_ns > found->seen_ns ? now_ns - found->seen_ns : 0;
	found->requests =
		refilled(found->requests, elapsed, API_GUARD_RATE, API_GUARD_BURST);
	found->failures = refilled(found->failures, elapsed, API_GUARD_FAILURE_RATE,
	                           API_GUARD_FAILURE_BURST);
	found->seen_ns = now_ns > found->seen_ns ? now_ns : found->seen_ns;
	return found;
}

static bool
take(double *tokens)
{
	if (*tokens < 1)
		return false;
	*tokens -= 1;
	return true;
}

bool
api_guard_request(struct api_guard *g, const struct api_peer *p, uint64_t now_ns)
{
	bool may;

	pthread_mutex_lock(&g->lock);
	may = take(&find(g, p, now_ns)->requests);
	pthread_mutex_unlock(&g->lock);
	return may;
}

bool
api_guard_failure(struct api_guard *g, const struct api_peer *p, uint64_t now_ns)
{
	bool may;

	pthread_mutex_lock(&g->lock);
	may = take(&find(g, p, now_ns)->failures);
	pthread_mutex_unlock(&g->lock);
	return may;
}
