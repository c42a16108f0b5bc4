#ifndef BT_CONF_VALUES_H
#define BT_CONF_VALUES_H

/* Numbers, durations and sizes as the conf writes them; text to value and back.
 */

#include "base/buf.h"

#define BT_VALUE_TEXT_MAX 32

/*
 * A decimal number; `30s`, `500ms`, `1h30m`, a bare number is seconds (units
 * ms, s, m, h, d, largest first); `16k`, `1M`, `2g`, a bare number is bytes;
 * `16k/s`, bytes a second.
 *
 * Returns: 0 with the number, the milliseconds, the bytes; -EINVAL or -ERANGE,
 *          and *ret_why says what was wrong.
 */
int bt_value_parse_count(struct bt_str, uint64_t *ret, const char **ret_why);
int bt_value_parse_duration(struct bt_str, uint64_t *ret, const char **ret_why);
int bt_value_parse_size(struct bt_str, uint64_t *ret, const char **ret_why);
int bt_value_parse_rate(struct bt_str, uint64_t *ret, const char **ret_why);

/* Writes the shortest exact form: in the largest unit that divides it. */
const char *bt_value_format_duration(
    uint64_t ms, char out[static BT_VALUE_TEXT_MAX]);
const char *bt_value_format_size(
    uint64_t bytes, char out[static BT_VALUE_TEXT_MAX]);
const char *bt_value_format_rate(
    uint64_t bytes, char out[static BT_VALUE_TEXT_MAX]);

/* Appends a word as the conf writes it: in quotes and escaped where needed. */
void bt_value_append_word(struct bt_buf *, struct bt_str);

/* Is there a %XX at `i`? */
bool bt_value_is_escape(struct bt_str, size_t i);

/*
 * Appends a text with variables, always in quotes, so that it can be read back.
 */
void bt_value_append_template(struct bt_buf *, struct bt_str source);

#endif
