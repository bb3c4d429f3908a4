/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hook_post - one POST by libcurl, and what its answer means.
 *
 * Only http and https, no redirects, certificates and names checked, no proxy of the
 * environment, an answer of at most 64 KiB. Headers that are secrets come from a file
 * that others cannot read, and no secret stands in any message.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "event/hook_parts.h"

#define ANSWER_MAX  65536
#define HEADER_MAX  4096
#define HEADERS_MAX 16
#define WAIT_MAX_S  300

struct hook_post {
	CURL *curl;
	char *header_file;
	bool (*is_over)(void *arg);
	void *arg;
	size_t answered; /* bytes of the answer's body */
	char error[CURL_ERROR_SIZE];
};

static size_t
take_answer(char *data, size_t size, size_t n, void *arg)
{
	struct hook_post *p = arg;

	(void)data;
	p->answered += size * n;
	return p->answered <= ANSWER_MAX ? size * n : 0;
}

static int
look_at_time(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct hook_post *p = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return p->is_over(p->arg);
}

static void
set_options(struct hook_post *p, const struct settings_webhook *s)
{
	const long timeout_ms = (long)(s->timeout_ns / 1000000);
	CURL *c = p->curl;

	curl_easy_setopt(c, CURLOPT_URL, s->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (s->ca_file != NULL && s->ca_file[0] != '\0')
		curl_easy_setopt(c, CURLOPT_CAINFO, s->ca_file);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "tidegate");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, p);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_at_time);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, p);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, p->error);
}

struct hook_post *
event_hook_post_open(const struct settings_webhook *s, bool (*is_over)(void *arg),
                     void *arg)
{
	struct hook_post *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->is_over = is_over;
	p->arg = arg;
	p->header_file = strdup(s->header_file != NULL ? s->header_file : "");
	if (p->header_file != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		p->curl = curl_easy_init();
	if (p->curl == NULL) {
		event_hook_post_close(p);
		errno = ENOMEM;
		return NULL;
	}
	set_options(p, s);
	return p;
}

void
event_hook_post_close(struct hook_post *p)
{
	if (p == NULL)
		return;
	if (p->curl != NULL)
		curl_easy_cleanup(p->curl);
	free(p->header_file);
	free(p);
}

/* --- headers ------------------------------------------------------------------ */

/* "Name: value" without anything that would be another header. */
static bool
is_header(const char *line)
{
	const size_t name = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
	                                 "uvwxyz0123456789-_");

	if (name == 0 || line[name] != ':')
		return false;
	for (const char *at = line; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	}
	return true;
}

static bool
read_headers(FILE *f, struct curl_slist **list)
{
	char line[HEADER_MAX];

	for (unsigned int n = 0; fgets(line, sizeof(line), f) != NULL; n++) {
		struct curl_slist *grown;

		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (n == HEADERS_MAX || !is_header(line))
			return false;
		grown = curl_slist_append(*list, line);
		if (grown == NULL)
			return false;
		*list = grown;
	}
	return ferror(f) == 0;
}

/* Returns false, with a sentence, when a secret cannot be read or others can read it. */
static bool
add_secret(const struct hook_post *p, struct curl_slist **list, char *why)
{
	struct stat st;
	FILE *f;
	bool is_good;

	if (p->header_file[0] == '\0')
		return true;
	f = fopen(p->header_file, "re");
	if (f == NULL) {
		snprintf(why, EVENT_HOOK_WHY, "header_file cannot be read: %s",
		         strerror(errno));
		return false;
	}
	if (fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
		snprintf(why, EVENT_HOOK_WHY,
		         "header_file may be read or written by others: chmod 0600");
		is_good = false;
	} else {
		is_good = read_headers(f, list);
		if (!is_good)
			snprintf(why, EVENT_HOOK_WHY,
			         "header_file: a line is not Name: value");
	}
	fclose(f);
	return is_good;
}

/* --- the post ----------------------------------------------------------------- */

static void
judge(struct hook_post *p, CURLcode code, struct hook_result *out)
{
	curl_off_t wait = 0;
	long status = 0;

	curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(p->curl, CURLINFO_RETRY_AFTER, &wait);
	out->wait_s = (unsigned int)(wait < 0            ? 0
	                             : wait > WAIT_MAX_S ? WAIT_MAX_S
	                                                 : wait);
	/* An answer that is too long was an answer all the same. */
	if (code != CURLE_OK && code != CURLE_WRITE_ERROR) {
		snprintf(out->why, EVENT_HOOK_WHY, "%.159s",
		         p->error[0] != '\0' ? p->error : curl_easy_strerror(code));
		return;
	}
	out->is_taken = status >= 200 && status < 300;
	out->is_refused =
		!out->is_taken && status < 500 && status != 408 && status != 429;
	snprintf(out->why, EVENT_HOOK_WHY, "the server answers %ld%s", status,
	         status >= 300 && status < 400 ? ", and redirects are not followed" : "");
}

void
event_hook_post(struct hook_post *p, const char *body, struct hook_result *out)
{
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: application/json");

	*out = (struct hook_result){ .is_taken = false };
	/* No "100 Continue" before a body of a few KiB. */
	headers = headers != NULL ? curl_slist_append(headers, "Expect:") : NULL;
	if (headers == NULL) {
		snprintf(out->why, EVENT_HOOK_WHY, "out of memory");
		return;
	}
	if (add_secret(p, &headers, out->why)) {
		p->answered = 0;
		p->error[0] = '\0';
		curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(p->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
		curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, body);
		judge(p, curl_easy_perform(p->curl), out);
		curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, NULL);
	}
	curl_slist_free_all(headers);
}
