/*
 * What an application answers.  Each way to do so becomes one of handlers/'s;
 * what the application says too late, when something was sent or when baton had
 * to answer itself, has no effect.  Worker, on the loop.
 */

#include "app/call.h"

#include "base/escape.h"
#include "base/fd.h"
#include "http/cookie.h"

#include <baton/reply.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define FIELDS_BYTES_MAX (32 * 1024)

/* The call, if it can still be answered; what was described is dropped. */
static struct bt_call *
begin(struct baton_exchange *x)
{
	struct bt_call *c = bt_call_of(x);

	if (!bt_call_is_open(c))
		return NULL;
	bt_reply_drop(x);
	return c;
}

/* A status that a final answer can have. */
static unsigned
status_of(unsigned status)
{
	return status >= 200 && status <= 999 ? status : 500;
}

/* Has it a byte that no field's value may have (RFC 9110, 5.5)? */
static bool
is_value(const char *s)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

static struct bt_str
type_line(struct baton_exchange *x, const char *type)
{
	if (type == NULL || !is_value(type))
		return BT_STR_NONE;
	return bt_arena_printf(&x->arena, "Content-Type: %s\r\n", type);
}

static void
reply_bytes(struct baton_exchange *x, unsigned status, const char *type,
    struct bt_str bytes)
{
	bt_reply_bytes(x, status_of(status), type_line(x, type), bytes);
}

void
baton_reply(struct baton_exchange *x, unsigned status, const char *type,
    const void *bytes, size_t n)
{
	struct bt_str copy = { bytes, n };

	if (begin(x) == NULL)
		return;
	if (n > 0)
		copy = bt_arena_copy(&x->arena, copy);
	reply_bytes(x, status, type, copy);
}

void
baton_reply_static(struct baton_exchange *x, unsigned status, const char *type,
    const void *bytes, size_t n)
{
	if (begin(x) != NULL)
		reply_bytes(x, status, type, (struct bt_str){ bytes, n });
}

void
baton_reply_text(struct baton_exchange *x, unsigned status, const char *text)
{
	baton_reply(x, status, "text/plain; charset=utf-8", text, strlen(text));
}

void
baton_reply_html(struct baton_exchange *x, unsigned status, const char *html)
{
	baton_reply(x, status, "text/html; charset=utf-8", html, strlen(html));
}

void
baton_reply_json(struct baton_exchange *x, unsigned status, const char *json)
{
	baton_reply(x, status, "application/json", json, strlen(json));
}

void
baton_print(struct baton_exchange *x, const char *fmt, ...)
{
	struct bt_call *c = bt_call_of(x);
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		char *room = bt_buf_reserve(&c->printed, (size_t)n + 1);

		vsnprintf(room, (size_t)n + 1, fmt, again);
		c->printed.len += (size_t)n;
	}
	va_end(again);
}

void
baton_print_html(struct baton_exchange *x, const char *text)
{
	bt_escape_html(&bt_call_of(x)->printed, bt_str_of(text));
}

void
baton_print_json(struct baton_exchange *x, const char *text)
{
	bt_escape_json(&bt_call_of(x)->printed, bt_str_of(text));
}

/* Without a copy: the text is the exchange's own by now. */
void
baton_reply_printed(struct baton_exchange *x, unsigned status, const char *type)
{
	struct bt_call *c = begin(x);

	if (c != NULL)
		reply_bytes(x, status, type, bt_buf_str(&c->printed));
}

/* The descriptor is the exchange's own. */
static void
close_file(void *fd)
{
	close((int)(intptr_t)fd);
}

void
baton_reply_file(struct baton_exchange *x, unsigned status, const char *type,
    int *fd, uint64_t offset, uint64_t length)
{
	int own;

	if (begin(x) == NULL) {
		bt_fd_close(fd);
		return;
	}
	own = bt_fd_take(fd);
	bt_reply_file(
	    x, status_of(status), type_line(x, type), own, offset, length);
	bt_reply_on_release(x, close_file, (void *)(intptr_t)own);
}

static bool
is_redirect(unsigned status)
{
	return status == 301 || status == 302 || status == 303 ||
	    status == 307 || status == 308;
}

