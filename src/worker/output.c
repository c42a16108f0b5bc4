/*
 * From a described reply to bytes on the wire.  Worker, on the loop.
 */

#include "worker/output.h"

#include "base/log.h"
#include "base/pages.h"
#include "handlers/fetch.h"
#include "handlers/stage.h"
#include "http/date.h"
#include "http/status.h"
#include "worker/error_page.h"
#include "worker/exchange.h"
#include "worker/fields.h"
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

/* Status line, Server, Date, Content-Length, Connection: 170 at most. */
#define HEAD_FIXED_BYTES 256
/* Contents in memory up to this size are copied behind their head. */
#define COPY_BYTES_MAX (16 * 1024)
/* A piece of a stream is not worth its frame in less room than this. */
#define STREAM_ROOM_MIN 512
/* So much of a large content in one turn; then others have theirs. */
#define TURN_BYTES_MAX (1024 * 1024)

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* The room behind what waits; what waits is moved to the front for `want`. */
static size_t
room_for(struct bt_conn *c, size_t want)
{
	struct bt_output *out = &c->out;
	size_t cap = c->worker->buffer_bytes;

	if (out->data == NULL)
		out->data = bt_pool_take(&c->worker->buffers);
	if (out->at == out->end)
		out->at = out->end = 0;
	if (cap - out->end < want && out->at > 0) {
		memmove(out->data, out->data + out->at, out->end - out->at);
		out->end -= out->at;
		out->at = 0;
	}
	return cap - out->end;
}

bool
bt_output_is_full(const struct bt_conn *c)
{
	return c->out.end - c->out.at > c->worker->buffer_bytes / 2;
}

/* A content which goes from where it is, not through the buffer. */
static bool
is_direct(const struct baton_exchange *x)
{
	return x->head_written && !x->reply_over &&
	    (x->reply.kind == BT_BODY_BYTES || x->reply.kind == BT_BODY_FILE);
}

bool
bt_output_is_pending(const struct bt_conn *c)
{
	return c->out.at < c->out.end || (c->x != NULL && is_direct(c->x));
}

