/* SPDX-License-Identifier: BSD-3-Clause */
/* A real server on a Unix socket and on loopback, asked over real connections. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/api.h"
#include "suite.h"
#include "telemetry/by_hand.h"

static struct box *box;
static struct telemetry *t;
static struct api *api;
static char folder[] = "/tmp/tidegate-api-XXXXXX", path[64], where[80], why[API_WHY];

static const unsigned char page[] = { 0x1f, 0x8b, 'p', 'a', 'g', 'e' };
static const struct api_asset assets[] = {
	{ "/", "text/html; charset=utf-8", "\"aa11\"", page, sizeof(page) },
	{ 0 },
};

static int
start(const char *entry)
{
	return api_open(&(struct api_settings){ .telemetry = t,
	                                        .listen = &entry,
	                                        .listens = 1,
	                                        .assets = assets },
	                &api, why);
}

static void
begin(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/api.sock", folder);
	snprintf(where, sizeof(where), "unix:%s", path);
	box = hand_open();
	t = telemetry_open(box);
	CU_ASSERT_EQUAL_FATAL(start(where), 0);
}

static void
end(void)
{
	api_close(api);
	api = NULL;
	telemetry_close(t);
	hand_close(box);
	CU_ASSERT_EQUAL(rmdir(folder), 0); /* the socket is gone */
}

/* Send what is given, return what came back until the server closed; a static text. */
static const char *
talk(const char *text, size_t len)
{
	static const struct timeval limit = { .tv_sec = 5 };
	static char answer[65536];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t n = 0;
	ssize_t got;

	strcpy(address.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)),
	                      0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	while (len > 0 && (got = send(fd, text, len, MSG_NOSIGNAL)) > 0) {
		text += got;
		len -= (size_t)got;
	}
	while (n < sizeof(answer) - 1 &&
	       (got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0)) > 0)
		n += (size_t)got;
	answer[n] = '\0';
	close(fd);
	return answer;
}

static void
a_document_comes_over_the_socket_with_its_headers(void)
{
	static const char request[] = "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n"
				      "Connection: close\r\n\r\n";
	const char *answer;
	struct stat st;

	begin();
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0660);
	answer = talk(request, strlen(request));
	CU_ASSERT_EQUAL(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "Content-Type: application/json\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "X-Content-Type-Options: nosniff\r\n"));
	CU_ASSERT_PTR_NULL(strstr(answer, "Access-Control"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\"node\":\"gate-1\""));
	end();
}

static void
the_page_comes_with_its_headers_and_once(void)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: "
				  "gzip\r\nConnection: close\r\n\r\n";
	static const char head[] = "HEAD / HTTP/1.1\r\nHost: x\r\n"
				   "Connection: close\r\n\r\n";
	static const char again[] = "GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: "
				    "\"aa11\"\r\nConnection: close\r\n\r\n";
	static const char *const wanted[] = {
		"ETag: \"aa11\"\r\n", "Content-Encoding: gzip\r\n",
		"X-Content-Type-Options: nosniff\r\n", "X-Frame-Options: DENY\r\n",
		"Content-Security-Policy: default-src 'none';"
	};
	const char *answer, *body;

	begin();
	answer = talk(get, strlen(get));
	CU_ASSERT_EQUAL(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(answer, wanted[i]));
	body = strstr(answer, "\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	CU_ASSERT_EQUAL(memcmp(body + 4, page, sizeof(page)), 0);

	answer = talk(head, strlen(head));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "Content-Length: 6\r\n"));
	body = strstr(answer, "\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	CU_ASSERT_EQUAL(body[4], '\0');

	answer = talk(again, strlen(again));
	CU_ASSERT_EQUAL(strncmp(answer, "HTTP/1.1 304 ", 13), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "ETag: \"aa11\"\r\n"));
	body = strstr(answer, "\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	CU_ASSERT_EQUAL(body[4], '\0');
	end();
}

