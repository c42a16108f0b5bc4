/*
 * Pages for errors and redirects, in HTML, JSON or plain text.  Most of their
 * text is static, and copied together.  Worker, on the loop.
 */

#include "handlers/page.h"

#include "handlers/request_id.h"
#include "http/accept.h"
#include "http/status.h"

enum form { HTML, JSON, TEXT, FORMS };

#define LINES(type) "Content-Type: " type "\r\nVary: Accept\r\n"
#define FIELDS(type) \
	{ \
		LINES(type), sizeof(LINES(type)) - 1 \
	}

static const struct bt_str types[FORMS] = {
	[HTML] = { "text/html", 9 },
	[JSON] = { "application/json", 16 },
	[TEXT] = { "text/plain", 10 },
};

/* The parts of each form, between what varies: see parts_of(). */
enum { PARTS = 6 };

static const char *const frames[FORMS][PARTS] = {
	[HTML] = { "<!doctype html>\n"
		   "<html lang=\"en\">\n"
		   "<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" "
		   "content=\"width=device-width, initial-scale=1\">\n"
		   "<link rel=\"icon\" href=\"data:,\">\n"
		   "<title>",
	    " ",
	    "</title>\n"
	    "<style>\n"
	    ":root{color-scheme:light dark;--ink:#1d2127;--soft:#626b76;"
	    "--paper:#fdfdfc;--line:#dfe3e8}\n"
	    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;"
	    "--soft:#9aa4af;--paper:#15181c;--line:#30363d}}\n"
	    "body{display:flex;flex-direction:column;box-sizing:border-box;"
	    "min-height:100vh;margin:0;padding:1.5rem;color:var(--ink);"
	    "background:var(--paper);font:1rem/1.5 system-ui,sans-serif}\n"
	    "main{margin:auto;max-width:28rem;width:100%}\n"
	    "b{display:block;color:var(--soft);font-weight:400;"
	    "font-size:1.25rem;letter-spacing:.08em}\n"
	    "h1{margin:.25rem 0 .75rem;font-weight:600;"
	    "font-size:clamp(1.6rem,7vw,2.25rem);line-height:1.2}\n"
	    "p{margin:0;color:var(--soft)}\n"
	    "footer{max-width:28rem;width:100%;margin:2rem auto 0;"
	    "padding-top:1rem;border-top:1px solid var(--line);"
	    "color:var(--soft);font-size:.8rem;overflow-wrap:anywhere}\n"
	    "</style>\n"
	    "<main>\n<b>",
	    "</b>\n<h1>", "</h1>\n<p>",
	    "</p>\n</main>\n<footer>Request <code>" },
	[JSON] = { "{\"status\":", ",\"error\":\"", "\",\"request_id\":\"" },
	[TEXT] = { "", " ", "\n", "\nRequest " },
};

static const char *const ends[FORMS] = {
	[HTML] = "</code></footer>\n",
	[JSON] = "\"}\n",
	[TEXT] = "\n",
};

/* What it means, and what may be done. */
static const struct {
	unsigned status;
	const char *text;
} meanings[] = {
	{ 400, "The server did not understand what it was sent." },
	{ 401, "This page wants a name and a password." },
	{ 403, "This page is not for everybody." },
	{ 404, "There is nothing at this address. Is it written right?" },
	{ 405, "That cannot be done with this page." },
	{ 408, "The request took too long to arrive." },
	{ 410, "What was here is gone, and does not come back." },
	{ 412, "The page has changed since it was last looked at." },
	{ 413, "What was sent is larger than is taken here." },
	{ 414, "The address is longer than is taken here." },
	{ 416, "The file has no such part." },
	{ 421, "This server does not answer for that name here." },
	{ 429, "That was too much in a short time. Please wait a moment." },
	{ 431, "The request's fields are larger than is taken here." },
	{ 500, "Something is wrong here, and it is not your fault." },
	{ 501, "The server does not know how to do that." },
	{ 502, "The server could not get the answer." },
	{ 503, "There is too much to do just now. Please try again soon." },
	{ 504, "The answer did not come in time." },
	{ 505, "The server does not speak that version of HTTP." },
};

static struct bt_str
meaning_of(unsigned status)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].status == status)
			return bt_str_of(meanings[i].text);
	return status < 400 ? BT_STR("The page is somewhere else.")
	    : status < 500  ? BT_STR("The request cannot be answered.")
			    : BT_STR("The server cannot answer.");
}

/* What varies, each behind its part of the frame; returns how many. */
static size_t
parts_of(enum form form, unsigned status, const char digits[static 3],
    struct bt_str id, struct bt_str out[static PARTS])
{
	struct bt_str number = { digits, 3 }, reason = bt_status_reason(status);
	size_t n = 0;

	out[n++] = number;
	out[n++] = reason;
	if (form == HTML) {
		out[n++] = number;
		out[n++] = reason;
	}
	if (form != JSON)
		out[n++] = meaning_of(status);
	out[n++] = id;
	return n;
}

static struct bt_str
join(struct bt_arena *a, const char *const *frame, const struct bt_str *parts,
    size_t n, const char *end)
{
	size_t bytes = strlen(end);
	char *text, *at;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(frame[i]) + parts[i].n;
	at = text = bt_arena_alloc(a, bytes);
	for (size_t i = 0; i < n; i++) {
		at = mempcpy(at, frame[i], strlen(frame[i]));
		at = mempcpy(at, parts[i].p, parts[i].n);
	}
	memcpy(at, end, strlen(end));
	return (struct bt_str){ text, bytes };
}

void
bt_page_make(struct baton_exchange *x, unsigned status, struct bt_page *ret)
{
	static const struct bt_str fields[FORMS] = {
		[HTML] = FIELDS("text/html; charset=utf-8"),
		[JSON] = FIELDS("application/json"),
		[TEXT] = FIELDS("text/plain; charset=utf-8"),
	};
	int likes = bt_accept_type(&x->request, types, FORMS);
	enum form form = likes < 0 ? HTML : (enum form)likes;
	const char digits[3] = { (char)('0' + status / 100),
		(char)('0' + status / 10 % 10), (char)('0' + status % 10) };
	char id[BT_REQUEST_ID_BYTES];
	struct bt_str parts[PARTS];
	size_t n;

	bt_request_id_format(x, id);
	n = parts_of(
	    form, status, digits, (struct bt_str){ id, sizeof(id) }, parts);
	ret->fields = fields[form];
	ret->bytes = join(&x->arena, frames[form], parts, n, ends[form]);
}