static char *
put(char *at, const char *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static char *
put_str(char *at, struct bt_str s)
{
	return s.n > 0 ? put(at, s.p, s.n) : at;
}

static char *
put_u64(char *at, uint64_t value)
{
	char digits[20];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return put(at, digits + n, sizeof(digits) - n);
}

/* Server and Date: made once a second. */
static char *
put_common(char *at, struct bt_worker *w)
{
	struct bt_common_fields *common = &w->common;
	char date[BT_DATE_BYTES + 1];

	if (common->wall_s != w->now.wall_s) {
		bt_date_format(w->now.wall_s, date);
		common->n = (size_t)snprintf(common->text, sizeof(common->text),
		    "Server: baton\r\nDate: %s\r\n", date);
		common->wall_s = w->now.wall_s;
	}
	return put(at, common->text, common->n);
}

/* Whether the content can only end with the connection. */
static bool
ends_with_close(const struct baton_exchange *x)
{
	return x->reply.length == BT_LENGTH_UNKNOWN && x->request.minor == 0;
}

static bool
is_chunked(const struct baton_exchange *x)
{
	return x->reply.length == BT_LENGTH_UNKNOWN && x->request.minor > 0;
}

/* Why the connection ends though its client would keep it. */
static enum bt_close_reason
last_reason(const struct bt_conn *c)
{
	if (c->worker->draining)
		return BT_CLOSE_DRAIN;
	return c->baton.requests + 1 >= c->worker->conf->keepalive_requests
	    ? BT_CLOSE_KEEPALIVE_REQUESTS
	    : BT_CLOSE_DONE;
}

/* Decides whether another request may follow, as late as the head allows. */
static void
decide_last(struct bt_conn *c)
{
	const struct baton_exchange *x = c->x;
	const struct bt_worker *w = c->worker;

	if (!x->request.keep_alive || ends_with_close(x)) {
		bt_conn_set_last(c, BT_CLOSE_DONE);
	} else if (x->reply.close || w->draining ||
	    c->baton.requests + 1 >= w->conf->keepalive_requests ||
	    /* it waits to be asked for content that nobody wants */
	    (x->request.expect_continue && !x->content_over &&
		!x->wants_content && !x->content_begun)) {
		c->linger = true; /* it may be sending the next one */
		bt_conn_set_last(c, last_reason(c));
	}
}

static bool
write_head(struct bt_conn *c)
{
	struct bt_worker *w = c->worker;
	struct baton_exchange *x = c->x;
	struct bt_reply *reply = &x->reply;
	struct bt_str more = bt_fields_added(x);
	size_t want = HEAD_FIXED_BYTES + reply->fields.n + more.n;
	char *at;

	if (want > w->buffer_bytes) { /* a Location of a huge target */
		bt_exchange_refuse(c, 500, BT_CLOSE_ERROR);
		return true;
	}
	if (room_for(c, want) < want)
		return false;
	if (reply->kind != BT_BODY_TUNNEL)
		decide_last(c);
	at = put_str(c->out.data + c->out.end, bt_status_line(reply->status));
	if (!reply->forwarded)
		at = put_common(at, w);
	at = put_str(at, reply->fields);
	at = put_str(at, more);
	if (reply->kind == BT_BODY_TUNNEL) {
		at = put_str(at, BT_STR("Connection: upgrade\r\n"));
	} else if (!bt_status_has_content(reply->status)) {
		reply->kind = BT_BODY_NONE;
	} else if (is_chunked(x)) {
		at = put_str(at, BT_STR("Transfer-Encoding: chunked\r\n"));
	} else if (!ends_with_close(x)) {
		at = put_str(at, BT_STR("Content-Length: "));
		at = put_u64(at, reply->length);
		at = put_str(at, BT_STR("\r\n"));
	}
	if (c->last && reply->kind != BT_BODY_TUNNEL)
		at = put_str(at, BT_STR("Connection: close\r\n"));
	else if (x->request.minor == 0)
		at = put_str(at, BT_STR("Connection: keep-alive\r\n"));
	at = put_str(at, BT_STR("\r\n"));
	x->head_bytes = (uint32_t)(at - (c->out.data + c->out.end));
	c->out.end = (size_t)(at - c->out.data);
	x->head_written = true;
	x->reply_over = reply->kind == BT_BODY_NONE ||
	    reply->kind == BT_BODY_TUNNEL ||
	    x->request.method == BT_METHOD_HEAD;
	bt_score_add(&w->score->responses[reply->status / 100], 1);
	bt_times_head(c);
	return true;
}

/* Small contents go behind their head; the others are left to the flush. */
static bool
fill_bytes(struct bt_conn *c)
{
	struct baton_exchange *x = c->x;
	struct bt_str bytes = x->reply.bytes;

	if (bytes.n > COPY_BYTES_MAX || x->sent > 0 ||
	    room_for(c, bytes.n) < bytes.n)
		return false;
	put_str(c->out.data + c->out.end, bytes);
	c->out.end += bytes.n;
	x->sent = bytes.n;
	x->reply_over = true;
	return true;
}

/* The frame of a chunk: its size in hex, CRLF; and CRLF behind it. */
#define CHUNK_SIZE_BYTES 10
#define CHUNK_FRAME_BYTES (CHUNK_SIZE_BYTES + 2)
#define CHUNK_LAST "0\r\n"

/* Frames the `n` bytes that stand CHUNK_SIZE_BYTES behind the output. */
static void
frame_chunk(struct bt_output *out, size_t n)
{
	char *at = out->data + out->end, size[CHUNK_SIZE_BYTES + 1];
	size_t size_n = (size_t)snprintf(size, sizeof(size), "%zx\r\n", n);

	memmove(at + size_n, at + CHUNK_SIZE_BYTES, n);
	memcpy(at, size, size_n);
	memcpy(at + size_n + n, "\r\n", 2);
	out->end += size_n + n + 2;
}

/* False: there is no room for its end yet. */
static bool
stream_over(struct bt_conn *c)
{
	struct baton_exchange *x = c->x;
	struct bt_str trailers = x->reply.trailers;
	size_t want = sizeof(CHUNK_LAST) - 1 + trailers.n + 2;
	char *at;

	if (is_chunked(x)) {
		if (room_for(c, want) < want)
			return false;
		at = put_str(c->out.data + c->out.end, BT_STR(CHUNK_LAST));
		at = put_str(at, trailers);
		put(at, "\r\n", 2);
		c->out.end += want;
	}
	x->reply_over = true;
	return true;
}

/* An answer that cannot be finished is cut, so that it cannot seem whole. */
static void
log_cut(struct bt_conn *c, int error, const char *why)
{
	struct bt_log log = { bt_conn_describe, c };

	if (c->x->reply.length == BT_LENGTH_UNKNOWN)
		bt_log_warn(&log, error, "%s; closed, after %llu bytes", why,
		    (unsigned long long)c->x->sent);
	else
		bt_log_warn(&log, error, "%s; closed, %llu of %llu bytes", why,
		    (unsigned long long)c->x->sent,
		    (unsigned long long)c->x->reply.length);
}

/* The client gets what there is of it. */
static bool
cut_stream(struct bt_conn *c, int error, const char *why)
{
	log_cut(c, error, why);
	bt_exchange_abandon(c, BT_CLOSE_ERROR);
	return true;
}

static bool
fill_stream(struct bt_conn *c)
{
	struct baton_exchange *x = c->x;
	size_t frame = is_chunked(x) ? CHUNK_FRAME_BYTES : 0, room;
	size_t before = is_chunked(x) ? CHUNK_SIZE_BYTES : 0;
	ssize_t n;

	room = room_for(c, STREAM_ROOM_MIN);
	if (room < STREAM_ROOM_MIN)
		return false;
	n = x->reply.pull(x, c->out.data + c->out.end + before, room - frame);
	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		return cut_stream(c, (int)n, "the content broke off");
	}
	x->sent += (uint64_t)n;
	if (x->reply.length != BT_LENGTH_UNKNOWN &&
	    (n == 0 || x->sent > x->reply.length)) {
		return cut_stream(
		    c, 0, "the content is not as long as announced");
	}
	if (n == 0)
		return stream_over(c);
	if (is_chunked(x))
		frame_chunk(&c->out, (size_t)n);
	else
		c->out.end += (size_t)n;
	if (x->sent == x->reply.length)
		x->reply_over = true;
	return true;
}

