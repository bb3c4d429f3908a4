/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mmdb - all networks of a MaxMind database whose country or autonomous system is wanted.
 *
 * The search tree is walked once, bit by bit. A tree of IPv6 holds IPv4 below ::/96, and
 * points to the same nodes from ::ffff:0:0/96, 2001::/32 and 2002::/16: such a second
 * way in is not taken. What lies below ::/96 or ::ffff:0:0/96 is IPv4. Every other node
 * is met once, so that a tree that runs in circles ends the walk by their number.
 *
 * Many networks share one record; what was found out about it is remembered by its
 * place in the file.
 *
 * Source  MaxMind DB file format 2.0 (maxmind.github.io/MaxMind-DB).
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "list/parts.h"

#define IPV4_DEPTH 96
#define MEMO_BITS  16 /* records that are remembered: a direct-mapped table */

struct memo {
	uint32_t offset; /* of a record, + 1; 0: empty */
	bool is_wanted;
	uint32_t want;
};

struct walk {
	struct list_reading *r;
	MMDB_s *db;
	struct list_want *want;
	size_t wants; /* 0: every network */
	struct memo *memo;
	uint64_t visited;
	uint8_t address[16]; /* of where the walk is; of an IPv4 tree too */
	bool has_country, has_as;
	bool is_shallow; /* an IPv4 tree begins at depth 96 */
};

/* --- what is wanted --- */

static int
read_wants(struct walk *w)
{
	const char *const *select = w->r->spec->select;
	size_t n = 0;

	while (select != NULL && select[n] != NULL)
		n++;
	w->want = calloc(n + 1, sizeof(*w->want));
	w->memo = calloc((size_t)1 << MEMO_BITS, sizeof(*w->memo));
	if (w->want == NULL || w->memo == NULL)
		return list_refuse(w->r, -ENOMEM, "there is no memory to read it");
	for (w->wants = 0; w->wants < n; w->wants++)
		if (!list_read_want(select[w->wants], &w->want[w->wants]))
			return list_refuse(w->r, -EINVAL,
			                   "select: \"%.40s\" is neither a country such "
			                   "as \"NL\" nor a system such as \"AS64496\"",
			                   select[w->wants]);
	return 0;
}

/* --- records --- */

/* An integer of any width, or "AS64496" or "64496". */
static bool
as_of(const MMDB_entry_data_s *d, uint64_t *as)
{
	char text[16];

	switch (d->type) {
	case MMDB_DATA_TYPE_UINT16:
		*as = d->uint16;
		return true;
	case MMDB_DATA_TYPE_UINT32:
		*as = d->uint32;
		return true;
	case MMDB_DATA_TYPE_UINT64:
		*as = d->uint64;
		return true;
	case MMDB_DATA_TYPE_UTF8_STRING:
		if (d->data_size == 0 || d->data_size >= sizeof(text))
			return false;
		memcpy(text, d->utf8_string, d->data_size);
		text[d->data_size] = '\0';
		*as = strtoull(text + (strncasecmp(text, "AS", 2) == 0 ? 2 : 0), NULL,
		               10);
		return *as != 0;
	default:
		return false;
	}
}

static bool
get(MMDB_entry_s *record, const char *const *path, MMDB_entry_data_s *d)
{
	return MMDB_aget_value(record, d, path) == MMDB_SUCCESS && d->has_data;
}

/* Where the makers of databases put it; the first that is there counts. */
static bool
country_of(MMDB_entry_s *record, char country[3])
{
	static const char *const paths[][3] = {
		{ "country", "iso_code", NULL },
		{ "country_code", NULL },
		{ "country", NULL },
		{ "registered_country", "iso_code", NULL },
	};
	MMDB_entry_data_s d;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (!get(record, paths[i], &d) || d.type != MMDB_DATA_TYPE_UTF8_STRING ||
		    d.data_size != 2)
			continue;
		country[0] = (char)toupper((unsigned char)d.utf8_string[0]);
		country[1] = (char)toupper((unsigned char)d.utf8_string[1]);
		country[2] = '\0';
		return true;
	}
	return false;
}