void
baton_reply_redirect(
    struct baton_exchange *x, unsigned status, const char *location)
{
	if (begin(x) == NULL)
		return;
	if (is_redirect(status) && is_value(location))
		bt_reply_redirect(
		    x, status, bt_arena_copy(&x->arena, bt_str_of(location)));
	else
		bt_reply_error(x, 500, BT_STR_NONE);
}

void
baton_reply_error(struct baton_exchange *x, unsigned status)
{
	if (begin(x) != NULL)
		bt_reply_error(x, status >= 400 && status <= 599 ? status : 500,
		    BT_STR_NONE);
}

void
baton_reply_busy(struct baton_exchange *x)
{
	if (begin(x) != NULL)
		bt_reply_busy(x);
}

/* --- its fields --- */

/* A token (RFC 9110, 5.6.2). */
static bool
is_token(const char *s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	size_t n = 0;

	for (; s[n] != '\0'; n++) {
		char c = bt_lower(s[n]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    strchr(others, c) == NULL)
			return false;
	}
	return n > 0;
}

/* Those by which a message is framed, and those that every answer has. */
static bool
is_ours(const char *name)
{
	static const char *const ours[] = { "Connection", "Content-Length",
		"Date", "Keep-Alive", "Server", "TE", "Trailer",
		"Transfer-Encoding", "Upgrade" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (bt_str_equal_nocase(bt_str_of(ours[i]), bt_str_of(name)))
			return true;
	return false;
}

static int
add_field(struct bt_call *c, const char *name, struct bt_str value)
{
	size_t n = strlen(name) + value.n + 4;

	if (c->fields.len + n > FIELDS_BYTES_MAX)
		return -ENOBUFS;
	bt_buf_printf(&c->fields, "%s: %.*s\r\n", name, BT_STR_ARG(value));
	if (bt_str_equal_nocase(bt_str_of(name), BT_STR("Cache-Control")))
		bt_reply_says_fresh(c->x);
	return 0;
}

int
baton_reply_field(struct baton_exchange *x, const char *name, const char *value)
{
	if (!is_token(name) || is_ours(name) || !is_value(value))
		return -EINVAL;
	return add_field(bt_call_of(x), name, bt_str_trim(bt_str_of(value)));
}

int
baton_reply_cookie(struct baton_exchange *x, const struct baton_cookie *cookie)
{
	const struct bt_cookie attributes = {
		.name = bt_str_of(cookie->name),
		.value = bt_str_of(cookie->value),
		.path = bt_str_of(cookie->path),
		.domain = bt_str_of(cookie->domain),
		.has_max_age = cookie->max_age_s != 0,
		.max_age_s = cookie->max_age_s > 0 ? cookie->max_age_s : 0,
		.secure = cookie->secure,
		.http_only = cookie->http_only,
		.same_site = bt_str_of(cookie->same_site),
	};
	struct bt_call *c = bt_call_of(x);
	struct bt_set_cookie *s;
	struct bt_str value;
	int r = bt_cookie_format(&attributes, &x->arena, &value);

	if (r < 0 || (r = add_field(c, "Set-Cookie", value)) < 0)
		return r;
	s = bt_arena_alloc(&x->arena, sizeof(*s));
	*s = (struct bt_set_cookie){ c->cookies,
		bt_arena_copy(&x->arena, attributes.name),
		bt_arena_copy(&x->arena, attributes.value) };
	c->cookies = s;
	return 0;
}

unsigned
baton_reply_status(struct baton_exchange *x)
{
	return x->reply.status;
}

void
baton_reply_set_status(struct baton_exchange *x, unsigned status)
{
	if (bt_call_is_open(bt_call_of(x)) && x->reply.status != 0)
		x->reply.status = status_of(status);
}

/* --- streams --- */

static ssize_t
pull(struct baton_exchange *x, char *out, size_t room)
{
	struct bt_call *c = bt_call_of(x);
	int64_t entered = bt_call_enter(c);
	ssize_t n = c->pull(x, c->pull_arg, out, room);

	bt_call_leave(c, entered);
	return n > (ssize_t)room ? -EOVERFLOW : n;
}

void
baton_reply_stream(struct baton_exchange *x, unsigned status, const char *type,
    uint64_t length, baton_pull_fn *fn, void *arg)
{
	struct bt_call *c = begin(x);

	if (c == NULL)
		return;
	c->pull = fn;
	c->pull_arg = arg;
	bt_reply_stream(x, status_of(status), type_line(x, type), length, pull);
}
