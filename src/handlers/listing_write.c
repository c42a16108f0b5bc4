/*
 * A listing as a page, as JSON, as text.  A name is any bytes but / and NUL:
 * in a link each one that could mean something is percent-encoded, in a text
 * what is no UTF-8 becomes U+FFFD, and a control byte its picture.  Worker, on
 * an offload thread.
 */

#include "handlers/listing.h"

#include "base/escape.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <time.h>

static const char page_style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--ink:#1d2025;--dim:#667;--line:#dde;"
    "--paper:#fff;--link:#0b57d0;--hover:#f2f5fa;--folder:#d9a514}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e6ea;--dim:#99a;"
    "--line:#33363d;--paper:#16181c;--link:#8ab4f8;--hover:#20242b;"
    "--folder:#e0b84a}}\n"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:62rem;padding:1.5rem 1rem 3rem;"
    "font:15px/1.45 system-ui,sans-serif;color:var(--ink);"
    "background:var(--paper)}\n"
    "h1{font-size:1.15rem;font-weight:600;margin:0 0 1rem;"
    "overflow-wrap:anywhere}"
    "h1 a{color:inherit}h1 i{color:var(--dim);font-style:normal;"
    "padding:0 .2em}\n"
    "a{color:var(--link);text-decoration:none}"
    "a:hover{text-decoration:underline}\n"
    "table{width:100%;border-collapse:collapse;"
    "font-variant-numeric:tabular-nums}"
    "th,td{padding:.4rem .6rem;text-align:left;"
    "border-bottom:1px solid var(--line)}"
    "th{font-weight:600;font-size:.85rem;white-space:nowrap}"
    "th a{color:var(--dim)}th[aria-sort] a{color:var(--ink)}"
    "tbody tr:hover{background:var(--hover)}\n"
    "td a{display:block;overflow-wrap:anywhere;padding-left:1.7rem;"
    "text-indent:-1.7rem}"
    "td a::before{content:\"\";display:inline-block;width:.75rem;"
    "height:.95rem;margin:0 .77rem -.12rem 0;text-indent:0;"
    "border:1.5px solid var(--dim);border-radius:2px}"
    ".d a{font-weight:500}"
    ".d a::before{width:1.1rem;height:.8rem;margin-right:.6rem;border:0;"
    "background:var(--folder)}\n"
    ".n{width:99%}.s,.t{text-align:right;white-space:nowrap;color:var(--dim)}"
    "p{color:var(--dim);font-size:.85rem}\n"
    "@media(max-width:34rem){body{padding:1rem .4rem 2rem}"
    "h1,p{padding:0 .4rem}th,td{padding:.3rem .4rem}"
    "thead tr,tbody tr{display:grid;grid-template-columns:1fr auto}"
    "thead tr{grid-template-columns:1fr auto auto}"
    "tbody tr{border-bottom:1px solid var(--line);padding:.25rem 0}"
    "tbody td{border:0;padding:.1rem .4rem}"
    "tbody .n{grid-column:1/3}td a{padding-block:.2rem}"
    "tbody .t{grid-column:1;grid-row:2;text-align:left;padding-left:2.1rem;"
    "font-size:.85rem}"
    "tbody .s{grid-column:2;grid-row:2;font-size:.85rem}}\n"
    "</style>\n";

/* How text stands in a format: bt_escape_html(), bt_escape_json(), or as is. */
typedef void put_fn(struct bt_buf *, struct bt_str);

static void
put_plain(struct bt_buf *b, struct bt_str s)
{
	bt_buf_append(b, s.p, s.n);
}

