/*
 * Directives of main that are more than one value.  Runs in the master, or in
 * `baton -t`.
 */

#include "conf/build.h"

#include <limits.h>

static const char *const formats[] = {
	[BT_LOG_FORMAT_COMBINED] = "combined",
	[BT_LOG_FORMAT_COMMON] = "common",
};

/* The index of the word `i` among `n` words; `preset` when it is not there. */
static bool
find_word(struct bt_build *b, const struct bt_node *node, unsigned i,
    const char *what, const char *const *words, size_t n, unsigned *ret)
{
	if (node->words_n <= i)
		return true; /* the preset stays */
	for (unsigned w = 0; w < n; w++)
		if (bt_str_equal(node->words[i].text, bt_str_of(words[w]))) {
			*ret = w;
			return true;
		}
	bt_build_unknown_word(b, node, i, what, words, n);
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
	if (!find_word(
		b, n, 2, "level", bt_log_level_names, BT_LOG_LEVELS, &level))
		return;
	if (!bt_str_equal(n->words[1].text, BT_STR("stderr")) &&
	    !bt_build_check_path(b, n, 1, PATH_MAX - 1))
		return;
	b->conf->error_log = bt_build_copy(b, n->words[1].text).p;
	b->conf->error_log_level = (enum bt_log_level)level;
}

void
bt_set_access_log(struct bt_build *b, const struct bt_node *n)
{
	unsigned format = BT_LOG_FORMAT_COMBINED;
	bool off = bt_str_equal(n->words[1].text, BT_STR("off"));

	if (off && n->words_n > 2)
		bt_build_error(b, n, 2, "access_log off takes no format");
	if (off)
		return;
	if (!find_word(b, n, 2, "format", formats,
		sizeof(formats) / sizeof(formats[0]), &format) ||
	    !bt_build_check_path(b, n, 1, PATH_MAX - 1))
		return;
	b->conf->access_log = bt_build_copy(b, n->words[1].text).p;
	b->conf->access_log_format = (enum bt_log_format)format;
}
