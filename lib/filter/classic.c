/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/classic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_PCAP
#include <pthread.h>

#include <pcap/pcap.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Returns 0 and *to, which pcap_freecode() frees; else -EINVAL and what libpcap says. */
static int
compile(const char *text, struct bpf_program *to, char *error, size_t room)
{
	pcap_t *p;
	int status = -ENOMEM;

	pthread_mutex_lock(&lock);
	p = pcap_open_dead(DLT_RAW, 65535);
	if (p == NULL) {
		snprintf(error, room, "no memory for libpcap");
	} else if (pcap_compile(p, to, text, 1, PCAP_NETMASK_UNKNOWN) == 0) {
		status = 0;
	} else {
		snprintf(error, room, "%s", pcap_geterr(p));
		status = -EINVAL;
	}
	if (p != NULL)
		pcap_close(p);
	pthread_mutex_unlock(&lock);
	return status;
}

int
classic_compile_text(const char *text, struct convert_insn **out, char *error,
                     size_t room)
{
	struct bpf_program code;
	int status = compile(text, &code, error, room);

	if (status != 0)
		return status;
	*out = calloc(code.bf_len, sizeof(**out));
	for (u_int i = 0; *out != NULL && i < code.bf_len; i++)
		(*out)[i] = (struct convert_insn){ .code = code.bf_insns[i].code,
			                           .jt = code.bf_insns[i].jt,
			                           .jf = code.bf_insns[i].jf,
			                           .k = code.bf_insns[i].k };
	status = *out == NULL ? -ENOMEM : (int)code.bf_len;
	pcap_freecode(&code);
	return status;
}

/* How many words from the beginning are an expression by themselves. */
static unsigned int
understood(const struct filter_words *words)
{
	char text[FILTER_WRITTEN], why[PCAP_ERRBUF_SIZE];
	struct bpf_program code;

	for (unsigned int n = words->count; n-- > 1;) {
		const struct filter_word *last = &words->word[n - 1];

		snprintf(text, sizeof(text), "%.*s", last->at + last->size, words->text);
		if (compile(text, &code, why, sizeof(why)) == 0) {
			pcap_freecode(&code);
			return n;
		}
	}
	return 0;
}

int
classic_compile(const struct filter_words *words, struct convert_insn **out, char *error,
                size_t room)
{
	char why[PCAP_ERRBUF_SIZE];
	int status = classic_compile_text(words->text, out, why, sizeof(why));
	const struct filter_word *w;
	unsigned int n;

	if (status >= 0)
		return status;
	if (strstr(why, "syntax error") == NULL) {
		snprintf(error, room, "%s", why);
		return status;
	}
	n = understood(words);
	w = &words->word[n];
	if (n == 0)
		snprintf(error, room,
		         "what begins with '%.*s' is no condition; write such as 'udp "
		         "port "
		         "53', 'src net 192.0.2.0/24' or 'tcp[13] & 2 != 0'",
		         w->size, words->text + w->at);
	else
		snprintf(error, room,
		         "'%.*s', after '%.*s', begins no condition; join conditions by "
		         "'and' or 'or'",
		         w->size, words->text + w->at,
		         words->word[n - 1].at + words->word[n - 1].size, words->text);
	return status;
}

#else

int
classic_compile_text(const char *text, struct convert_insn **out, char *error,
                     size_t room)
{
	(void)text;
	(void)out;
	snprintf(error, room,
	         "this build has no libpcap, which reads expressions: write 'match' "
	         "instead, or build with libpcap-dev installed");
	return -ENOTSUP;
}

int
classic_compile(const struct filter_words *words, struct convert_insn **out, char *error,
                size_t room)
{
	return classic_compile_text(words->text, out, error, room);
}

#endif
