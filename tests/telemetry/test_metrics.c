/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/telemetry.h"

#include <ctype.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "telemetry/by_hand.h"

static struct box *box;
static struct telemetry *t;

static char *
busy_metrics(void)
{
	char *text;

	box = hand_open();
	t = telemetry_open(box);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	box->worker[0].books[0][0].received_packets = 42;
	box->worker[1].pipeline->books.decided[stage_count][STAGE_IO_TX_FULL] = 5;
	box->worker[1].pipeline->service_reasons[pipeline_reasons() * 2 - 1] = 3;
	hand_flood(box, 10000, 500);
	box->last_reload_unix_ns = (uint64_t)UNIX_NS;
	text = telemetry_metrics(t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	return text;
}

static void
end(char *text)
{
	free(text);
	telemetry_close(t);
	hand_close(box);
}

static void
counters_stand_under_their_names(void)
{
	static const char *const lines[] = {
		"tidegate_build_info{version=\"0.1.0\",dpdk_version=\"DPDK "
		"22.11.3\",revision=\"c0ffee\"} 1\n",
		"tidegate_port_received_packets_total{link=\"uplink\",side=\"external\"} "
		"42\n",
		"tidegate_port_missed_packets_total{link=\"uplink\",side=\"external\"} "
		"7\n",
		"tidegate_reason_packets_total{stage=\"io\",reason=\"io.tx_full\","
		"class=\"drop\"} 5\n",
		"tidegate_received_packets_total{service=\"shop\"} 5000\n",
		"tidegate_vector_packets_total{service=\"shop\",vector=\"udp_flood\"} "
		"5000\n",
		"tidegate_vector_threshold_packets_per_second{service=\"shop\","
		"vector=\"udp_flood\",level=\"activate\"} 1000\n",
		"tidegate_attacks_active{service=\"shop\",vector=\"udp_flood\"} 1\n",
		"tidegate_attacks_total{service=\"shop\",vector=\"udp_flood\"} 1\n",
		"tidegate_countermeasure_active{service=\"shop\",vector=\"udp_flood\","
		"countermeasure=\"police\"} 1\n",
		"tidegate_detection_delay_seconds_count 1\n",
		"tidegate_mode{service=\"shop\",mode=\"mitigate\"} 1\n",
		"tidegate_config_last_reload_successful 1\n",
		"tidegate_start_timestamp_seconds 1795300200\n",
		"tidegate_mempool_capacity_buffers{pool=\"uplink\"} 4096\n",
		"tidegate_mempool_buffers_in_use{pool=\"uplink\"} 100\n",
		"tidegate_config_info{sha256=\"0f3a\"} 1\n",
	};
	char *text = busy_metrics();

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, lines[i]));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "tidegate_dropped_packets_total{service=\"shop\""));
	end(text);
}

static void
label_values_are_escaped(void)
{
	char *text = busy_metrics();

	CU_ASSERT_PTR_NOT_NULL(strstr(text, "{service=\"ga\\\"me\"}"));
	end(text);
}

static void
every_family_is_told_once_and_has_help_and_type(void)
{
	char *text = busy_metrics(), *line, *save = NULL, name[128] = "";
	unsigned int families = 0, samples = 0;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP tidegate_", 16) == 0) {
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(line + 7, " "),
			         line + 7);
			families++;
			line = strtok_r(NULL, "\n", &save);
			CU_ASSERT_PTR_NOT_NULL_FATAL(line);
			CU_ASSERT_EQUAL(strncmp(line, "# TYPE ", 7), 0);
			CU_ASSERT_EQUAL(strncmp(line + 7, name, strlen(name)), 0);
			continue;
		}
		CU_ASSERT_EQUAL(strncmp(line, name, strlen(name)), 0);
		/* A histogram's samples have names of their own. */
		CU_ASSERT_PTR_NOT_NULL(strchr("{ _", line[strlen(name)]));
		samples++;
	}
	CU_ASSERT(families > 30 && samples > 50);
	end(text);
}

/* Every help text is a sentence: a capital or a number first, a full stop last. */
static void
help_texts_are_sentences(void)
{
	char *text = busy_metrics(), *line, *save = NULL;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *help =
			strncmp(line, "# HELP ", 7) == 0 ? strchr(line + 7, ' ') : NULL;

		if (help == NULL)
			continue;
		CU_ASSERT_TRUE(isupper((unsigned char)help[1]) ||
		               isdigit((unsigned char)help[1]));
		CU_ASSERT_EQUAL(line[strlen(line) - 1], '.');
		CU_ASSERT(strlen(help) > 20);
	}
	end(text);
}

/* The whole page beside the code; free() it. */
static char *
read_page(void)
{
	FILE *f = fopen(METRICS_PAGE, "r");
	char *text = NULL;
	size_t room = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(getdelim(&text, &room, '\0', f) > 1000);
	fclose(f);
	return text;
}

static void
every_family_stands_in_the_page(void)
{
	char *text = busy_metrics(), *page = read_page();
	unsigned int n = 0;

	for (const char *at = text; (at = strstr(at, "# TYPE tidegate_")) != NULL; n++) {
		char name[128];

		at += strlen("# TYPE tidegate_");
		snprintf(name, sizeof(name), "`%.*s`", (int)strcspn(at, " "), at);
		if (strstr(page, name) == NULL)
			printf("\n(%s is not explained)", name);
		CU_ASSERT_PTR_NOT_NULL(strstr(page, name));
	}
	CU_ASSERT(n > 60);
	free(page);
	end(text);
}

/* The other way round: the first column of every table. */
static void
everything_in_the_page_is_exported(void)
{
	char *text = busy_metrics(), *page = read_page(), *save = NULL;
	unsigned int n = 0;

	for (char *line = strtok_r(page, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		char *first, *more = NULL;

		if (strncmp(line, "| `", 3) != 0)
			continue;
		line[1 + strcspn(line + 1, "|")] = '\0';
		for (first = strtok_r(line, " |,`", &more); first != NULL;
		     first = strtok_r(NULL, " |,`", &more), n++) {
			char type[160];

			snprintf(type, sizeof(type), "# TYPE tidegate_%s ", first);
			if (strstr(text, type) == NULL)
				printf("\n(%s is not exported)", first);
			CU_ASSERT_PTR_NOT_NULL(strstr(text, type));
		}
	}
	CU_ASSERT(n > 60);
	free(page);
	end(text);
}

/* Where the tool is missing the test above is all there is, and it says so. */
static void
promtool_finds_nothing_to_complain_about(void)
{
	char *text;
	FILE *tool;

	if (system("command -v promtool >/dev/null 2>&1") != 0) {
		puts("(promtool is not installed: not compared)");
		return;
	}
	text = busy_metrics();
	tool = popen("promtool check metrics", "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(tool);
	fputs(text, tool);
	CU_ASSERT_EQUAL(pclose(tool), 0);
	end(text);
}

SUITE_MAIN("telemetry/metrics", TEST(counters_stand_under_their_names),
           TEST(label_values_are_escaped),
           TEST(every_family_is_told_once_and_has_help_and_type),
           TEST(help_texts_are_sentences), TEST(every_family_stands_in_the_page),
           TEST(everything_in_the_page_is_exported),
           TEST(promtool_finds_nothing_to_complain_about))
