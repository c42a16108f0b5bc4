/*
 * `status`: a page for people, which refreshes itself, and the same as JSON for
 * who asks for that.  Here it is gathered; status_html.c and status_json.c
 * write it.  Worker, on the loop; any worker tells of all of them.
 */

#include "handlers/status.h"

#include "handlers/reply.h"
#include "handlers/rows.h"
#include "http/accept.h"

#include <stdio.h>
#include <sys/random.h>

const char *const bt_status_time_names[BT_TIMES] = {
	[BT_TIME_QUEUE] = "queue",
	[BT_TIME_FIRST_BYTE] = "first_byte",
	[BT_TIME_ANSWER] = "answer",
};

static void
gather_times(struct bt_status *s)
{
	for (enum bt_time i = 0; i < BT_TIMES; i++) {
		struct bt_status_times *t = &s->times[i];

		bt_score_times_read(s->board, i, &t->all);
		t->n = bt_histogram_count(&t->all);
		t->p50_us = bt_histogram_quantile(&t->all, 0.50);
		t->p95_us = bt_histogram_quantile(&t->all, 0.95);
		t->p99_us = bt_histogram_quantile(&t->all, 0.99);
	}
}

static void
gather_proxy(struct bt_status_proxy *p, const struct bt_score_worker *w)
{
	uint64_t longest_s = bt_score_get(&w->held_longest_s);

	p->held += bt_score_get(&w->held_requests);
	p->released += bt_score_get(&w->held_released);
	p->given_up += bt_score_get(&w->held_given_up);
	p->left += bt_score_get(&w->held_left);
	p->moved += bt_score_get(&w->held_moved);
	p->waited += bt_score_get(&w->holds);
	if (longest_s > p->longest_s)
		p->longest_s = longest_s;
	p->refused += bt_score_get(&w->held_refused);
	p->connects += bt_score_get(&w->proxy_connects);
	p->connects_failed += bt_score_get(&w->proxy_connects_failed);
	p->tunnels += bt_score_get(&w->tunnels);
	p->tunnels_begun += bt_score_get(&w->tunnels_begun);
}

static void
gather_sums(struct bt_status *s)
{
	for (unsigned i = 0; i < s->board->slots_n; i++) {
		const struct bt_score_worker *w = &s->board->slots[i].worker;

		s->requests += bt_score_get(&w->requests);
		s->bytes_in += bt_score_get(&w->bytes_in);
		s->bytes_out += bt_score_get(&w->bytes_out);
		s->memory_bytes += bt_score_get(&w->memory_bytes);
		for (unsigned class = 1; class <= 5; class ++)
			s->responses[class] +=
			    bt_score_get(&w->responses[class]);
		for (unsigned why = 0; why < BT_CLOSE_REASONS; why++)
			s->closed[why] += bt_score_get(&w->closed[why]);
		gather_proxy(&s->proxy, w);
	}
}

static void
gather(struct bt_status *s, const struct bt_services *services)
{
	const struct bt_score_master *m = &services->board->master;

	s->services = services;
	s->board = services->board;
	s->now_us = services->now->us;
	s->wall_s = services->now->wall_s;
	s->up_s = s->wall_s - __atomic_load_n(&m->started_s, __ATOMIC_RELAXED);
	s->generation = __atomic_load_n(&m->generation, __ATOMIC_RELAXED);
	bt_ledger_read(s->board, &s->ledger);
	gather_sums(s);
	gather_times(s);
	s->events_n = bt_events_read(&m->events, s->events);
}

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void
read_worker(
    const struct bt_score_slot *s, unsigned slot, struct bt_status_worker *ret)
{
	const struct bt_score_worker *w = &s->worker;
	uint64_t gone = bt_score_get(&w->done) + bt_score_get(&w->handed_back) +
	    bt_score_get(&s->crashed) + bt_score_get(&s->rescued);
	uint64_t taken = bt_score_get(&w->taken);
	int pid = __atomic_load_n(&s->pid, __ATOMIC_RELAXED);

	*ret = (struct bt_status_worker){
		.slot = slot,
		.pid = pid,
		.state = pid == 0                 ? "gone"
		    : bt_score_get(&s->stale) > 0 ? "stale"
						  : "running",
		.generation = __atomic_load_n(&s->generation, __ATOMIC_RELAXED),
		.open = less(taken, gone),
		.taken = taken,
		.requests = bt_score_get(&w->requests),
		.bytes_out = bt_score_get(&w->bytes_out),
		.memory_bytes = bt_score_get(&w->memory_bytes),
		.started = bt_score_get(&s->started),
		.crashed = bt_score_get(&s->crashed),
		.in_channel = less(bt_score_get(&s->dealt),
		    taken + bt_score_get(&w->lost) +
			bt_score_get(&s->recalled)),
	};
}

bool
bt_status_worker(
    const struct bt_status *s, unsigned *slot, struct bt_status_worker *ret)
{
	for (; *slot < s->board->slots_n; (*slot)++) {
		const struct bt_score_slot *score = &s->board->slots[*slot];

		if (bt_score_get(&score->started) == 0)
			continue;
		read_worker(score, (*slot)++, ret);
		return true;
	}
	return false;
}

static void
release(void *arg)
{
	bt_buf_fini(arg);
}

static bool
make_nonce(char nonce[static BT_STATUS_NONCE + 1])
{
	uint8_t random[BT_STATUS_NONCE / 2];

	if (getrandom(random, sizeof(random), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(random))
		return false;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(nonce + 2 * i, 3, "%02x", random[i]);
	return true;
}

#define COMMON_FIELDS "Cache-Control: no-store\r\nVary: Accept\r\n"

static void
answer_json(
    struct baton_exchange *x, const struct bt_status *s, struct bt_buf *b)
{
	bt_status_put_json(b, s);
	bt_reply_bytes(x, 200,
	    BT_STR("Content-Type: application/json\r\n" COMMON_FIELDS),
	    bt_buf_str(b));
}

static void
answer_html(
    struct baton_exchange *x, const struct bt_status *s, struct bt_buf *b)
{
	char nonce[BT_STATUS_NONCE + 1];

	if (!make_nonce(nonce)) { /* early at boot */
		bt_reply_busy(x);
		return;
	}
	bt_status_put_html(b, s, nonce);
	bt_reply_bytes(x, 200,
	    bt_arena_printf(&x->arena,
		"Content-Type: text/html; charset=utf-8\r\n" COMMON_FIELDS
		"Content-Security-Policy: default-src 'none'; "
		"style-src 'nonce-%s'; script-src 'nonce-%s'; "
		"connect-src 'self'; base-uri 'none'; form-action 'none'; "
		"frame-ancestors 'none'\r\n"
		"X-Content-Type-Options: nosniff\r\n",
		nonce, nonce),
	    bt_buf_str(b));
}

static void
answer(struct baton_exchange *x)
{
	const struct bt_str types[] = { BT_STR("text/html"),
		BT_STR("application/json") };
	struct bt_status *s = bt_arena_zero(&x->arena, sizeof(*s));
	struct bt_buf *b = bt_arena_zero(&x->arena, sizeof(*b));

	gather(s, x->route->services);
	/* who wants neither gets the page, as an answer to 406 would be */
	if (bt_accept_type(&x->request, types, 2) == 1)
		answer_json(x, s, b);
	else
		answer_html(x, s, b);
	bt_reply_says_fresh(x);
	bt_reply_on_release(x, release, b);
}

const struct bt_handler bt_handler_status = {
	.name = "status",
	.methods = BT_METHODS_READ,
	.answer = answer,
};
