/*
 * From an exchange to a continuation and back.  Worker, on the loop; records on
 * disk are read and written by the offload threads meanwhile.
 */

#include "app/suspend.h"

#include "app/chain.h"
#include "app/token.h"
#include "base/log.h"
#include "base/mem.h"
#include "handlers/vars.h"
#include "handlers/work.h"
#include "http/cookie.h"
#include "http/uri.h"

#include <baton/suspend.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

struct bt_call_write { /* a record that has to be on disk first */
	struct bt_call_write *next;
	struct bt_disk_record record;
};

static struct bt_stores *
stores_of(const struct bt_call *c)
{
	return c->place->services->stores;
}

static struct bt_score_worker *
score_of(const struct bt_call *c)
{
	return c->place->services->score;
}

/* --- the token of a request --- */

/* The value of `c=` in the query, as it stands. */
static struct bt_str
find_token(struct bt_str query)
{
	while (query.n > 0) {
		const char *amp = memchr(query.p, '&', query.n);
		size_t n = amp ? (size_t)(amp - query.p) : query.n;

		if (n > 2 && memcmp(query.p, BT_TOKEN_FIELD "=", 2) == 0)
			return (struct bt_str){ query.p + 2, n - 2 };
		n += amp != NULL;
		query.p += n;
		query.n -= n;
	}
	return BT_STR_NONE;
}

bool
bt_suspend_token(struct bt_call *c, struct bt_str *ret)
{
	struct baton_exchange *x = c->x;
	struct bt_str found = find_token(x->request.query);

	if (found.n == 0)
		return false;
	*ret = bt_arena_copy(&x->arena, found);
	/* it is in the worker's buffer, and so are the target and the line */
	memset((char *)(uintptr_t)found.p, '*', found.n);
	return true;
}

/* --- resuming --- */

static void
lose(struct bt_call *c, enum baton_lost why)
{
	c->is_lost = true;
	c->lost = why;
	bt_score_add(&score_of(c)->not_resumed[why], 1);
}

/* Whether the client has the cookie that the record wants. */
static bool
is_bound_right(struct bt_call *c, const struct bt_record *r)
{
	const struct bt_keys *keys = bt_stores_keys(stores_of(c));
	struct bt_str name, value;

	if (!(r->flags & BT_RECORD_BOUND))
		return true;
	/* the name of the cookie stands in front of the state */
	name = r->state;
	name.n = strnlen(r->state.p, r->state.n);
	if (name.n == r->state.n ||
	    !bt_cookie_find(&c->x->request, name, &value))
		return false;
	for (unsigned i = 0; i < keys->n; i++) {
		uint64_t bound = bt_keys_bind(&keys->all[i], value);

		if (sodium_memcmp(&bound, &r->bound, sizeof(bound)) == 0)
			return true;
	}
	return false;
}

/* The record is there: what it says decides. */
static void
enter(struct bt_call *c, const struct bt_chain_found *found)
{
	const struct bt_record *r = &found->record;
	const struct bt_way *way =
	    bt_library_resume(c->place->library, r->resume);
	int verdict;

	if (way == NULL || r->version < way->oldest ||
	    r->version > way->version) {
		lose(c, BATON_LOST_OUTDATED);
		return;
	}
	if (!is_bound_right(c, r)) {
		lose(c, BATON_LOST_BAD);
		return;
	}
	if ((verdict = bt_chain_follow(stores_of(c), found)) < 0) {
		lose(c, (enum baton_lost)(-verdict - 1));
		return;
	}
	c->way = way;
	c->version = r->version;
	c->state = r->state;
	if (r->flags & BT_RECORD_BOUND) {
		size_t skip = strlen(r->state.p) + 1;

		c->state.p += skip;
		c->state.n -= skip;
	}
	c->in_conversation = true;
	c->conversation = r->conversation;
	c->generation = r->generation;
}

/* A record that is read on a thread. */
struct read_work {
	struct bt_work work;
	struct bt_call *call;
	void (*then)(struct bt_call *);
	struct bt_disk *disk;
	struct bt_chain_found found;
	struct bt_buf bytes;
	int result;
};