/* A name to be read; always UTF-8, without control bytes. */
static void
put_name(struct bt_buf *b, struct bt_str s, put_fn *put)
{
	while (s.n > 0) {
		unsigned char c = (unsigned char)s.p[0];
		size_t n = bt_utf8_printable(s.p, s.n);

		if (n > 0)
			put(b, (struct bt_str){ s.p, n });
		else if (c < 0x20)
			bt_buf_append(
			    b, (char[]){ '\xe2', '\x90', (char)(0x80 + c) }, 3);
		else if (c == 0x7f)
			bt_buf_puts(b, "\xe2\x90\xa1"); /* U+2421 */
		else
			bt_buf_puts(b, "\xef\xbf\xbd"); /* U+FFFD */
		n = n ? n : 1;
		s.p += n;
		s.n -= n;
	}
}

/* One segment of a path: nothing in it can end it or mean anything else. */
static void
put_segment(struct bt_buf *b, struct bt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c >= '0' && c <= '9') ||
		    (bt_lower(s.p[i]) >= 'a' && bt_lower(s.p[i]) <= 'z') ||
		    c == '-' || c == '.' || c == '_' || c == '~')
			bt_buf_putc(b, s.p[i]);
		else
			bt_buf_printf(b, "%%%02X", c);
	}
}

/* `2026-11-23 15:41` with `between` the two; years past 9999 are cut. */
static void
put_time(struct bt_buf *b, int64_t seconds, char between, bool exact)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900)
		tm = (struct tm){ .tm_year = 9999 - 1900, .tm_mday = 1 };
	bt_buf_printf(b, "%04d-%02d-%02d%c%02d:%02d", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, between, tm.tm_hour, tm.tm_min);
	if (exact)
		bt_buf_printf(b, ":%02dZ", tm.tm_sec);
}

/* `1.4 MiB`: two digits that matter. */
static void
put_size(struct bt_buf *b, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB",
		"EiB" };
	double value = (double)bytes / 1024;
	size_t u = 0;

	if (bytes < 1024) {
		bt_buf_printf(b, "%" PRIu64 " B", bytes);
		return;
	}
	for (; value >= 1023.5 && u + 1 < sizeof(units) / sizeof(units[0]); u++)
		value /= 1024;
	bt_buf_printf(b, value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[u]);
}

/* The path of the page; each part of it is a link that leads up. */
static void
put_crumbs(struct bt_buf *b, struct bt_str path)
{
	size_t depth = 0;

	for (size_t i = 1; i < path.n; i++)
		depth += path.p[i] == '/';
	bt_buf_puts(b, "<h1>");
	if (depth == 0) {
		bt_buf_puts(b, "/</h1>\n");
		return;
	}
	bt_buf_puts(b, "<a href=\"");
	for (size_t i = 0; i < depth; i++)
		bt_buf_puts(b, "../");
	bt_buf_puts(b, "\">/</a>");
	for (size_t begin = 1, end; begin < path.n; begin = end + 1) {
		for (end = begin; end < path.n && path.p[end] != '/';)
			end++;
		bt_buf_puts(b, " <a href=\"./");
		depth--;
		for (size_t i = 0; i < depth; i++)
			bt_buf_puts(b, "../");
		bt_buf_puts(b, "\"><bdi>");
		put_name(b, (struct bt_str){ path.p + begin, end - begin },
		    bt_escape_html);
		bt_buf_puts(b, "</bdi></a><i>/</i>");
	}
	bt_buf_puts(b, "</h1>\n");
}

/* The head of a column: a link that sorts by it, or turns that round. */
static void
put_column(struct bt_buf *b, enum bt_listing_sort sort, const char *class,
    const char *title, struct bt_listing_order now)
{
	static const char *const names[] = { "name", "size", "time" };
	bool mine = now.sort == sort;
	bool down = mine && !now.descending;

	bt_buf_printf(b,
	    "<th class=%s%s><a href=\"?sort=%s&amp;order=%s\">%s"
	    "%s</a>",
	    class,
	    !mine                ? ""
		: now.descending ? " aria-sort=descending"
				 : " aria-sort=ascending",
	    names[sort], down ? "desc" : "asc", title,
	    !mine                ? ""
		: now.descending ? " \xe2\x86\x93"
				 : " \xe2\x86\x91");
}

