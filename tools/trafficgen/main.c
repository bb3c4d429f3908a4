/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trafficgen - customers and floods, as captures or on a wire; and a wire that
 * misbehaves.
 */
#include <string.h>

#include "args.h"
#include "spec.h"
#include "verbs.h"

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} verbs[] = { { "write", write_main },
		      { "send", send_main },
		      { "relay", relay_main },
		      { "slow", slow_main } };

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		help_print();
		return STATUS_OK;
	}
	if (argc > 1 && strcmp(argv[1], "--list-vectors") == 0) {
		spec_print_vectors(stdout);
		return STATUS_OK;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	}
	if (argc > 1)
		complain("unknown verb '%s'; known are write, send, relay, slow (see "
		         "--help)",
		         argv[1]);
	else
		complain("no verb; known are write, send, relay, slow (see --help)");
	return STATUS_USAGE;
}