static void
run_read(struct bt_work *work)
{
	struct read_work *w = (struct read_work *)work;

	w->result = bt_disk_get(w->disk, w->found.name, &w->bytes);
}

static void
read_done(struct bt_work *work)
{
	struct read_work *w = (struct read_work *)work;
	struct bt_call *c = w->call;
	int64_t entered;
	int r = w->result;

	if (work->x != NULL && !bt_call_is_over(c)) {
		if (r == 0)
			r = bt_chain_decode(c->place->library->id,
			    bt_arena_copy(&c->x->arena, bt_buf_str(&w->bytes)),
			    &c->x->arena, &w->found);
		c->x->stages_wait = false;
		c->store = BT_STORE_DISK;
		if (r < 0 && r != -ENOENT && r != -EBADMSG)
			bt_log_warn(NULL, r, "a continuation cannot be read");
		entered = bt_call_enter(c);
		if (r == 0)
			enter(c, &w->found);
		else if (bt_chain_is_used(stores_of(c), w->found.name))
			lose(c, BATON_LOST_USED); /* meanwhile */
		else
			lose(c, BATON_LOST_UNKNOWN);
		w->then(c);
		bt_call_leave(c, entered);
	}
	bt_buf_fini(&w->bytes);
	free(w);
}

/* Asks the disk; false when nobody can. */
static bool
read_start(struct bt_call *c, const struct bt_chain_found *found,
    void (*then)(struct bt_call *))
{
	struct read_work *w = bt_mem_zero(1, sizeof(*w));

	w->work.run = run_read;
	w->work.done = read_done;
	w->call = c;
	w->then = then;
	w->found = *found;
	w->disk = bt_stores_disk(stores_of(c));
	if (bt_work_start(c->x, &w->work) < 0) {
		free(w);
		return false;
	}
	c->x->stages_wait = true; /* and so does what the client sends */
	return true;
}

void
bt_suspend_resume(
    struct bt_call *c, struct bt_str token, void (*then)(struct bt_call *))
{
	struct bt_chain_found found = { 0 };
	int r = bt_chain_get(
	    stores_of(c), c->place->library->id, token, &c->x->arena, &found);

	if (r == -EAGAIN) {
		if (!read_start(c, &found, then))
			bt_reply_busy(c->x);
		return;
	}
	c->store = found.kept ? BT_STORE_MEMORY : BT_STORE_URL;
	if (r == -EBADMSG)
		lose(c, BATON_LOST_BAD);
	else if (r == -EALREADY)
		lose(c, BATON_LOST_USED);
	else if (r < 0)
		lose(c, BATON_LOST_UNKNOWN);
	else
		enter(c, &found);
	then(c);
}

static unsigned
status_of(enum baton_lost why)
{
	return why == BATON_LOST_BAD    ? 400
	    : why == BATON_LOST_UNKNOWN ? 404
					: 410;
}

void
bt_suspend_answer_lost(struct bt_call *c)
{
	const struct baton_app *app = &c->place->library->app;

	if (app->lost != NULL)
		app->lost(c->x, c->lost);
	if (c->x->reply.status == 0 && c->x->work == NULL && !c->held &&
	    c->timers_n == 0)
		bt_reply_error(c->x, status_of(c->lost), BT_STR_NONE);
	else if (c->x->reply.status == 200)
		c->x->reply.status = status_of(c->lost);
}

/* --- suspending --- */

static void
begin_conversation(struct bt_call *c)
{
	if (c->in_conversation)
		return;
	c->in_conversation = true;
	c->generation = 0;
	randombytes_buf(&c->conversation, sizeof(c->conversation));
}

/* The value that the client will send: this answer's, or what it has sent. */
static bool
cookie_value(struct bt_call *c, struct bt_str name, struct bt_str *ret)
{
	for (const struct bt_set_cookie *s = c->cookies; s != NULL; s = s->next)
		if (bt_str_equal(s->name, name)) {
			*ret = s->value;
			return true;
		}
	return bt_cookie_find(&c->x->request, name, ret);
}