static void
put_row(struct bt_buf *b, const struct bt_listing_entry *e)
{
	bt_buf_puts(b,
	    e->folder ? "<tr class=d><td class=n><a href=\"./"
		      : "<tr><td class=n><a href=\"./");
	put_segment(b, e->name);
	bt_buf_puts(b, e->folder ? "/\"><bdi>" : "\"><bdi>");
	put_name(b, e->name, bt_escape_html);
	bt_buf_puts(b, e->folder ? "</bdi>/</a><td class=s>" : "</bdi></a>");
	if (!e->folder) {
		bt_buf_printf(b, "<td class=s title=\"%" PRIu64 "\">", e->size);
		put_size(b, e->size);
	}
	bt_buf_puts(b, "<td class=t>");
	put_time(b, e->modified_s, ' ', false);
	bt_buf_putc(b, '\n');
}

static void
write_html(const struct bt_listing *l, struct bt_str path,
    struct bt_listing_order order, struct bt_buf *b)
{
	bt_buf_puts(b,
	    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<meta name=\"robots\" content=\"noindex\">\n<title>");
	put_name(b, path, bt_escape_html);
	bt_buf_puts(b, "</title>\n");
	bt_buf_puts(b, page_style);
	put_crumbs(b, path);
	bt_buf_puts(b, "<table>\n<thead><tr>");
	put_column(b, BT_LISTING_BY_NAME, "n", "Name", order);
	put_column(b, BT_LISTING_BY_SIZE, "s", "Size", order);
	put_column(b, BT_LISTING_BY_TIME, "t", "Modified (UTC)", order);
	bt_buf_puts(b, "\n<tbody>\n");
	if (path.n > 1)
		bt_buf_puts(b,
		    "<tr class=d><td class=n><a href=\"../\">..</a>"
		    "<td class=s><td class=t>\n");
	for (size_t i = 0; i < l->n; i++)
		put_row(b, &l->entries[i]);
	bt_buf_puts(b, "</table>\n");
	if (l->cut)
		bt_buf_printf(b,
		    "<p>%zu are shown; there are more in this folder.</p>\n",
		    l->n);
	else if (l->n == 0)
		bt_buf_puts(b, "<p>Nothing is in this folder.</p>\n");
}

static void
write_json(const struct bt_listing *l, struct bt_buf *b)
{
	bt_buf_putc(b, '[');
	for (size_t i = 0; i < l->n; i++) {
		const struct bt_listing_entry *e = &l->entries[i];

		bt_buf_puts(b, i ? ",\n{\"name\":\"" : "\n{\"name\":\"");
		put_name(b, e->name, bt_escape_json);
		if (e->folder)
			bt_buf_puts(b, "\",\"type\":\"folder\"");
		else
			bt_buf_printf(b,
			    "\",\"type\":\"file\",\"size\":%" PRIu64, e->size);
		bt_buf_puts(b, ",\"modified\":\"");
		put_time(b, e->modified_s, 'T', true);
		bt_buf_puts(b, "\"}");
	}
	bt_buf_puts(b, "\n]\n");
}

static void
write_text(const struct bt_listing *l, struct bt_buf *b)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct bt_listing_entry *e = &l->entries[i];

		put_time(b, e->modified_s, 'T', true);
		if (e->folder)
			bt_buf_puts(b, "\t-\t");
		else
			bt_buf_printf(b, "\t%" PRIu64 "\t", e->size);
		put_name(b, e->name, put_plain);
		bt_buf_puts(b, e->folder ? "/\n" : "\n");
	}
}

void
bt_listing_write(const struct bt_listing *l, enum bt_listing_format format,
    struct bt_str path, struct bt_listing_order order, struct bt_buf *out)
{
	switch (format) {
	case BT_LISTING_HTML:
		write_html(l, path, order, out);
		break;
	case BT_LISTING_JSON:
		write_json(l, out);
		break;
	case BT_LISTING_TEXT:
		write_text(l, out);
		break;
	case BT_LISTING_FORMATS:
		break;
	}
}
