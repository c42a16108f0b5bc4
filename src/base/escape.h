#ifndef BT_BASE_ESCAPE_H
#define BT_BASE_ESCAPE_H

/* Text of others inside of pages and JSON. */

#include "base/buf.h"

/* Appends text with & < > " ' as references: as text, and in attributes. */
void bt_escape_html(struct bt_buf *, struct bt_str);

/* Appends text as the inside of a JSON string, bytes beyond ASCII as they are.
 */
void bt_escape_json(struct bt_buf *, struct bt_str);

#endif
