/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * classic - libpcap's compiler: a filter expression to classic BPF.
 *
 * The packet begins with its IP header (DLT_RAW), so an expression means the same
 * whatever carries it. What is no condition by itself is named by trying how many
 * words from the beginning are one.
 *
 * Threads any: libpcap is asked under a lock, its releases before 1.8 needed that.
 */
#ifndef FILTER_CLASSIC_H
#define FILTER_CLASSIC_H

#include <stddef.h>

#include "filter/convert.h"
#include "filter/words.h"

/*
 * Returns how many instructions were written to *out, which the caller frees; -EINVAL
 * with a sentence in `error`; -ENOTSUP without libpcap, with one too; -ENOMEM.
 */
int classic_compile(const struct filter_words *words, struct convert_insn **out,
                    char *error, size_t room);

/* The same from text that filter_words_ipv6() wrote. */
int classic_compile_text(const char *text, struct convert_insn **out, char *error,
                         size_t room);

#endif
