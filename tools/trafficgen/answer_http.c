/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a censor's middlebox sends to whom it takes for the client of a forbidden site.
 */
#include "answer.h"

void
answer_blocked_page(struct payload *b)
{
	static const char head[] = "<html><head><title>Blocked</title></"
				   "head><body><h1>Access denied</h1><p>";
	static const char tail[] = "</p></body></html>";
	const unsigned int filler = (unsigned int)payload_pick(b, 300, 900);

	payload_print(b,
	              "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n"
	              "Content-Length: %u\r\nConnection: close\r\n\r\n",
	              (unsigned int)(sizeof(head) + sizeof(tail) - 2) + filler);
	payload_text(b, head);
	payload_repeat(b, '.', filler);
	payload_text(b, tail);
}