static void
a_body_too_big_is_refused_however_it_comes(void)
{
	static char text[200000];
	size_t n;

	begin();
	n = (size_t)snprintf(
		text, sizeof(text),
		"PUT /api/v1/bypass HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Content-Length: 65537\r\n\r\n");
	CU_ASSERT_EQUAL(strncmp(talk(text, n), "HTTP/1.1 413 ", 13), 0);

	n = (size_t)snprintf(
		text, sizeof(text),
		"PUT /api/v1/bypass HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Transfer-Encoding: chunked\r\n\r\n%x\r\n",
		100000);
	memset(text + n, 'x', 100000);
	n += 100000;
	strcpy(text + n, "\r\n0\r\n\r\n");
	CU_ASSERT_EQUAL(strncmp(talk(text, n + 7), "HTTP/1.1 413 ", 13), 0);
	end();
}

static void
nonsense_does_not_stop_the_server(void)
{
	static const char *const rubbish[] = { "\r\n\r\n", "GET\r\n\r\n",
		                               "GET /%00 HTTP/1.0\r\n\r\n",
		                               "\x16\x03\x01 hello tls\r\n\r\n" };
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n"
				      "Connection: close\r\n\r\n";

	begin();
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(*rubbish); i++)
		talk(rubbish[i], strlen(rubbish[i]));
	CU_ASSERT_PTR_NOT_NULL(strstr(talk(request, strlen(request)), "\r\n\r\nok\n"));
	end();
}

static void
a_socket_in_use_is_left_alone_and_a_leftover_is_replaced(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct api *first;
	int fd;

	begin();
	first = api;
	CU_ASSERT_EQUAL(start(where), -EADDRINUSE);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "another process answers"));
	api_close(first);

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	CU_ASSERT_EQUAL_FATAL(start(where), 0);
	end();
}

static void
addresses_are_loopback_or_refused_with_a_sentence(void)
{
	static const struct {
		const char *entry;
		int rc;
	} rows[] = {
		{ "0.0.0.0:9686", -EACCES }, { "192.0.2.1:9686", -EACCES },
		{ "[::]:9686", -EACCES },    { "127.0.0.1", -EINVAL },
		{ "127.0.0.1:", -EINVAL },   { "127.0.0.1:99999", -EINVAL },
		{ "localhost:80", -EINVAL }, { "unix:relative", -EINVAL },
		{ "[::1:9686", -EINVAL },    { "127.0.0.1:0", 0 },
	};
	struct api *first;

	begin();
	first = api;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		api = NULL;
		CU_ASSERT_EQUAL(start(rows[i].entry), rows[i].rc);
		CU_ASSERT_EQUAL(why[0] == '\0', rows[i].rc == 0);
		api_close(api);
	}
	api = first;
	end();
}

