/* src/conf/include.c: files that name files, in a folder of their own. */

#include "conf/conf.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void
set_up(void)
{
	/* what glob(3) would read in a name must not matter */
	strcpy(folder, "/tmp/baton-conf[x]-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int
on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void
tear_down(void)
{
	ck_assert_int_eq(nftw(folder, on_file, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static const char *
path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static struct bt_conf *
read_main(void)
{
	struct bt_buf errors = { 0 };
	struct bt_conf *c = NULL;

	ck_assert_msg(bt_conf_read(path_of("main.conf"), &c, &errors) == 0,
	    "%s", errors.data);
	bt_buf_fini(&errors);
	return c;
}

/* Exactly `n` errors, and the text is among them. */
static void
expect_error(int r, unsigned n, const char *text)
{
	struct bt_buf errors = { 0 };
	struct bt_conf *c = NULL;
	unsigned carets = 0;

	ck_assert_int_eq(bt_conf_read(path_of("main.conf"), &c, &errors), r);
	ck_assert_ptr_null(c);
	ck_assert_msg(strstr(errors.data, text) != NULL, "%s", errors.data);
	for (const char *p = errors.data; (p = strstr(p, "^\n")); p++)
		carets++;
	ck_assert_msg(carets == n, "%s", errors.data);
	bt_buf_fini(&errors);
}

START_TEST(files_are_read_in_their_place)
{
	struct bt_conf *c;

	ck_assert_int_eq(mkdir(path_of("sites"), 0755), 0);
	put("main.conf", "include sites/*.conf; include one.conf;");
	put("sites/b.conf", "server { listen 2; route / { echo; } }");
	put("sites/a.conf", "server { listen 1; include ../routes.inc; }");
	put("sites/c.conf~", "not a conf");
	put("one.conf", "server { listen 3; route / { echo; } }");
	put("routes.inc", "route /x { include handler.inc; }");
	put("handler.inc", "return 200;");
	c = read_main();
	ck_assert_uint_eq(c->servers_n, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(bt_addr_port(&c->listens[i].addr), i + 1);
	ck_assert_int_eq(c->servers[0].routes[0].handler, BT_HANDLER_RETURN);
	ck_assert_ptr_nonnull(strstr(c->servers[0].file, "sites/a.conf"));
	ck_assert_ptr_nonnull(
	    strstr(c->servers[0].routes[0].file, "routes.inc"));
	bt_conf_free(c);
}
END_TEST

START_TEST(pattern_may_match_nothing)
{
	put("main.conf",
	    "include none/*.conf; include *.none;"
	    "server { route / { echo; } }");
	bt_conf_free(read_main());
}
END_TEST

START_TEST(absolute_paths_are_kept)
{
	char text[512];

	put("a.conf", "server { route / { echo; } }");
	snprintf(text, sizeof(text), "include '%s';", path_of("a.conf"));
	/* the folder's name has a bracket, so this is a pattern */
	put("main.conf", text);
	expect_error(-EINVAL, 1, "there is no server");
	put("main.conf", "include a.conf;");
	bt_conf_free(read_main());
}
END_TEST

START_TEST(missing_file)
{
	put("main.conf", "include no.conf;\nserver { route / { echo; } }");
	expect_error(-EINVAL, 1, "main.conf:1:9: cannot read ");
	expect_error(-EINVAL, 1, "no.conf\": No such file or directory");
}
END_TEST

START_TEST(missing_main_file)
{
	expect_error(-ENOENT, 0,
	    "main.conf: cannot read the conf: No such file or directory\n");
}
END_TEST

START_TEST(folder_in_place_of_a_file)
{
	ck_assert_int_eq(mkdir(path_of("d"), 0755), 0);
	put("main.conf", "include d;\nserver { route / { echo; } }");
	expect_error(-EINVAL, 1, "Is a directory");
}
END_TEST

START_TEST(pipe_does_not_block)
{
	ck_assert_int_eq(mkfifo(path_of("pipe"), 0644), 0);
	put("main.conf", "include pipe;\nserver { route / { echo; } }");
	expect_error(-EINVAL, 1, "main.conf:1:9: cannot read ");
}
END_TEST

START_TEST(file_that_includes_itself)
{
	put("main.conf", "include a.conf; server { route / { echo; } }");
	put("a.conf", "include *.conf;");
	expect_error(-EINVAL, 1, "includes itself");
}
END_TEST

START_TEST(nested_too_deep)
{
	char name[32], text[64];

	put("main.conf", "include 0.conf;");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%d.conf", i);
		snprintf(text, sizeof(text), "include %d.conf;", i + 1);
		put(name, text);
	}
	put("20.conf", "server { route / { echo; } }");
	expect_error(-EINVAL, 1, "15.conf:1:9: includes are nested deeper");
}
END_TEST

START_TEST(errors_name_their_file)
{
	put("main.conf", "frob;\ninclude a.conf;\nworkers 0;");
	put("a.conf", "server {\n\troute / { ech; }\n}\n");
	expect_error(-EINVAL, 3,
	    "a.conf:2:12: unknown directive \"ech\", did you mean "
	    "\"echo\"?\n    \troute / { ech; }\n    \t          ^\n");
	expect_error(-EINVAL, 3, "main.conf:3:9: workers must be");
}
END_TEST

START_TEST(blocks_end_in_their_file)
{
	put("main.conf", "include a.conf; }");
	put("a.conf", "server { route / { echo; }");
	expect_error(-EINVAL, 2, "a.conf:1:8: this { is never closed");
	expect_error(-EINVAL, 2, "main.conf:1:17: unexpected \"}\"");
}
END_TEST

START_TEST(misplaced_and_malformed)
{
	put("main.conf",
	    "include;\ninclude a b;\ninclude '';\n"
	    "include x { }\nserver { route / { echo; } }");
	expect_error(-EINVAL, 4, "main.conf:1:8: the name of a file");
	expect_error(-EINVAL, 4, "main.conf:2:11: include takes one");
	expect_error(-EINVAL, 4, "main.conf:4:11: include has no block");
}
END_TEST

START_TEST(texts_include_nothing)
{
	struct bt_buf errors = { 0 };
	struct bt_conf *c = NULL;

	ck_assert_int_eq(
	    bt_conf_parse(BT_STR("include /etc/hostname;"), "t", &c, &errors),
	    -EINVAL);
	ck_assert_msg(bt_str_has_prefix(bt_buf_str(&errors),
			  BT_STR("t:1:1: include stands only in files")),
	    "%s", errors.data);
	bt_buf_fini(&errors);
}
END_TEST

BT_UNIT_SUITE(conf_include)
{
	TCase *tc = bt_unit_case(s, "include");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, files_are_read_in_their_place);
	tcase_add_test(tc, pattern_may_match_nothing);
	tcase_add_test(tc, absolute_paths_are_kept);
	tcase_add_test(tc, missing_file);
	tcase_add_test(tc, missing_main_file);
	tcase_add_test(tc, folder_in_place_of_a_file);
	tcase_add_test(tc, pipe_does_not_block);
	tcase_add_test(tc, file_that_includes_itself);
	tcase_add_test(tc, nested_too_deep);
	tcase_add_test(tc, errors_name_their_file);
	tcase_add_test(tc, blocks_end_in_their_file);
	tcase_add_test(tc, misplaced_and_malformed);
	tcase_add_test(tc, texts_include_nothing);
}
