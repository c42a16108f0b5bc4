/*
 * Logs: where they go, and what their lines look like.  Runs in the master, or
 * in `baton -t`.
 */

#include "conf/build.h"

#include <limits.h>

/* What nginx calls so, and one that programs read. */
static const struct {
	const char *name;
	bool json;
	const char *text;
} built_in[] = {
	{ "combined", false,
	    "$remote_addr - $remote_user [$time_local] \"$request\" $status "
	    "$body_bytes_sent \"$http_referer\" \"$http_user_agent\"" },
	{ "common", false,
	    "$remote_addr - $remote_user [$time_local] \"$request\" $status "
	    "$body_bytes_sent" },
	{ "json", true,
	    "{\"time\":\"$time_iso8601\",\"msec\":$msec,"
	    "\"remote_addr\":\"$remote_addr\",\"remote_user\":\"$remote_user\","
	    "\"scheme\":\"$scheme\",\"host\":\"$host\","
	    "\"method\":\"$method\",\"uri\":\"$request_uri\","
	    "\"protocol\":\"$protocol\",\"status\":$status,"
	    "\"bytes_sent\":$bytes_sent,\"body_bytes_sent\":$body_bytes_sent,"
	    "\"request_time\":$request_time,\"referer\":\"$http_referer\","
	    "\"user_agent\":\"$http_user_agent\",\"server\":\"$server_name\","
	    "\"route\":\"$route\",\"connection\":$connection,"
	    "\"connection_requests\":$connection_requests,"
	    "\"worker\":$worker,\"request_id\":\"$request_id\"}" },
};

enum { BUILT_IN = sizeof(built_in) / sizeof(built_in[0]) };

/* stderr, syslog, syslog:PATH, or a path. */
static bool
check_error_log(struct bt_build *b, const struct bt_node *n)
{
	const struct bt_str syslog = BT_STR("syslog:");
	struct bt_str word = n->words[1].text;

	if (bt_str_equal(word, BT_STR("stderr")) ||
	    bt_str_equal(word, BT_STR("syslog")))
		return true;
	if (!bt_str_has_prefix(word, syslog))
		return bt_build_check_path(b, n, 1, PATH_MAX - 1);
	if (word.n > syslog.n && word.p[syslog.n] == '/' &&
	    word.n - syslog.n <= BT_CONF_UNIX_PATH_MAX)
		return true;
	bt_build_error(b, n, 1,
	    "syslog: is followed by the path of a socket, of at most %d bytes",
	    BT_CONF_UNIX_PATH_MAX);
	return false;
}

void
bt_set_error_log(struct bt_build *b, const struct bt_node *n)
{
	unsigned level = BT_LOG_INFO;

	if (bt_str_equal(n->words[1].text, BT_STR("off"))) {
		bt_build_error(b, n, 1,
		    "error_log cannot be turned off, only be made quiet: "
		    "stderr error");
		return;
	}
	if (!bt_build_find_word(
		b, n, 2, "level", bt_log_level_names, BT_LOG_LEVELS, &level))
		return;
	if (!check_error_log(b, n))
		return;
	b->conf->error_log = bt_build_copy(b, n->words[1].text).p;
	b->conf->error_log_level = (enum bt_log_level)level;
}

/* --- formats --- */

/* Memory for all formats, with those that are always there in front. */
static void
make_formats(struct bt_build *b)
{
	struct bt_conf *conf = b->conf;
	size_t n = bt_build_count(b->root, "log_format", false);
	char why[1];

	conf->formats =
	    bt_build_array(b, BUILT_IN + n, sizeof(conf->formats[0]));
	for (size_t i = 0; i < BUILT_IN; i++) {
		struct bt_conf_format *f = &conf->formats[i];

		f->name = bt_str_of(built_in[i].name);
		f->json = built_in[i].json;
		f->built_in = true;
		bt_template_parse(bt_str_of(built_in[i].text), &conf->arena,
		    &f->template, why, sizeof(why));
	}
	conf->formats_n = BUILT_IN;
}

static const struct bt_conf_format *
find_format(const struct bt_conf *conf, struct bt_str name)
{
	for (size_t i = 0; i < conf->formats_n; i++)
		if (bt_str_equal(conf->formats[i].name, name))
			return &conf->formats[i];
	return NULL;
}

/* nginx's escape=json and escape=default; where the text begins. */
static unsigned
take_escape(struct bt_build *b, const struct bt_node *n, bool *ret_json)
{
	static const char *const words[] = { "escape=default", "escape=json" };
	unsigned choice = 0;

	if (!bt_str_has_prefix(n->words[2].text, BT_STR("escape=")))
		return 2;
	if (!bt_build_find_word(b, n, 2, "option", words, 2, &choice))
		return 0;
	if (n->words_n > 3) {
		*ret_json = choice == 1;
		return 3;
	}
	bt_build_error(
	    b, n, 2, "%s is not followed by a text", bt_build_quote(b, n, 2));
	return 0;
}

/* The words behind each other, as nginx takes them. */
static bool
join_words(struct bt_build *b, const struct bt_node *n, unsigned from,
    struct bt_str *ret)
{
	struct bt_str text = BT_STR_NONE;

	for (unsigned i = from; i < n->words_n; i++) {
		if (n->words[i].dollar) {
			bt_build_error(b, n, i, "a format has no \\$");
			return false;
		}
		text = bt_arena_printf(&b->report->scratch, "%.*s%.*s",
		    BT_STR_ARG(text), BT_STR_ARG(n->words[i].text));
	}
	*ret = text;
	return true;
}