static bool
system_of(MMDB_entry_s *record, uint64_t *as)
{
	static const char *const paths[][2] = {
		{ "autonomous_system_number", NULL },
		{ "asn", NULL },
	};
	MMDB_entry_data_s d;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (get(record, paths[i], &d) && as_of(&d, as))
			return true;
	return false;
}

/* Which of the wanted a record is, or `wants` when it is none. */
static size_t
look(struct walk *w, MMDB_entry_s *record)
{
	char country[3] = "";
	uint64_t as = 0;
	size_t i = 0;

	if (country_of(record, country))
		w->has_country = true;
	if (system_of(record, &as))
		w->has_as = true;
	while (i < w->wants &&
	       (w->want[i].country[0] != '\0' ? strcmp(w->want[i].country, country) != 0
	                                      : as == 0 || w->want[i].as != as))
		i++;
	return i;
}

static bool
is_wanted(struct walk *w, MMDB_entry_s *record)
{
	const uint32_t spread = record->offset * UINT32_C(0x9e3779b1);
	struct memo *m = &w->memo[spread >> (32 - MEMO_BITS)];

	if (w->wants == 0)
		return true;
	if (m->offset != record->offset + 1) {
		const size_t i = look(w, record);

		*m = (struct memo){ record->offset + 1, i < w->wants, (uint32_t)i };
	}
	if (m->is_wanted)
		w->want[m->want].networks++;
	return m->is_wanted;
}

/* --- the tree --- */

static void
put_ipv4(const uint8_t address[4], unsigned int len, struct prefix *p)
{
	memset(p->address, 0, 10);
	p->address[10] = p->address[11] = 0xff;
	memcpy(p->address + 12, address, 4);
	p->len = (uint8_t)(len + IPV4_DEPTH);
}

/* One network. A leaf above ::/96 holds IPv4 and IPv6 alike. */
static int
leaf(struct walk *w, MMDB_entry_s *record, unsigned int depth)
{
	static const uint8_t low[12], mapped[12] = { [10] = 0xff, [11] = 0xff };
	const bool is_ipv4_tree = w->db->metadata.ip_version == 4;
	struct prefix p = { .len = (uint8_t)depth };
	static const uint8_t any[4];
	int rc;

	w->r->content->lines++;
	if (!is_wanted(w, record))
		return 0;
	if (is_ipv4_tree ||
	    (depth >= IPV4_DEPTH &&
	     (memcmp(w->address, low, 12) == 0 || memcmp(w->address, mapped, 12) == 0))) {
		put_ipv4(w->address + (is_ipv4_tree ? 0 : 12),
		         depth - (is_ipv4_tree ? 0 : IPV4_DEPTH), &p);
		return list_keep(w->r, &p, 0);
	}
	memcpy(p.address, w->address, sizeof(p.address));
	rc = list_keep(w->r, &p, 0);
	if (rc == 0 && depth < IPV4_DEPTH && memcmp(w->address, low, 12) == 0) {
		put_ipv4(any, 0, &p);
		rc = list_keep(w->r, &p, 0);
	}
	return rc;
}

/* A second way to the IPv4 networks, by which they are called something else. */
static bool
is_alias(const struct walk *w, uint64_t node)
{
	static const uint8_t low[16];

	return w->is_shallow && node == w->db->ipv4_start_node.node_value &&
	       memcmp(w->address, low, sizeof(low)) != 0;
}

static int walk_node(struct walk *w, uint32_t node, unsigned int depth);

static int
follow(struct walk *w, uint64_t value, uint8_t type, MMDB_entry_s *record,
       unsigned int depth)
{
	switch (type) {
	case MMDB_RECORD_TYPE_EMPTY:
		return 0;
	case MMDB_RECORD_TYPE_DATA:
		return leaf(w, record, depth);
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		return is_alias(w, value) ? 0 : walk_node(w, (uint32_t)value, depth);
	default:
		return list_refuse(w->r, -EINVAL,
		                   "the database is damaged: a record points out of the "
		                   "file; get it anew");
	}
}

