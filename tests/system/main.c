/*
 * Runs all system suites, or those named as arguments.
 *
 *	BATON              the daemon (else: the one beside this program)
 *	BATON_TEST_FACTOR  how many times more patience (else: 1, or 5 when
 *	                   sanitized)
 *	CK_RUN_CASE, CK_VERBOSITY, CK_FORK: as Check has them
 *
 * What failing tests leave (conf, logs) stays in a folder that is named.
 */

#include "tests/system/system.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SUITES_MAX 256
#define TEST_SECONDS 40.0

/*
 * AddressSanitizer asks it, where it is there.  Check frees what it was told of
 * each assertion of a test; kept for a while as usual that is hundreds of MB in
 * the end, through which each test's process would be searched for leaks.  The
 * daemon has a memory of its own, and keeps as much as it likes.
 */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "quarantine_size_mb=1";
}

static struct {
	const char *name;
	bt_system_fill_fn *fill;
} suites[SUITES_MAX];
static unsigned suites_n;

void
bt_system_register(const char *name, bt_system_fill_fn *fill)
{
	if (suites_n == SUITES_MAX)
		abort();
	suites[suites_n].name = name;
	suites[suites_n++].fill = fill;
}

/*
 * In each test's process.  Whoever is orphaned below becomes our child, so that
 * nothing a daemon leaves behind goes unseen.
 */
static void
begin_test(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
}

TCase *
bt_system_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, TEST_SECONDS * wait_factor());
	tcase_add_checked_fixture(tc, begin_test, scratch_remove);
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
	const char *folder = scratch_root_make();
	int failed, run;

	setvbuf(stdout, NULL, _IOLBF, 0);
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
	if (rmdir(folder) == -1)
		printf("what the failed tests left: %s\n", folder);
	scratch_root_free();
	return failed > 0 || run == 0;
}
