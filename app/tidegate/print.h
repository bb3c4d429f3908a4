/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * print - any document for people: members as lines, lists of objects as tables.
 *
 * For what is read from top to bottom, such as a report, so that a member which the
 * daemon adds is shown without this command knowing it.
 */
#ifndef TIDEGATE_PRINT_H
#define TIDEGATE_PRINT_H

#include <jansson.h>

/* The members of an object, those that are plain first. */
void print_document(const json_t *document);

#endif