bool
bt_output_fill(struct bt_conn *c)
{
	struct baton_exchange *x = c->x;
	bool moved = false;

	if (x->reply_over || x->reply.status == 0 || x->leave_waits)
		return false;
	if (!x->head_written) {
		/* until content has come a stream may still become an error */
		if (x->reply.kind == BT_BODY_STREAM && x->wants_content &&
		    !x->content_begun)
			return false;
		if ((x->reply.status >= 400 || x->error.status != 0) &&
		    !bt_error_page_apply(c))
			return true; /* it has begun another reply */
		if (x->behind != 0 && !bt_stages_leave(x))
			return true;
		if (!write_head(c))
			return false;
		if (x->reply_over || !x->head_written)
			return true;
		moved = true;
	}
	if (x->reply.kind == BT_BODY_BYTES)
		moved |= fill_bytes(c);
	else if (x->reply.kind == BT_BODY_STREAM)
		moved |= fill_stream(c);
	return moved;
}

void
bt_output_continue(struct bt_conn *c)
{
	const size_t n = sizeof(continue_line) - 1;

	if (room_for(c, n) < n)
		return;
	put(c->out.data + c->out.end, continue_line, n);
	c->out.end += n;
	c->x->continue_sent = true;
}

void
bt_output_interim(struct bt_conn *c, unsigned status, struct bt_str fields)
{
	struct bt_str line = bt_status_line(status);
	size_t want = line.n + fields.n + 2;
	char *at;

	if (room_for(c, want) < want)
		return;
	at = put_str(c->out.data + c->out.end, line);
	at = put_str(at, fields);
	put(at, "\r\n", 2);
	c->out.end += want;
}

