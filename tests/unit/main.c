/*
 * Runs all unit suites that are linked in; with arguments, those named.
 */

#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SUITES_MAX 256

static struct {
	const char *name;
	bt_unit_fill_fn *fill;
} suites[SUITES_MAX];
static unsigned suites_n;

void
bt_unit_register(const char *name, bt_unit_fill_fn *fill)
{
	if (suites_n == SUITES_MAX)
		abort();
	suites[suites_n].name = name;
	suites[suites_n++].fill = fill;
}

TCase *
bt_unit_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	suite_add_tcase(s, tc);
	return tc;
}

static int
wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc == 1;
}

int
main(int argc, char **argv)
{
	SRunner *runner = srunner_create(NULL);
	int failed, run;

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < suites_n; i++) {
		Suite *s;

		if (!wanted(suites[i].name, argc, argv))
			continue;
		s = suite_create(suites[i].name);
		suites[i].fill(s);
		srunner_add_suite(runner, s);
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	run = srunner_ntests_run(runner);
	srunner_free(runner);
	return failed > 0 || run == 0;
}
