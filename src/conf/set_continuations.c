/*
 * `continuations`: a chain of stores, and the keys that seal what is in URLs.
 * Runs in the master, or in `baton -t`.
 */

#include "conf/build.h"
#include "conf/values.h"

#include <limits.h>

#define URL_BYTES_PRESET 2048
#define URL_BYTES_MIN 128
/* A request line has to have room for it. */
#define URL_BYTES_MAX (32 * 1024)
#define MEMORY_BYTES_MIN (1024 * 1024)
#define MEMORY_BYTES_MAX (UINT64_C(8) * 1024 * 1024 * 1024)
#define DISK_BYTES_PRESET (UINT64_C(1) * 1024 * 1024 * 1024)
#define DISK_BYTES_MAX (UINT64_C(1) << 50)
#define DISK_RECORDS_PRESET 1000000
#define DISK_RECORDS_MAX UINT32_MAX

static const char *const kinds[] = {
	[BT_STORE_URL] = "url",
	[BT_STORE_MEMORY] = "memory",
	[BT_STORE_DISK] = "disk",
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* The statement's words, one store at a time; a comma ends one. */
struct reader {
	struct bt_build *b;
	const struct bt_node *node;
	unsigned at; /* the next word */
	bool ended;  /* the word before had a comma */
};

/* The next word of this store, without its comma; false: no more. */
static bool
take_word(struct reader *r, struct bt_str *ret)
{
	if (r->ended || r->at >= r->node->words_n)
		return false;
	*ret = r->node->words[r->at++].text;
	if (ret->n > 0 && ret->p[ret->n - 1] == ',') {
		ret->n--;
		r->ended = true;
	}
	return true;
}

/* An optional size; false when it is wrong, which was reported. */
static bool
take_size(struct reader *r, uint64_t min, uint64_t max, uint64_t *ret)
{
	char low[BT_VALUE_TEXT_MAX], high[BT_VALUE_TEXT_MAX];
	const char *why = NULL;
	struct bt_str word;

	if (!take_word(r, &word))
		return true;
	if (bt_value_parse_size(word, ret, &why) < 0)
		bt_build_error(r->b, r->node, r->at - 1, "%s, not %s", why,
		    bt_build_quote(r->b, r->node, r->at - 1));
	else if (*ret < min || *ret > max)
		bt_build_error(r->b, r->node, r->at - 1,
		    "the size must be from %s to %s, not %s",
		    bt_value_format_size(min, low),
		    bt_value_format_size(max, high),
		    bt_build_quote(r->b, r->node, r->at - 1));
	else
		return true;
	return false;
}

static bool
take_records(struct reader *r, uint64_t *ret)
{
	const char *why = "a number";
	struct bt_str word;

	if (!take_word(r, &word))
		return true;
	if (bt_value_parse_count(word, ret, &why) == 0 && *ret >= 1 &&
	    *ret <= DISK_RECORDS_MAX)
		return true;
	bt_build_error(r->b, r->node, r->at - 1,
	    "how many files there may be is a number, not %s",
	    bt_build_quote(r->b, r->node, r->at - 1));
	return false;
}

static bool
take_folder(struct reader *r, struct bt_conf_store *s)
{
	struct bt_str word;

	if (!take_word(r, &word)) {
		bt_report_add(r->b->report, r->node->source, r->node->end,
		    "disk needs a folder: disk FOLDER [SIZE [COUNT]]");
		return false;
	}
	if (word.n == 0 || word.p[0] != '/' || word.n >= PATH_MAX) {
		bt_build_error(r->b, r->node, r->at - 1,
		    "%s is not an absolute path, it must begin with /",
		    bt_build_quote(r->b, r->node, r->at - 1));
		return false;
	}
	s->folder = bt_build_copy(r->b, word).p;
	return true;
}

static bool
take_arguments(struct reader *r, struct bt_conf_store *s)
{
	switch (s->kind) {
	case BT_STORE_URL:
		s->bytes = URL_BYTES_PRESET;
		return take_size(r, URL_BYTES_MIN, URL_BYTES_MAX, &s->bytes);
	case BT_STORE_MEMORY:
		if (r->ended || r->at >= r->node->words_n) {
			bt_report_add(r->b->report, r->node->source,
			    r->node->end, "memory needs a size: memory 64m");
			return false;
		}
		return take_size(
		    r, MEMORY_BYTES_MIN, MEMORY_BYTES_MAX, &s->bytes);
	case BT_STORE_DISK:
		s->bytes = DISK_BYTES_PRESET;
		s->records = DISK_RECORDS_PRESET;
		return take_folder(r, s) &&
		    take_size(r, MEMORY_BYTES_MIN, DISK_BYTES_MAX, &s->bytes) &&
		    take_records(r, &s->records);
	}
	return false;
}

static bool
take_store(struct reader *r, struct bt_conf_store *s)
{
	struct bt_str word;
	unsigned kind = 0;

	r->ended = false;
	if (!take_word(r, &word))
		return false;
	while (kind < KINDS && !bt_str_equal(word, bt_str_of(kinds[kind])))
		kind++;
	if (kind == KINDS) {
		bt_build_unknown_word(
		    r->b, r->node, r->at - 1, "store", kinds, KINDS);
		return false;
	}
	*s = (struct bt_conf_store){ .kind = (enum bt_store_kind)kind };
	if (!take_arguments(r, s))
		return false;
	if (!r->ended && r->at < r->node->words_n) {
		bt_build_error(r->b, r->node, r->at,
		    "%s is too much; is a comma missing before it?",
		    bt_build_quote(r->b, r->node, r->at));
		return false;
	}
	return true;
}

void
bt_set_continuations(struct bt_build *b, const struct bt_node *n)
{
	struct bt_conf_scope *scope = b->frame->scope;
	struct bt_conf_store *stores =
	    bt_build_array(b, BT_CONF_STORES_MAX, sizeof(*stores));
	struct reader r = { .b = b, .node = n, .at = 1, .ended = true };
	size_t stores_n = 0;

	scope->stores_n = 0;
	if (n->words_n == 2 && bt_str_equal(n->words[1].text, BT_STR("off")))
		return;
	while (r.ended) {
		unsigned at = r.at;
		struct bt_conf_store s;

		if (!take_store(&r, &s)) {
			if (at >= n->words_n)
				bt_report_add(b->report, n->source, n->end,
				    "behind the last comma a store is "
				    "missing");
			return;
		}
		for (size_t i = 0; i < stores_n; i++)
			if (stores[i].kind == s.kind) {
				bt_build_error(b, n, at,
				    "a chain has each kind of store once");
				return;
			}
		stores[stores_n++] = s;
	}
	scope->stores = stores;
	scope->stores_n = stores_n;
}

void
bt_set_continuation_keys(struct bt_build *b, const struct bt_node *n)
{
	b->conf->continuation_keys = NULL;
	if (bt_str_equal(n->words[1].text, BT_STR("off")) ||
	    !bt_build_check_path(b, n, 1, PATH_MAX - 1))
		return;
	b->keys = n;
	b->conf->continuation_keys = bt_build_copy(b, n->words[1].text).p;
}

/* All chains have the same memory and the same folder: the largest counts. */
bool
bt_continuations_share(struct bt_conf *conf, const struct bt_conf_scope *scope)
{
	bool memory = false;

	for (size_t i = 0; i < scope->stores_n; i++) {
		const struct bt_conf_store *s = &scope->stores[i];

		memory |= s->kind == BT_STORE_MEMORY;
		if (s->kind == BT_STORE_MEMORY &&
		    s->bytes > conf->memory_store_bytes)
			conf->memory_store_bytes = s->bytes;
		if (s->kind != BT_STORE_DISK)
			continue;
		if (conf->disk.folder != NULL &&
		    strcmp(conf->disk.folder, s->folder) != 0)
			return false;
		conf->memory_spills |= memory;
		conf->disk.folder = s->folder;
		if (s->bytes > conf->disk.bytes)
			conf->disk.bytes = s->bytes;
		if (s->records > conf->disk.records)
			conf->disk.records = s->records;
	}
	return true;
}