/* Binds it to a cookie; the cookie's name goes in front of the state. */
static bool
bind_cookie(struct bt_call *c, const char *cookie, struct bt_record *r)
{
	const struct bt_keys *keys = bt_stores_keys(stores_of(c));
	struct bt_str name = bt_str_of(cookie), value;
	char *state;

	if (!cookie_value(c, name, &value))
		return false;
	state = bt_arena_alloc(&c->x->arena, name.n + 1 + r->state.n);
	memcpy(state, cookie, name.n + 1);
	if (r->state.n > 0)
		memcpy(state + name.n + 1, r->state.p, r->state.n);
	r->state = (struct bt_str){ state, name.n + 1 + r->state.n };
	r->bound = bt_keys_bind(&keys->all[0], value);
	r->flags |= BT_RECORD_BOUND;
	return true;
}

static int64_t
lifetime_s(const struct bt_call *c, const struct baton_suspension *s)
{
	if (s->lifetime_s > 0)
		return s->lifetime_s;
	return c->x->route->conf->scope.continuation_lifetime_ms / 1000;
}

/* What is wrong with it, or NULL; `*ret` is the record. */
static const char *
make_record(
    struct bt_call *c, const struct baton_suspension *s, struct bt_record *ret)
{
	const struct bt_way *way =
	    bt_library_resume(c->place->library, bt_library_id(s->resume));

	if (way == NULL || strcmp(way->name, s->resume) != 0)
		return "there is no resume function of that name";
	if (s->state_n > BATON_STATE_MAX)
		return "its state is too large";
	begin_conversation(c);
	*ret = (struct bt_record){ .app = c->place->library->id,
		.resume = way->id,
		.version = way->version,
		.generation = c->generation,
		.conversation = c->conversation,
		.expires_s = c->place->services->now->wall_s + lifetime_s(c, s),
		.state = { s->state, s->state_n } };
	if (s->once) {
		ret->flags |= BT_RECORD_ONCE;
		randombytes_buf(&ret->salt, sizeof(ret->salt));
	}
	if (s->cookie != NULL && !bind_cookie(c, s->cookie, ret))
		return "the client has no cookie of that name, and is sent "
		       "none";
	return ret->state.n > BT_RECORD_STATE_MAX ? "its state is too large"
						  : NULL;
}

static struct bt_str
make_token(struct bt_call *c, const struct baton_suspension *s)
{
	const struct bt_log log = { c->place->services->describe, c->x };
	struct bt_chain_write write;
	struct bt_record record;
	struct bt_str token;
	const char *why = make_record(c, s, &record);

	if (why != NULL) {
		bt_log_error(&log, 0, "%s, suspend \"%s\": %s",
		    c->place->library->app.name, s->resume, why);
		bt_reply_error(c->x, 500, BT_STR_NONE);
		return BT_STR_NONE;
	}
	if (bt_chain_put(stores_of(c), &c->x->route->conf->scope, &record,
		&c->x->arena, &token, &write) < 0) {
		bt_score_add(&score_of(c)->continuations_refused, 1);
		bt_log_warn(&log, 0,
		    "no store can take a continuation of %zu bytes "
		    "(continuations)",
		    s->state_n);
		bt_reply_busy(c->x);
		return BT_STR_NONE;
	}
	if (write.needed) {
		struct bt_call_write *w =
		    bt_arena_alloc(&c->x->arena, sizeof(*w));

		*w = (struct bt_call_write){ c->writes, write.record };
		c->writes = w;
	}
	return token;
}

const char *
baton_suspend(struct baton_exchange *x, const struct baton_suspension *s)
{
	struct bt_call *c = bt_call_of(x);
	struct bt_str token, path;

	if (!bt_call_is_open(c))
		return NULL;
	token = make_token(c, s);
	if (token.p == NULL)
		return NULL;
	path = bt_path_encode(c->path, &x->arena);
	return bt_arena_printf(&x->arena, "%.*s?" BT_TOKEN_FIELD "=%.*s",
	    BT_STR_ARG(path), BT_STR_ARG(token))
	    .p;
}

void
baton_forget(struct baton_exchange *x)
{
	struct bt_call *c = bt_call_of(x);

	if (c->in_conversation)
		c->generation = bt_chain_revoke(
		    stores_of(c), c->conversation, c->generation);
}

