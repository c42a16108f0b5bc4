/*
 * Reading a conf, from end to end: source, tree, conf.  Runs in the master, or
 * in `baton -t`; in a worker the conf is only looked at.
 */

#include "conf/conf.h"

#include "base/mem.h"
#include "conf/build.h"
#include "conf/values.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

void
bt_conf_free(struct bt_conf *conf)
{
	struct bt_arena arena;

	if (conf == NULL)
		return;
	for (struct bt_conf_app *a = conf->apps; a != NULL; a = a->next)
		if (a->unload != NULL)
			a->unload(a->loaded);
	if (conf->unload != NULL)
		conf->unload(conf->loaded);
	arena = conf->arena; /* the conf itself is not in it */
	bt_arena_fini(&arena);
	free(conf);
}

static struct bt_conf *
conf_new(const char *file)
{
	struct bt_conf *conf = bt_mem_zero(1, sizeof(*conf));

	conf->file = bt_arena_strdup(&conf->arena, file);
	return conf;
}

/* With errors there is a conf only where `usable` says so. */
static int
read_source(struct bt_report *report, const struct bt_source *source,
    bool (*usable)(const struct bt_conf *), struct bt_conf **ret,
    struct bt_buf *errors)
{
	struct bt_conf *conf = conf_new(source->name);
	struct bt_build build = { .report = report, .conf = conf };
	struct bt_tree tree;

	bt_tree_init(&tree, report);
	bt_tree_read(&tree, source, &tree.root);
	bt_build_run(&build, &tree, source);
	if (bt_report_count(report) > 0) {
		bt_report_format(report, errors);
		if (usable == NULL || !usable(conf)) {
			bt_conf_free(conf);
			return -EINVAL;
		}
	}
	*ret = conf;
	return 0;
}

static int
read_file(const char *path, bool (*usable)(const struct bt_conf *),
    struct bt_conf **ret, struct bt_buf *errors)
{
	struct bt_report report = { 0 };
	const struct bt_source *source;
	int r = bt_source_open(&report, path, NULL, &source);

	if (r < 0)
		bt_buf_printf(errors, "%s: cannot read the conf: %s\n", path,
		    strerror(-r));
	else
		r = read_source(&report, source, usable, ret, errors);
	bt_report_fini(&report);
	return r;
}

int
bt_conf_read(const char *path, struct bt_conf **ret, struct bt_buf *errors)
{
	return read_file(path, NULL, ret, errors);
}

static bool
has_control_socket(const struct bt_conf *conf)
{
	return conf->control != NULL;
}

int
bt_conf_read_to_ask(
    const char *path, struct bt_conf **ret, struct bt_buf *errors)
{
	return read_file(path, has_control_socket, ret, errors);
}

int
bt_conf_parse(struct bt_str text, const char *name, struct bt_conf **ret,
    struct bt_buf *errors)
{
	struct bt_report report = { 0 };
	int r = read_source(
	    &report, bt_source_of(&report, name, text), NULL, ret, errors);

	bt_report_fini(&report);
	return r;
}

/* The folder with an absolute name; it must be there: it is served now. */
static int
resolve_folder(const char *path, char ret[static PATH_MAX])
{
	struct stat st;

	if (realpath(path, ret) == NULL || stat(ret, &st) == -1)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int
bt_conf_quick(const char *listen, const char *root, struct bt_conf **ret,
    struct bt_buf *errors)
{
	struct bt_buf text = { 0 };
	char folder[PATH_MAX];
	const char *why = NULL;
	struct bt_addr addr;
	int r;

	if (bt_addr_parse(bt_str_of(listen), &addr, &why) < 0) {
		bt_buf_printf(errors, "baton: -l %s: %s\n", listen, why);
		return -EINVAL;
	}
	r = resolve_folder(root, folder);
	if (r < 0) {
		bt_buf_printf(errors, "baton: -r %s: %s\n", root, strerror(-r));
		return r;
	}
	bt_buf_puts(&text, "user off; server { listen ");
	bt_value_append_word(&text, bt_str_of(listen));
	bt_buf_puts(&text, "; route / { root ");
	bt_value_append_word(&text, bt_str_of(folder));
	bt_buf_puts(&text, "; } }\n");
	r = bt_conf_parse(bt_buf_str(&text), "-l -r", ret, errors);
	if (r == 0)
		(*ret)->file = NULL;
	bt_buf_fini(&text);
	return r;
}
