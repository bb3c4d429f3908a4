/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capture - packets that somebody wants to see now: for a while, into memory, as pcapng.
 *
 *     start -> running -> (enough packets, bytes or time; or taken back) -> leaving
 *           -> held for an hour, or until its place is needed -> gone
 *
 * Which packets: by verdict, service and reason, and an expression in tcpdump's syntax
 * (filter/expression.h). A capture that is leaving has been taken from the workers, and
 * waits until each was seen outside of it; then nobody reads it any more.
 *
 * Bounded: EVIDENCE_ARMED run at once, EVIDENCE_HELD are held, each has at most
 * EVIDENCE_CAPTURE_BYTES and runs for at most an hour.
 *
 * Threads any but workers and the control lcore.
 */
#ifndef EVIDENCE_CAPTURE_H
#define EVIDENCE_CAPTURE_H

#include "evidence/evidence.h"
#include "filter/expression.h"

#define EVIDENCE_HELD            8
#define EVIDENCE_CAPTURE_BYTES   (UINT64_C(16) << 20)
#define EVIDENCE_CAPTURE_PACKETS UINT64_C(1000000)
#define EVIDENCE_CAPTURE_NS      UINT64_C(3600000000000)
#define EVIDENCE_WHY             256

struct evidence_wanted {
	uint8_t verdicts; /* bit v: enum evidence_verdict v; 0: all */
	bool has_service, has_stage, has_reason;
	uint16_t service;
	uint8_t stage, reason;
	char expression[FILTER_TEXT_MAX + 1]; /* "": every packet */
	uint64_t packets, for_ns, bytes;      /* 1 to the bounds above */
	/* As they were asked for, to be shown; "" is any. */
	char verdict_name[32], service_name[EVIDENCE_NAME], reason_name[EVIDENCE_NAME];
};

enum evidence_end {
	EVIDENCE_RUNS,
	EVIDENCE_ENOUGH_PACKETS,
	EVIDENCE_ENOUGH_BYTES,
	EVIDENCE_ENOUGH_TIME,
	EVIDENCE_OUT_OF_MEMORY,
	EVIDENCE_ENDS
};

/* One capture as it is now. */
struct evidence_capture {
	uint32_t id;
	bool is_held; /* it is over, and nothing comes any more */
	enum evidence_end end;
	struct evidence_wanted wanted;
	uint64_t started_ns, ended_ns; /* worker clock; 0: not yet */
	uint64_t packets, bytes;       /* in the file */
	uint64_t lost;                 /* matched, and found no room on the way */
	uint64_t unasked;              /* the worker was too busy to ask the expression */
};

/*
 * Begin. Returns 0 and *id; -EINVAL with a sentence in `why` when the expression is
 * wrong, -ENOTSUP when it cannot be read here, -EBUSY when enough run already; -ENOMEM.
 */
int evidence_capture_start(struct evidence *e, const struct evidence_wanted *wanted,
                           uint32_t *id, char why[EVIDENCE_WHY]);

/* End it, and forget what it has. Returns 0 or -ENOENT. */
int evidence_capture_forget(struct evidence *e, uint32_t id);

/* Copy up to n, newest first. Returns how many. */
size_t evidence_capture_list(struct evidence *e, struct evidence_capture *out, size_t n);

/*
 * Copy what its file has from byte `from` on, all of it whole packets. Returns 0 and
 * *bytes, which the caller frees; -ENOENT; -ERANGE beyond the end; -ENOMEM.
 */
int evidence_capture_read(struct evidence *e, uint32_t id, uint64_t from, char **bytes,
                          size_t *len);

#endif
