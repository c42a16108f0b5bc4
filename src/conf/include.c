/*
 * Files of a conf: reading one whole, and `include` with its patterns.  Paths
 * are relative to the folder of the file that includes, so that a folder of
 * confs can be moved.  Runs in the master, or in `baton -t`.
 */

#include "base/fd.h"
#include "conf/tree.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 16, FILES_MAX = 1000 };

/* Reads what `fd` has, up to the bound. */
static int
read_all(int fd, struct bt_buf *out)
{
	for (;;) {
		ssize_t n = read(fd, bt_buf_reserve(out, 16384), 16384);

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		out->len += (size_t)n;
		if (out->len > BT_CONF_FILE_MAX)
			return -EFBIG;
	}
}

static const char *
folder_of(struct bt_arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct bt_str folder = { path,
		slash ? (size_t)(slash - path) + (slash == path) : 0 };

	return slash ? bt_arena_copy(a, folder).p : ".";
}

static struct bt_source *
source_new(struct bt_report *report, const char *name, struct bt_str text)
{
	struct bt_source *s = bt_arena_zero(&report->scratch, sizeof(*s));

	s->name = bt_arena_strdup(&report->scratch, name);
	s->text = bt_arena_copy(&report->scratch, text);
	s->order = report->sources_n++;
	return s;
}

const struct bt_source *
bt_source_of(struct bt_report *report, const char *name, struct bt_str text)
{
	return source_new(report, name, text);
}

int
bt_source_open(struct bt_report *report, const char *path,
    const struct bt_source *parent, const struct bt_source **ret)
{
	struct bt_buf text = { 0 };
	struct bt_source *s;
	struct stat st;
	int fd, r;

	/* `-c` may name a pipe; an include must not wait for one */
	fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (parent ? O_NONBLOCK : 0));
	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == -1)
		r = -errno;
	else if (parent != NULL && !S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
	else
		r = read_all(fd, &text);
	bt_fd_close(&fd);
	if (r == 0) {
		s = source_new(report, path, bt_buf_str(&text));
		s->parent = parent;
		s->folder = folder_of(&report->scratch, path);
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		*ret = s;
	}
	bt_buf_fini(&text);
	return r;
}

static unsigned
depth_of(const struct bt_source *s)
{
	unsigned depth = 0;

	for (; s != NULL; s = s->parent)
		depth++;
	return depth;
}

static bool
includes_itself(const struct bt_source *s)
{
	assert(s != NULL);
	for (const struct bt_source *p = s->parent; p != NULL; p = p->parent)
		if (p->ino == s->ino && p->dev == s->dev)
			return true;
	return false;
}

static void
include_file(struct bt_tree *t, const struct bt_node *include, const char *path)
{
	const struct bt_token *word = &include->words[1];
	const char *name = bt_report_quote(t->report, bt_str_of(path));
	const struct bt_source *source = NULL;
	int r;

	if (depth_of(include->source) > DEPTH_MAX) {
		bt_report_add(t->report, include->source, word->begin,
		    "includes are nested deeper than %d files", DEPTH_MAX);
		return;
	}
	if (t->report->sources_n > FILES_MAX) {
		bt_report_add(t->report, include->source, word->begin,
		    "more than %d files are included", FILES_MAX);
		return;
	}
	r = bt_source_open(t->report, path, include->source, &source);
	if (r < 0)
		bt_report_add(t->report, include->source, word->begin,
		    "cannot read %s: %s", name, strerror(-r));
	else if (includes_itself(source))
		bt_report_add(t->report, include->source, word->begin,
		    "%s includes itself", name);
	else
		bt_tree_read(t, source, include->parent);
}

/* The folder of a relative path; what glob(3) would read is escaped. */
static void
append_folder(struct bt_buf *out, const char *folder, bool escape)
{
	for (; *folder; folder++) {
		if (escape && strchr("*?[\\", *folder))
			bt_buf_putc(out, '\\');
		bt_buf_putc(out, *folder);
	}
	if (out->len > 0 && out->data[out->len - 1] != '/')
		bt_buf_putc(out, '/');
}

/* A folder that is not there matches nothing; one we may not read is wrong. */
static int
on_glob_error(const char *path, int err)
{
	return err != ENOENT && err != ENOTDIR;
}

static void
include_pattern(
    struct bt_tree *t, const struct bt_node *include, const char *pattern)
{
	const struct bt_token *word = &include->words[1];
	glob_t found = { 0 };
	int r;

	errno = 0;
	r = glob(pattern, 0, on_glob_error, &found);
	if (r != 0 && r != GLOB_NOMATCH)
		bt_report_add(t->report, include->source, word->begin,
		    "cannot read the folder of %s: %s",
		    bt_report_quote(t->report, word->text),
		    r == GLOB_NOSPACE ? strerror(ENOMEM)
			: errno       ? strerror(errno)
				      : "a folder cannot be read");
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
		include_file(t, include, found.gl_pathv[i]);
	globfree(&found);
}

/* Says what is wrong with the statement itself. */
static bool
check_include(struct bt_tree *t, const struct bt_node *n)
{
	if (n->words_n < 2 || n->words[1].text.n == 0)
		bt_report_add(t->report, n->source,
		    n->words_n < 2 ? n->end : n->words[1].begin,
		    "the name of a file or a pattern is missing");
	else if (n->words_n > 2)
		bt_report_add(t->report, n->source, n->words[2].begin,
		    "include takes one name or pattern; is a \";\" missing?");
	else if (n->source->folder == NULL)
		bt_report_add(t->report, n->source, n->words[0].begin,
		    "include stands only in files; this text is not in one");
	else
		return true;
	return false;
}

void
bt_include_expand(struct bt_tree *t, const struct bt_node *n)
{
	struct bt_buf path = { 0 };
	const char *word;
	bool pattern;

	if (!check_include(t, n))
		return;
	word = bt_arena_copy(&t->report->scratch, n->words[1].text).p;
	pattern = strpbrk(word, "*?[") != NULL;
	if (word[0] != '/' && strcmp(n->source->folder, ".") != 0)
		append_folder(&path, n->source->folder, pattern);
	bt_buf_puts(&path, word);
	if (pattern)
		include_pattern(t, n, path.data);
	else
		include_file(t, n, path.data);
	bt_buf_fini(&path);
}
