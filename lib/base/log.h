/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log - sentences for the operator, on standard error.
 *
 * One line per call, "tidegated: " in front, a systemd priority ("<4>") before
 * that when the journal reads. Never called on the hot path.
 *
 * Threads any but workers.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Name printed before each line, and the least urgent level still printed. */
void log_open(const char *program, enum log_level most);

void log_write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
