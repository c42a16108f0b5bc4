/*
 * Describing replies.  Worker, on the loop.
 */

#include "handlers/reply.h"

#include "base/fd.h"
#include "handlers/page.h"
#include "http/status.h"

void
bt_reply_bytes(struct baton_exchange *x, unsigned status, struct bt_str fields,
    struct bt_str bytes)
{
	x->reply.status = status;
	x->reply.kind = bytes.n ? BT_BODY_BYTES : BT_BODY_NONE;
	x->reply.fields = fields;
	x->reply.length = bytes.n;
	x->reply.bytes = bytes;
}

void
bt_reply_file(struct baton_exchange *x, unsigned status, struct bt_str fields,
    int fd, uint64_t offset, uint64_t length)
{
	x->reply.status = status;
	x->reply.kind = length ? BT_BODY_FILE : BT_BODY_NONE;
	x->reply.fields = fields;
	x->reply.length = length;
	x->reply.fd = fd;
	x->reply.offset = offset;
}

void
bt_reply_tunnel(struct baton_exchange *x, struct bt_str fields,
    struct bt_str behind, int *server_fd, struct bt_origin *origin,
    int64_t idle_ms)
{
	x->reply.status = 101;
	x->reply.kind = BT_BODY_TUNNEL;
	x->reply.fields = fields;
	x->reply.bytes = behind;
	x->reply.fd = bt_fd_take(server_fd);
	x->reply.origin = origin;
	x->reply.idle_ms = idle_ms;
}

void
bt_reply_stream(struct baton_exchange *x, unsigned status, struct bt_str fields,
    uint64_t length, bt_pull_fn *pull)
{
	x->reply.status = status;
	x->reply.kind = length ? BT_BODY_STREAM : BT_BODY_NONE;
	x->reply.fields = fields;
	x->reply.length = length;
	x->reply.pull = pull;
}

void
bt_reply_on_release(
    struct baton_exchange *x, void (*release)(void *), void *arg)
{
	x->reply.release = release;
	x->reply.release_arg = arg;
}

void
bt_reply_says_fresh(struct baton_exchange *x)
{
	x->reply.says_fresh = true;
}

void
bt_reply_drop(struct baton_exchange *x)
{
	if (x->reply.release != NULL)
		x->reply.release(x->reply.release_arg);
	x->reply = (struct bt_reply){ 0 };
}

void
bt_reply_error(struct baton_exchange *x, unsigned status, struct bt_str fields)
{
	struct bt_page page;

	x->reply.is_page = true;
	x->reply.page_fields = fields;
	if (!bt_status_has_content(status)) {
		bt_reply_bytes(x, status, fields, BT_STR_NONE);
		return;
	}
	bt_page_make(x, status, &page);
	if (fields.n > 0)
		page.fields = bt_arena_printf(&x->arena, "%.*s%.*s",
		    BT_STR_ARG(page.fields), BT_STR_ARG(fields));
	bt_reply_bytes(x, status, page.fields, page.bytes);
}

void
bt_reply_busy(struct baton_exchange *x)
{
	bt_reply_error(x, 503, BT_STR("Retry-After: 1\r\n"));
}

struct bt_str
bt_methods_format(unsigned methods, struct bt_arena *a)
{
	static const char *const names[] = {
		[BT_METHOD_GET] = "GET",
		[BT_METHOD_HEAD] = "HEAD",
		[BT_METHOD_POST] = "POST",
		[BT_METHOD_PUT] = "PUT",
		[BT_METHOD_DELETE] = "DELETE",
		[BT_METHOD_OPTIONS] = "OPTIONS",
		[BT_METHOD_PATCH] = "PATCH",
		[BT_METHOD_TRACE] = "TRACE",
	};
	char *text = bt_arena_alloc(a, 96); /* all names have 53 bytes */
	size_t n = 0;

	for (unsigned m = 0; m < BT_METHOD_OTHER; m++) {
		size_t len = strlen(names[m]);

		if (!(methods & BT_METHOD_BIT(m)))
			continue;
		if (n > 0) {
			memcpy(text + n, ", ", 2);
			n += 2;
		}
		memcpy(text + n, names[m], len);
		n += len;
	}
	return (struct bt_str){ text, n };
}

void
bt_reply_not_allowed(struct baton_exchange *x, unsigned methods)
{
	struct bt_str names = bt_methods_format(
	    methods | BT_METHOD_BIT(BT_METHOD_OPTIONS), &x->arena);

	bt_reply_error(x, 405,
	    bt_arena_printf(&x->arena, "Allow: %.*s\r\n", BT_STR_ARG(names)));
}

void
bt_reply_redirect(
    struct baton_exchange *x, unsigned status, struct bt_str location)
{
	bt_reply_error(x, status,
	    bt_arena_printf(
		&x->arena, "Location: %.*s\r\n", BT_STR_ARG(location)));
}
