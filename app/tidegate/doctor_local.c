/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http.h"
#include "table.h"
#include "words.h"

#define TEXT_MAX     65536
#define SENTENCE_MAX 1024
#define RUN_MS       20000

void
doctor_add(struct doctor *d, const char *level, const char *name, const char *subject,
           const char *remedy, const char *sentence, ...)
{
	char text[SENTENCE_MAX];
	json_t *o;
	va_list args;

	va_start(args, sentence);
	vsnprintf(text, sizeof(text), sentence, args);
	va_end(args);
	o = json_object();
	json_object_set_new(o, "level", json_string(level));
	json_object_set_new(o, "step", json_string("daemon"));
	json_object_set_new(o, "name", json_string(table_safe(name)));
	json_object_set_new(o, "subject", json_string(table_safe(subject)));
	words_clean(text, text, sizeof(text));
	json_object_set_new(o, "sentence", json_string(text));
	json_object_set_new(o, "remedy", json_string(remedy));
	json_array_append_new(d->findings, o);
}

/* --- processes --------------------------------------------------------------- */

static void
become(const char *const *argv, int out)
{
	const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(nothing, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(nothing, STDERR_FILENO);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

/* Everything until the end or until there is no more room or time. Returns bytes or -1. */
static ssize_t
read_all(int fd, char *out, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t used = 0;

	while (used + 1 < size) {
		ssize_t n;

		if (poll(&p, 1, RUN_MS) <= 0)
			return -1;
		n = read(fd, out + used, size - used - 1);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	out[used] = '\0';
	return (ssize_t)used;
}

int
doctor_run(const char *const *argv, char *out, size_t size)
{
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	out[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		become(argv, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}
	n = read_all(ends[0], out, size);
	close(ends[0]);
	if (n < 0)
		kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || n < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status);
}

/* State letter of a process as proc(5) has it, 0 when there is none of that number. */
static char
state_of(pid_t pid)
{
	char path[64], text[512];
	const char *end;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	/* The name may hold anything, brackets too. */
	end = strrchr(text, ')');
	return end != NULL && end[1] == ' ' ? end[2] : 0;
}

/* Whether a process has the network that we have: only then its wire is this machine's. */
static bool
shares_network(const char *pid)
{
	char path[64], ours[64] = "", its[64] = "";

	snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
	return readlink("/proc/self/ns/net", ours, sizeof(ours) - 1) > 0 &&
	       readlink(path, its, sizeof(its) - 1) > 0 && strcmp(ours, its) == 0;
}

/* A running tidegated of this machine, 0 when there is none that can be seen. */
static pid_t
find_daemon(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while (proc != NULL && found == 0 && (e = readdir(proc)) != NULL) {
		char path[64], name[32] = "";
		FILE *f;

		if (!isdigit((unsigned char)e->d_name[0]) || !shares_network(e->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", e->d_name);
		f = fopen(path, "re");
		if (f == NULL)
			continue;
		if (fgets(name, sizeof(name), f) != NULL &&
		    strcmp(name, "tidegated\n") == 0)
			found = (pid_t)strtol(e->d_name, NULL, 10);
		fclose(f);
	}
	if (proc != NULL)
		closedir(proc);
	return found;
}

static void
say_hanging(struct doctor *d, const char *where)
{
	const bool is_unix = strncmp(where, "unix:", 5) == 0;
	const pid_t told = is_unix ? http_listener(where + 5) : 0;
	const pid_t pid = told > 0 ? told : find_daemon();
	const char state = pid > 0 ? state_of(pid) : 0;
	char remedy[160] =
		"Look at its log and at `top -H -p PID`; restart it when it does "
		"not come back.";

	if (state == 'T' || state == 't') {
		snprintf(remedy, sizeof(remedy), "`kill -CONT %d` lets it go on.",
		         (int)pid);
		doctor_add(d, "fault", "daemon_stopped", where, remedy,
		           "tidegated (process %d) was stopped by a signal or a "
		           "debugger, and no packet is forwarded.",
		           (int)pid);
	} else if (pid > 0) {
		doctor_add(d, "fault", "daemon_hangs", where, remedy,
		           "tidegated (process %d) listens at %s but does not answer "
		           "within %.0f s.",
		           (int)pid, where, d->c->timeout_ms / 1e3);
	} else {
		doctor_add(d, "fault", "daemon_hangs", where, remedy,
		           "Somebody listens at %s but does not answer within %.0f s.",
		           where, d->c->timeout_ms / 1e3);
	}
}

static void
say_gone(struct doctor *d, const char *where, int error)
{
	const pid_t pid = find_daemon();
	const bool is_stale = error == ECONNREFUSED && strncmp(where, "unix:", 5) == 0;

	if (is_stale)
		doctor_add(d, "fault", "stale_socket", where,
		           "Nothing to do about it: the next start removes the socket.",
		           "The socket %s was left behind by a tidegated that died.",
		           where + 5);
	if (pid > 0)
		doctor_add(
			d, "fault", "api_elsewhere", where,
			"See `listen` in the group `api` of its configuration, and say "
			"the place with --api.",
			"A tidegated runs (process %d), but not behind %s.", (int)pid,
			where);
	else
		doctor_add(d, "fault", "daemon_not_running", where,
		           "`systemctl start tidegate`, or `tidegated run -c FILE`.",
		           "No tidegated runs here: what crosses this machine is not "
		           "forwarded, unless something else does it.");
}

void
doctor_look_at_daemon(struct doctor *d, const char *where, int rc)
{
	char why[512];

	switch (-rc) {
	case ETIMEDOUT:
		say_hanging(d, where);
		return;
	case EACCES:
	case EPERM:
		cli_why(where, -rc, why, sizeof(why));
		doctor_add(d, "fault", "socket_not_permitted", where,
		           "Ask as root, or join the group of the socket.", "%s.", why);
		return;
	case ECONNREFUSED:
	case ENOENT:
		say_gone(d, where, -rc);
		break;
	default:
		cli_why(where, -rc, why, sizeof(why));
		doctor_add(d, "fault", "unreachable", where,
		           "Say with --api where tidegated listens.", "%s.", why);
	}
	doctor_look_at_start(d);
	doctor_look_at_journal(d);
}

/* --- what a start would meet --------------------------------------------------- */

/* Beside this program, as installed or as built; else where packages put it. */
static bool
find_program(char *out, size_t size)
{
	static const char *const beside[] = { "tidegated", "../sbin/tidegated",
		                              "../tidegated/tidegated" };
	char self[3000];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash != NULL && i < sizeof(beside) / sizeof(*beside); i++) {
		slash[1] = '\0';
		snprintf(out, size, "%s%s", self, beside[i]);
		if (access(out, X_OK) == 0)
			return true;
	}
	snprintf(out, size, "/usr/sbin/tidegated");
	return access(out, X_OK) == 0;
}

/* "here.device" is the machine's; anything else is a place in the file. */
static void
add_error(struct doctor *d, const json_t *e)
{
	const char *path = get_text(e, "path"), *message = get_text(e, "message");
	const char *level =
		strcmp(get_text(e, "severity"), "error") == 0 ? "fault" : "warning";

	if (strncmp(path, "here.", 5) == 0)
		doctor_add(d, level, path + 5, "", "", "%s.", message);
	else
		doctor_add(d, level, "config", get_text(e, "file"),
		           "Mend the file; `tidegated check -c FILE` tells every error.",
		           "%s:%.0f: %s: %s.", get_text(e, "file"), get_number(e, "line"),
		           path, message);
}

void
doctor_look_at_start(struct doctor *d)
{
	static char text[TEXT_MAX];
	char found[3200];
	const char *program = d->program;
	json_t *all;
	const json_t *e;
	size_t i;
	int rc;

	if (access(d->config, R_OK) < 0) {
		doctor_add(d, "fault", "no_config", d->config,
		           "Say with --config which file the daemon reads; `tidegated "
		           "print-defaults` writes one to begin with.",
		           "The configuration %s cannot be read: %s.", d->config,
		           strerror(errno));
		return;
	}
	if (program == NULL && find_program(found, sizeof(found)))
		program = found;
	if (program == NULL) {
		doctor_add(d, "warning", "no_program", "",
		           "Say with --daemon where tidegated is.",
		           "tidegated itself is not found, so a start cannot be tried.");
		return;
	}
	rc = doctor_run((const char *[]){ program, "check", "--here", "--json", "-c",
	                                  d->config, NULL },
	                text, sizeof(text));
	all = json_loads(text, 0, NULL);
	if (rc < 0 || !json_is_array(all))
		doctor_add(d, "warning", "no_check", program, "",
		           "%s could not look at %s.", program, d->config);
	words_clean_document(all);
	json_array_foreach(all, i, e) add_error(d, e);
	json_decref(all);
}

void
doctor_look_at_journal(struct doctor *d)
{
	static char text[TEXT_MAX];
	char *line, *rest;

	if (access("/run/systemd/system", F_OK) < 0 ||
	    doctor_run((const char *[]){ "journalctl", "--unit=tidegate", "--lines=5",
	                                 "--output=cat", "--no-pager", NULL },
	               text, sizeof(text)) != 0)
		return;
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		doctor_add(d, "note", "journal", "tidegate.service", "", "%s", line);
}