/* What is in every line whatever the values are must fit into one. */
static bool
check_text(struct bt_build *b, const struct bt_node *n, unsigned i,
    const struct bt_template *t)
{
	size_t bytes = 0;

	for (size_t p = 0; p < t->n; p++) {
		bytes +=
		    t->pieces[p].var == BT_VAR_TEXT ? t->pieces[p].text.n : 0;
		if (t->pieces[p].var == BT_VAR_TEXT &&
		    memchr(t->pieces[p].text.p, '\n', t->pieces[p].text.n)) {
			bt_build_error(
			    b, n, i, "a format is one line, it has no \\n");
			return false;
		}
	}
	if (bytes + t->n <= BT_CONF_FORMAT_BYTES_MAX)
		return true;
	bt_build_error(b, n, i,
	    "the text between the variables has more than %d bytes",
	    BT_CONF_FORMAT_BYTES_MAX);
	return false;
}

void
bt_set_log_format(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_format *f, format = { .name = n->words[1].text };
	unsigned from = take_escape(b, n, &format.json);
	struct bt_str text;
	char why[160];

	if (from == 0 || !join_words(b, n, from, &text))
		return;
	if (b->conf->formats == NULL)
		make_formats(b);
	if (find_format(b->conf, format.name) != NULL)
		bt_build_error(b, n, 1, "there is a format %s already",
		    bt_build_quote(b, n, 1));
	else if (bt_template_parse(text, &b->conf->arena, &format.template, why,
		     sizeof(why)) < 0)
		bt_build_error(b, n, from, "%s", why);
	else if (check_text(b, n, from, &format.template)) {
		format.name = bt_build_copy(b, format.name);
		f = &b->conf->formats[b->conf->formats_n++];
		*f = format;
	}
}

/* --- access logs --- */

static bool
is_stream(struct bt_str word)
{
	return bt_str_equal(word, BT_STR("stdout")) ||
	    bt_str_equal(word, BT_STR("stderr"));
}

/* Which of the conf's files it is: the same path is the same file. */
static unsigned
file_of(struct bt_build *b, struct bt_str path)
{
	struct bt_conf *conf = b->conf;

	for (unsigned i = 0; i < conf->log_files_n; i++)
		if (bt_str_equal(bt_str_of(conf->log_files[i]), path))
			return i;
	if (conf->log_files == NULL)
		conf->log_files = bt_build_array(
		    b, BT_CONF_LOG_FILES_MAX, sizeof(conf->log_files[0]));
	if (conf->log_files_n == BT_CONF_LOG_FILES_MAX)
		return BT_CONF_LOG_FILES_MAX;
	conf->log_files[conf->log_files_n] = bt_build_copy(b, path).p;
	return (unsigned)conf->log_files_n++;
}

/* The block's own list begins; it takes the place of the outer one. */
static struct bt_conf_log *
begin_list(struct bt_build *b)
{
	struct bt_frame *f = b->frame;

	if (f->logs == NULL) {
		f->logs = bt_build_array(b,
		    bt_build_count(f->node, "access_log", false),
		    sizeof(f->logs[0]));
		f->scope->logs = f->logs;
		f->scope->logs_n = 0;
	}
	return f->logs;
}

void
bt_set_access_log(struct bt_build *b, const struct bt_node *n)
{
	struct bt_frame *frame = b->frame;
	struct bt_str path = n->words[1].text;
	struct bt_log_note *note;
	struct bt_conf_log *log;
	unsigned file;

	if (bt_str_equal(path, BT_STR("off"))) {
		if (n->words_n > 2)
			bt_build_error(
			    b, n, 2, "access_log off takes no format");
		else if (bt_build_count(frame->node, "access_log", false) > 1)
			bt_build_error(b, n, 1,
			    "access_log is off, and has another line here");
		begin_list(b);
		return;
	}
	if (!is_stream(path) && !bt_build_check_path(b, n, 1, PATH_MAX - 1))
		return;
	if ((file = file_of(b, path)) == BT_CONF_LOG_FILES_MAX) {
		bt_build_error(b, n, 1, "there are more than %d log files",
		    BT_CONF_LOG_FILES_MAX);
		return;
	}
	log = &begin_list(b)[frame->scope->logs_n++];
	*log = (struct bt_conf_log){ .file = file,
		.path = b->conf->log_files[file] };
	note = bt_build_notes(b, 1, sizeof(*note));
	*note = (struct bt_log_note){ b->logs, log, n };
	b->logs = note;
}

void
bt_check_logs(struct bt_build *b)
{
	const char *names[64];
	size_t names_n = 0; /* the others are found, but not offered */

	if (b->conf->formats == NULL)
		make_formats(b);
	for (; names_n < b->conf->formats_n && names_n < 64; names_n++)
		names[names_n] = b->conf->formats[names_n].name.p;
	for (struct bt_log_note *note = b->logs; note; note = note->next) {
		struct bt_str name = note->node->words_n > 2
		    ? note->node->words[2].text
		    : BT_STR("combined");

		note->log->format = find_format(b->conf, name);
		if (note->log->format == NULL)
			bt_build_unknown_word(
			    b, note->node, 2, "format", names, names_n);
	}
	b->conf->logs = b->main.logs;
	b->conf->logs_n = b->main.logs_n;
}