/* Run the command against our server. Returns its exit code; *output is a static text. */
static int
command(const char *arguments, const char **output)
{
	static char text[65536];
	char line[512];
	FILE *f;
	size_t n;
	int rc;

	snprintf(line, sizeof(line), "%s --api %s %s 2>&1", TIDEGATE_COMMAND, where,
	         arguments);
	f = popen(line, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	*output = text;
	rc = pclose(f);
	return WEXITSTATUS(rc);
}

static void
the_command_shows_and_exits_as_promised(void)
{
	static const struct {
		const char *arguments;
		int rc;
		const char *needle;
	} rows[] = {
		{ "status", 0, "gate-1" },
		{ "status --json", 0, "\"uptime_seconds\"" },
		{ "services", 0, "shop" },
		{ "services show shop", 0, "udp_flood" },
		{ "services show nobody", 1, "there is no 'nobody'" },
		{ "attacks --active", 0, "no attacks" },
		{ "attacks --limit 0", 1, "limit" },
		{ "talkers --bits", 0, "estimated" },
		{ "show shop", 0, "the whole service" },
		{ "reasons --all --help-texts", 0, "io.tx_full" },
		{ "ports", 0, "veth1" },
		{ "workers", 0, "CYCLES" },
		{ "explain 203.0.113.10", 0, "protected as service" },
		{ "config", 0, "net_null0" },
		{ "block ls", 0, "no entries" },
		{ "mode shop learn --token-file /dev/null", 1, "tokens file" },
		/* Who could read the daemon's own token, which lies beside the socket. */
		{ "mode shop learn", 0, "shop: mode learn" },
		{ "check", 0, "TIDEGATE OK" },
		{ "version", 0, "tidegated 0.1.0" },
		{ "reload --help", 0, "Exits 78" },
		{ "mode shop", 2, "usage: tidegate mode" },
		{ "frobnicate", 2, "no verb" },
		{ "status --frob", 2, "unknown option" },
	};
	const char *output;
	struct api *first;

	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const int rc = command(rows[i].arguments, &output);

		CU_ASSERT_EQUAL(rc, rows[i].rc);
		CU_ASSERT_PTR_NOT_NULL(strstr(output, rows[i].needle));
		if (rc != rows[i].rc || strstr(output, rows[i].needle) == NULL)
			printf("\n%s: %d\n%s\n", rows[i].arguments, rc, output);
	}
	first = api;
	api = NULL;
	api_close(first);
	CU_ASSERT_EQUAL(command("status", &output), 69);
	CU_ASSERT_EQUAL(command("check", &output), 2);
	end();
}

static const char ask_status[] = "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n"
				 "Connection: close\r\n\r\n";
static char late[64];

static void *
ask_late(void *arg)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)arg;
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, ask_status, strlen(ask_status), MSG_NOSIGNAL) > 0)
		recv(fd, late, sizeof(late) - 1, MSG_WAITALL);
	close(fd);
	return NULL;
}

/*
 * Somebody holds what the API needs. Its threads wait; those that need nothing answer, and
 * control, which a worker's clock ticks and which never takes that lock, goes on.
 */
static void
a_wedged_answer_delays_neither_others_nor_control(void)
{
	static const char healthz[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n"
				      "Connection: close\r\n\r\n";
	pthread_t thread[8];

	begin();
	late[0] = '\0';
	pthread_mutex_lock(&box->lock);
	for (unsigned int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, ask_late, NULL);
	usleep(200000);
	CU_ASSERT_EQUAL(late[0], '\0');
	CU_ASSERT_PTR_NOT_NULL(strstr(talk(healthz, strlen(healthz)), "\r\n\r\nok\n"));
	hand_flood(box, 10000, 300);
	CU_ASSERT(watch_is_armed(
		watch_cell(&box->worker[0].pipeline->watch, 1, VECTOR_UDP_FLOOD)));
	pthread_mutex_unlock(&box->lock);
	for (unsigned int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	CU_ASSERT_EQUAL(strncmp(late, "HTTP/1.1 200 OK", 15), 0);
	end();
}

static void
two_lengths_of_a_body_are_one_too_many(void)
{
	static const char request[] = "PUT /api/v1/bypass HTTP/1.1\r\nHost: x\r\n"
				      "Connection: close\r\nContent-Length: 5\r\n"
				      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

	begin();
	CU_ASSERT_EQUAL(strncmp(talk(request, strlen(request)), "HTTP/1.1 400 ", 13), 0);
	end();
}

SUITE_MAIN("api/server", TEST(a_document_comes_over_the_socket_with_its_headers),
           TEST(the_page_comes_with_its_headers_and_once),
           TEST(a_body_too_big_is_refused_however_it_comes),
           TEST(nonsense_does_not_stop_the_server),
           TEST(a_socket_in_use_is_left_alone_and_a_leftover_is_replaced),
           TEST(addresses_are_loopback_or_refused_with_a_sentence),
           TEST(a_wedged_answer_delays_neither_others_nor_control),
           TEST(two_lengths_of_a_body_are_one_too_many),
           TEST(the_command_shows_and_exits_as_promised))
