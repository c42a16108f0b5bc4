#ifndef BT_HTTP_DATE_H
#define BT_HTTP_DATE_H

/* HTTP dates (RFC 9110, 5.6.7), independent of locale and time zone. */

#include "base/str.h"

enum { BT_DATE_BYTES = 29 };

/* Writes 29 bytes of IMF-fixdate and a NUL. For years 1970 to 9999. */
void bt_date_format(int64_t seconds, char out[static BT_DATE_BYTES + 1]);

/*
 * Reads IMF-fixdate, RFC 850 dates (two-digit years more than 50 years ahead of
 * `now_s` are of the past century) and asctime().
 *
 * Returns: 0 with the seconds since 1970, or -EINVAL.
 */
int bt_date_parse(struct bt_str, int64_t now_s, int64_t *ret);

#endif