/* The socket took `n` bytes: first those of the buffer, then of the content. */
static void
sent(struct bt_conn *c, size_t n)
{
	size_t buffered = c->out.end - c->out.at;
	struct baton_exchange *x = c->x;

	bt_score_add(&c->worker->score->bytes_out, n);
	c->moved = true;
	if (c->phase == BT_CONN_SEND)
		c->window.bytes += (uint32_t)n;
	if (n <= buffered) {
		c->out.at += n;
		return;
	}
	c->out.at = c->out.end;
	x->sent += n - buffered;
	x->reply_over = x->sent == x->reply.length;
}

static ssize_t
send_bytes(struct bt_conn *c)
{
	struct bt_output *out = &c->out;
	const struct baton_exchange *x = c->x;
	struct iovec iov[2] = { { out->data + out->at, out->end - out->at } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };
	int more = 0;

	if (x == NULL || !is_direct(x)) {
		/* what is the last goes with the FIN: the close follows */
		more = x == NULL && c->last ? MSG_MORE : 0;
		return send(c->fd, iov[0].iov_base, iov[0].iov_len,
		    MSG_NOSIGNAL | more);
	}
	if (x->reply.kind == BT_BODY_FILE)
		more = MSG_MORE; /* the file follows */
	else
		iov[msg.msg_iovlen++] = (struct iovec){
			(void *)(uintptr_t)(x->reply.bytes.p + x->sent),
			x->reply.bytes.n - x->sent
		};
	return sendmsg(c->fd, &msg, MSG_NOSIGNAL | more);
}

static ssize_t
send_file(struct bt_conn *c, size_t max)
{
	const struct baton_exchange *x = c->x;
	off_t offset = (off_t)(x->reply.offset + x->sent);
	uint64_t rest = x->ready - x->sent;
	ssize_t n = sendfile(
	    c->fd, x->reply.fd, &offset, rest < max ? (size_t)rest : max);

	if (n == 0) { /* it has been cut short behind our back */
		errno = EIO;
		return -1;
	}
	return n;
}

/*
 * Whether the next bytes of the file are in memory; where they are not, a
 * thread fetches them, and the connection goes on when they are.
 */
static bool
is_file_ready(struct bt_conn *c)
{
	struct bt_worker *w = c->worker;
	struct baton_exchange *x = c->x;
	uint64_t offset = x->reply.offset + x->sent;
	uint64_t rest = x->reply.length - x->sent;
	size_t n = rest < TURN_BYTES_MAX ? (size_t)rest : TURN_BYTES_MAX;

	if (x->work != NULL)
		return false;
	if (x->sent < x->ready)
		return true;
	x->ready = x->sent +
	    bt_pages_ready_lately(&w->pages, x->reply.fd, offset, n, w->now.ms);
	if (x->sent < x->ready)
		return true;
	bt_fetch_start(x, x->reply.fd, offset, n);
	return x->work == NULL;
}

bool
bt_output_flush(struct bt_conn *c)
{
	struct bt_guard *guard = &c->worker->guard;
	size_t total = 0;

	bt_guard_set(guard, c->fd, BT_GUARD_NONE);
	while (bt_output_is_pending(c) && total < TURN_BYTES_MAX) {
		bool file =
		    c->out.at == c->out.end && c->x->reply.kind == BT_BODY_FILE;
		ssize_t n;

		if (file && !is_file_ready(c))
			break;
		do
			n = file ? send_file(c, TURN_BYTES_MAX - total)
				 : send_bytes(c);
		while (n == -1 && errno == EINTR);
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1 && file && errno != EPIPE && errno != ECONNRESET) {
			log_cut(c, errno, "the file broke off");
			bt_conn_close(c, BT_CLOSE_ERROR);
			return false;
		}
		if (n == -1) {
			bt_conn_close(c, BT_CLOSE_RESET);
			return false;
		}
		sent(c, (size_t)n);
		total += (size_t)n;
	}
	if (total > 0)
		bt_times_sent(c);
	/* all that was begun is out, and the request in progress has nothing */
	if (c->x != NULL && !c->x->head_written && !bt_output_is_pending(c))
		bt_guard_set(guard, c->fd, BT_GUARD_ASKED);
	return total > 0;
}
