/*
 * Escaping for HTML and JSON.
 */

#include "base/escape.h"

void
bt_escape_html(struct bt_buf *b, struct bt_str text)
{
	for (size_t i = 0; i < text.n; i++)
		switch (text.p[i]) {
		case '&':
			bt_buf_puts(b, "&amp;");
			break;
		case '<':
			bt_buf_puts(b, "&lt;");
			break;
		case '>':
			bt_buf_puts(b, "&gt;");
			break;
		case '"':
			bt_buf_puts(b, "&quot;");
			break;
		case '\'':
			bt_buf_puts(b, "&#39;");
			break;
		default:
			bt_buf_putc(b, text.p[i]);
		}
}

void
bt_escape_json(struct bt_buf *b, struct bt_str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < 0x20)
			bt_buf_printf(b, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			bt_buf_printf(b, "\\%c", c);
		else
			bt_buf_putc(b, (char)c);
	}
}
