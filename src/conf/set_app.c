/*
 * `app`: a shared object, and what it shall know.  What settings it has, it
 * says itself; so the block is only taken apart here, and who can load
 * applications is asked when all of the conf was read.  Runs in the master, or
 * in `baton -t`.
 */

#include "conf/build.h"
#include "conf/values.h"

#include <limits.h>

static bt_conf_check_apps_fn *check_apps;

void
bt_conf_check_apps_by(bt_conf_check_apps_fn *check)
{
	check_apps = check;
}

/* Whether the statement is one setting, and the first of that name. */
static bool
check_setting(
    struct bt_build *b, const struct bt_node *n, const struct bt_app_note *note)
{
	const struct bt_conf_app *app = note->app;

	if (n->words_n == 0)
		return false; /* was reported */
	if (n->has_block)
		bt_report_add(b->report, n->source, n->open,
		    "a setting of an application has no block");
	else if (n->words_n != 2)
		bt_build_error(b, n, 0,
		    "a setting of an application is a name and a value; in "
		    "quotes, several words are one");
	else if (bt_build_check_variables(b, n, 1)) {
		for (size_t i = 0; i < app->settings_n; i++) {
			const struct bt_node *other = note->settings[i];

			if (!bt_str_equal(
				n->words[0].text, other->words[0].text))
				continue;
			bt_build_error(b, n, 0, "%s was already given at %s",
			    bt_build_quote(b, n, 0),
			    bt_report_place(b->report, n->source, other->source,
				other->line));
			return false;
		}
		return true;
	}
	return false;
}

void
bt_set_app(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_app *app = bt_build_array(b, 0, sizeof(*app));
	struct bt_app_note *note = bt_build_notes(b, 0, sizeof(*note));
	size_t settings = 0;

	if (!bt_build_check_variables(b, n, 1) ||
	    !bt_build_check_path(b, n, 1, PATH_MAX - 1))
		return;
	for (const struct bt_node *c = n->children; c != NULL; c = c->next)
		settings++;
	app->file = bt_build_copy(b, n->words[1].text).p;
	app->settings = bt_build_array(b, settings, sizeof(app->settings[0]));
	note->settings = bt_build_notes(b, settings, sizeof(note->settings[0]));
	note->app = app;
	note->route = b->frame->route;
	note->node = n;
	for (const struct bt_node *c = n->children; c != NULL; c = c->next) {
		if (!check_setting(b, c, note))
			continue;
		note->settings[app->settings_n] = c;
		app->settings[app->settings_n++] = (struct bt_conf_setting){
			bt_build_copy(b, c->words[0].text).p,
			bt_build_copy(b, c->words[1].text).p
		};
	}
	note->next = b->apps;
	b->apps = note;
	app->next = b->conf->apps;
	b->conf->apps = app;
	b->frame->route->handler = BT_HANDLER_APP;
	b->frame->route->app = app;
}

static void
on_complaint(
    void *arg, const struct bt_conf_app *app, int setting, const char *what)
{
	struct bt_build *b = arg;
	const struct bt_app_note *note = b->apps;

	if (app == NULL) {
		bt_build_error(b, b->keys, 1, "%s", what);
		return;
	}
	while (note->app != app)
		note = note->next;
	if (setting < 0)
		bt_build_error(b, note->node, 1, "%s", what);
	else
		bt_build_error(b, note->settings[setting], 0, "%s", what);
}

/* A URL that is handed out has to come back within a head. */
static void
check_urls(struct bt_build *b, const struct bt_app_note *n)
{
	const struct bt_conf_scope *scope = &n->route->scope;
	char most[BT_VALUE_TEXT_MAX], head[BT_VALUE_TEXT_MAX];
	uint64_t max = b->conf->max_header_bytes;

	for (size_t i = 0; i < scope->stores_n; i++)
		if (scope->stores[i].kind == BT_STORE_URL &&
		    scope->stores[i].bytes > max / 2)
			bt_build_error(b, n->node, 0,
			    "its continuations may have URLs of %s; with "
			    "max_header_size %s half of that is the most",
			    bt_value_format_size(scope->stores[i].bytes, most),
			    bt_value_format_size(max, head));
}

void
bt_check_apps(struct bt_build *b)
{
	for (const struct bt_app_note *n = b->apps; n != NULL; n = n->next) {
		check_urls(b, n);
		if (!bt_continuations_share(b->conf, &n->route->scope))
			bt_build_error(b, n->node, 0,
			    "its continuations are on disk in another folder "
			    "than those of others, which is \"%s\": all of "
			    "them have one",
			    b->conf->disk.folder);
	}
	/* a text in memory is one that was in force already */
	if (check_apps != NULL && b->apps != NULL &&
	    b->apps->node->source->folder != NULL &&
	    bt_report_count(b->report) == 0)
		check_apps(b->conf, on_complaint, b);
}
