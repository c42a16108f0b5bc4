#ifndef BT_BASE_UTF8_H
#define BT_BASE_UTF8_H

#include <stddef.h>

/*
 * The length of the character at `text`, of which `most` bytes are there, that
 * may be shown as it is: printable ASCII, or well-formed UTF-8 (RFC 3629) but
 * for C1 controls, which terminals obey.  0 for anything else.
 */
size_t bt_utf8_printable(const char *text, size_t most);

#endif