/* At most 128 deep, as long as an address. */
static int
walk_node(struct walk *w, uint32_t node, unsigned int depth)
{
	const unsigned int most = w->db->metadata.ip_version == 4 ? 32 : 128;
	const uint8_t bit = (uint8_t)(0x80u >> depth % 8);
	MMDB_search_node_s n;
	int rc;

	if (depth >= most || w->visited++ > w->db->metadata.node_count)
		return list_refuse(w->r, -EINVAL,
		                   "the database is damaged: its tree has no end; get it "
		                   "anew");
	if (MMDB_read_node(w->db, node, &n) != MMDB_SUCCESS)
		return list_refuse(
			w->r, -EINVAL,
			"the database is damaged at node %" PRIu32 "; get it anew", node);
	rc = follow(w, n.left_record, n.left_record_type, &n.left_record_entry,
	            depth + 1);
	if (rc != 0)
		return rc;
	w->address[depth / 8] |= bit;
	rc = follow(w, n.right_record, n.right_record_type, &n.right_record_entry,
	            depth + 1);
	w->address[depth / 8] &= (uint8_t)~bit;
	return rc;
}

/* --- the whole --- */

/* What was asked for and is nowhere in it is most likely a slip. */
static int
check_found(struct walk *w)
{
	const char *type = w->db->metadata.database_type;
	char shown[LIST_SHOWN];
	bool wants_country = false, wants_as = false;

	list_shown(type, strlen(type), shown);
	for (size_t i = 0; i < w->wants; i++) {
		const bool is_country = w->want[i].country[0] != '\0';

		wants_country |= is_country;
		wants_as |= !is_country;
	}
	if (wants_country && !w->has_country && w->r->content->lines > 0)
		return list_refuse(w->r, -EINVAL,
		                   "this database (%s) tells no countries, and select "
		                   "names some",
		                   shown);
	if (wants_as && !w->has_as && w->r->content->lines > 0)
		return list_refuse(w->r, -EINVAL,
		                   "this database (%s) tells no autonomous systems, and "
		                   "select names some",
		                   shown);
	for (size_t i = 0; i < w->wants; i++)
		if (w->want[i].networks == 0)
			list_warn(w->r, "select: no network of \"%.40s\" is in it",
			          w->r->spec->select[i]);
	return 0;
}

static int
walk_all(struct walk *w)
{
	const unsigned int version = w->db->metadata.ip_version;

	if (version != 4 && version != 6)
		return list_refuse(w->r, -EINVAL,
		                   "the database is of IP version %u, which there is not",
		                   version);
	w->is_shallow = version == 6 && w->db->ipv4_start_node.netmask == IPV4_DEPTH;
	/* The root is a node like all others; a database of no nodes has no networks. */
	return w->db->metadata.node_count == 0 ? 0 : walk_node(w, 0, 0);
}

/* An empty or unreadable file is the library's to refuse. */
static bool
fits(int fd)
{
	struct stat st;
	void *file;
	bool ok;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return true;
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		return true;
	ok = list_mmdb_fits(file, (size_t)st.st_size);
	munmap(file, (size_t)st.st_size);
	return ok;
}

int
list_mmdb(struct list_reading *r, int fd)
{
	struct walk w = { .r = r };
	char path[32];
	MMDB_s db;
	int rc;

	if (!fits(fd))
		return list_refuse(r, -EINVAL,
		                   "this is no MaxMind database, or it is torn (its tree "
		                   "does not end in the file); get it anew");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = MMDB_open(path, MMDB_MODE_MMAP, &db);
	if (rc != MMDB_SUCCESS)
		return list_refuse(r, rc == MMDB_OUT_OF_MEMORY_ERROR ? -ENOMEM : -EINVAL,
		                   "this is no MaxMind database, or it is torn (%s); get "
		                   "it anew",
		                   MMDB_strerror(rc));
	w.db = &db;
	rc = read_wants(&w);
	if (rc == 0)
		rc = walk_all(&w);
	if (rc == 0)
		rc = check_found(&w);
	free(w.want);
	free(w.memo);
	MMDB_close(&db);
	return rc;
}
