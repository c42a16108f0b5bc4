#ifndef BT_HTTP_STATUS_H
#define BT_HTTP_STATUS_H

/* Status codes (RFC 9110, 15, and the registry). */

#include "base/str.h"

/* `Not Found`; for codes without one the name of the class. Static memory. */
struct bt_str bt_status_reason(unsigned status);

/* `HTTP/1.1 404 Not Found\r\n` for 100 to 599. Static memory. */
struct bt_str bt_status_line(unsigned status);

/* False for 1xx, 204 and 304 (RFC 9110, 6.4.1). */
bool bt_status_has_content(unsigned status);

#endif