void
baton_suspend_redirect(
    struct baton_exchange *x, const struct baton_suspension *s)
{
	const char *url = baton_suspend(x, s);

	if (url != NULL) {
		bt_reply_drop(x);
		bt_reply_redirect(x, 303, bt_str_of(url));
	}
}

const char *
baton_url_absolute(struct baton_exchange *x, const char *url)
{
	const struct bt_piece scheme = { .var = BT_VAR_SCHEME };
	const struct bt_piece host = { .var = BT_VAR_HOST };
	char out[BT_VAR_BYTES_MAX], out2[BT_VAR_BYTES_MAX];
	struct bt_str s = bt_var_value(x, &scheme, out);
	struct bt_str authority = bt_request_known(&x->request, BT_FIELD_HOST);

	if (authority.n == 0)
		authority = bt_var_value(x, &host, out2);
	return bt_arena_printf(&x->arena, "%.*s://%.*s%s", BT_STR_ARG(s),
	    BT_STR_ARG(authority), url)
	    .p;
}

const char *
baton_url_token(struct baton_exchange *x, const char *url)
{
	const char *equals = strrchr(url, '=');

	return equals ? equals + 1 : url;
}

unsigned
baton_resume_version(struct baton_exchange *x)
{
	return bt_call_of(x)->version;
}

void
baton_reply_lost(struct baton_exchange *x, enum baton_lost why)
{
	struct bt_call *c = bt_call_of(x);

	if (!bt_call_is_open(c))
		return;
	bt_reply_drop(x);
	lose(c, why);
	bt_suspend_answer_lost(c);
}

/* --- on the way out --- */

struct write_work {
	struct bt_work work;
	struct bt_disk *disk;
	struct bt_disk_record *records; /* with their bytes */
	size_t n;
	unsigned status;
	int result;
};

static void
run_write(struct bt_work *work)
{
	struct write_work *w = (struct write_work *)work;

	w->result = bt_disk_put_all(w->disk, w->records, w->n);
}

static void
write_free(struct write_work *w)
{
	for (size_t i = 0; i < w->n; i++)
		free((void *)(uintptr_t)w->records[i].bytes.p);
	free(w->records);
	free(w);
}

static void
write_done(struct bt_work *work)
{
	struct write_work *w = (struct write_work *)work;
	struct baton_exchange *x = work->x;

	if (x != NULL) {
		x->reply.status = w->status;
		if (w->result < 0) {
			const struct bt_log log = { x->services->describe, x };

			bt_score_add(
			    &x->services->score->continuations_refused, w->n);
			bt_log_warn(&log, w->result,
			    "continuations cannot be written to %s",
			    x->services->conf->disk.folder);
			bt_reply_drop(x);
			bt_reply_busy(x);
		}
		bt_stages_go_on(x);
	}
	write_free(w);
}

/* Copies: the exchange may end while they are written. */
static struct write_work *
write_new(struct bt_call *c)
{
	struct write_work *w = bt_mem_zero(1, sizeof(*w));
	size_t n = 0;

	for (struct bt_call_write *r = c->writes; r != NULL; r = r->next)
		n++;
	w->work.run = run_write;
	w->work.done = write_done;
	w->disk = bt_stores_disk(stores_of(c));
	w->records = bt_mem_zero(n, sizeof(*w->records));
	for (struct bt_call_write *r = c->writes; r != NULL; r = r->next) {
		struct bt_disk_record *copy = &w->records[w->n++];

		*copy = r->record;
		copy->bytes.p =
		    bt_mem_strndup(r->record.bytes.p, r->record.bytes.n);
	}
	return w;
}

enum baton_step
bt_suspend_leave(struct bt_call *c)
{
	struct baton_exchange *x = c->x;
	struct write_work *w;

	if (c->writes == NULL || x->reply.status >= 500)
		return BATON_NEXT;
	w = write_new(c);
	c->writes = NULL;
	w->status = x->reply.status;
	if (x->work != NULL || bt_work_start(x, &w->work) < 0) {
		write_free(w);
		bt_reply_drop(x);
		bt_reply_busy(x);
		return BATON_NEXT;
	}
	x->reply.status = 0; /* not yet */
	return BATON_WAIT;
}
