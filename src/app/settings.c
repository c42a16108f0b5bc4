/*
 * Settings of an application, by the rows that it has of them.  Master, and the
 * child in which it is tried first.
 */

#include "app/settings.h"

#include "conf/directives.h"
#include "conf/values.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct complaint {
	bt_conf_complain_fn *fn;
	void *arg;
	const struct bt_conf_app *app;
};

static void complain(const struct complaint *, int setting, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

static void
complain(const struct complaint *c, int setting, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->fn(c->arg, c->app, setting, text);
}

static int
parse(const struct baton_setting *row, const char *text, uint64_t *ret,
    const char **why)
{
	struct bt_str word = bt_str_of(text);

	*ret = 0;
	switch (row->type) {
	case BATON_TEXT:
		return 0;
	case BATON_PATH:
		*why = "an absolute path";
		return text[0] == '/' ? 0 : -EINVAL;
	case BATON_COUNT:
		return bt_value_parse_count(word, ret, why);
	case BATON_SIZE:
		return bt_value_parse_size(word, ret, why);
	case BATON_DURATION:
		return bt_value_parse_duration(word, ret, why);
	case BATON_SWITCH:
		*why = "on or off";
		*ret = strcmp(text, "on") == 0;
		return *ret || strcmp(text, "off") == 0 ? 0 : -EINVAL;
	}
	*why = "of a type that this baton does not have";
	return -EINVAL;
}

/* A bound as the type writes it. */
static const char *
format_bound(const struct baton_setting *row, uint64_t value,
    char out[static BT_VALUE_TEXT_MAX])
{
	if (row->type == BATON_SIZE)
		return bt_value_format_size(value, out);
	if (row->type == BATON_DURATION)
		return bt_value_format_duration(value, out);
	snprintf(out, BT_VALUE_TEXT_MAX, "%llu", (unsigned long long)value);
	return out;
}

static bool
read_value(const struct complaint *c, const struct baton_setting *row,
    int setting, struct bt_setting_value *v)
{
	char min[BT_VALUE_TEXT_MAX], max[BT_VALUE_TEXT_MAX];
	const char *why = NULL;

	if (parse(row, v->text, &v->number, &why) < 0) {
		complain(c, setting, "%s: %s, not \"%.100s\"", row->name, why,
		    v->text);
		return false;
	}
	if ((row->min == 0 && row->max == 0) || row->type == BATON_TEXT ||
	    (v->number >= row->min && v->number <= row->max))
		return true;
	complain(c, setting, "%s must be from %s to %s, not \"%.100s\"",
	    row->name, format_bound(row, row->min, min),
	    format_bound(row, row->max, max), v->text);
	return false;
}

/* Those of the conf that the application does not have. */
static bool
check_known(const struct complaint *c, const struct bt_library *l)
{
	const char *names[64];
	size_t n = 0;
	bool good = true;

	for (size_t i = 0; i < l->settings_n && n < 64; i++)
		names[n++] = l->settings[i].name;
	for (size_t i = 0; i < c->app->settings_n; i++) {
		const char *name = c->app->settings[i].name, *near;
		size_t k = 0;

		while (
		    k < l->settings_n && strcmp(l->settings[k].name, name) != 0)
			k++;
		if (k < l->settings_n)
			continue;
		good = false;
		near = bt_word_nearest(bt_str_of(name), names, n);
		if (near != NULL)
			complain(c, (int)i,
			    "%s has no setting \"%.100s\", did you mean "
			    "\"%s\"?",
			    l->app.name, name, near);
		else
			complain(c, (int)i, "%s has no setting \"%.100s\"",
			    l->app.name, name);
	}
	return good;
}

bool
bt_settings_read(const struct bt_library *l, const struct bt_conf_app *app,
    struct bt_setting_value *values, bt_conf_complain_fn *fn, void *arg)
{
	struct complaint c = { fn, arg, app };
	bool good = check_known(&c, l);

	for (size_t i = 0; i < l->settings_n; i++) {
		const struct baton_setting *row = &l->settings[i];
		int given = -1;

		values[i] = (struct bt_setting_value){ .name = row->name,
			.text = row->preset };
		for (size_t k = 0; k < app->settings_n; k++)
			if (strcmp(app->settings[k].name, row->name) == 0)
				given = (int)k;
		if (given >= 0)
			values[i].text = app->settings[given].value;
		if (values[i].text == NULL) {
			complain(&c, -1, "%s needs the setting \"%s\"",
			    l->app.name, row->name);
			good = false;
		} else if (!read_value(&c, row, given, &values[i])) {
			good = false;
		}
	}
	return good;
}
