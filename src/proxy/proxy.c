/*
 * `proxy`: another server answers.  The content of requests goes through a
 * block, that of answers from the server's socket into the client's output:
 * neither is read faster than the other side takes it, but what is held while
 * there is no server.  Worker, on the loop.
 */

#include "handlers/rows.h"
#include "proxy/buffering.h"
#include "proxy/framing.h"
#include "proxy/holding.h"
#include "proxy/message.h"

static void
on_end(struct baton_exchange *x, enum baton_end how, void *arg)
{
	struct bt_proxying *p = arg;
	struct bt_upstreams *all = p->upstream->all;

	if (p->link != NULL)
		bt_link_give(p->link, false);
	p->link = NULL;
	bt_buffering_end(p);
	bt_holding_end(p);
	bt_upstream_leave(p->upstream, p, false);
	bt_pool_give(&all->blocks, p->out.data);
	bt_pool_give(&all->blocks, p->in.data);
}

static void
answer(struct baton_exchange *x)
{
	const struct bt_conf_proxy *conf = x->route->conf->proxy;
	struct bt_upstreams *all = x->services->upstreams;
	struct bt_proxying *p = bt_arena_alloc(&x->arena, sizeof(*p));

	memset(p, 0, offsetof(struct bt_proxying, parser));
	p->x = x;
	p->conf = conf;
	p->upgrade = bt_proxy_upgrade(x);
	p->for_refused = x->refused;
	p->for_page = x->error.status != 0;
	p->repeatable = bt_proxying_is_repeatable(x->request.method);
	p->upstream = &all->list[conf->upstream->id];
	p->epoch = atomic_load_explicit(
	    &p->upstream->standing->epoch, memory_order_relaxed);
	p->until_ms = conf->try_duration_ms > 0
	    ? x->begun_us / 1000 + conf->try_duration_ms
	    : 0;
	p->end = (struct bt_end){ x->ends, on_end, p };
	x->ends = &p->end;
	x->state = p;
	x->wants_content = !x->content_over && !p->for_page;
	if (x->request.chunked)
		bt_parser_keep_trailers(&x->parser, &x->arena);
	x->watch_gone = true;
	bt_proxying_try(p);
}

static size_t
room(struct baton_exchange *x)
{
	struct bt_proxying *p = x->state;

	return bt_holding_is_first(p) ? bt_holding_room(p) : bt_framing_room(p);
}

static void
content(struct baton_exchange *x, struct bt_str piece)
{
	struct bt_proxying *p = x->state;

	if (bt_holding_is_first(p)) {
		bt_holding_add(p, piece);
		return;
	}
	bt_framing_put(p, piece);
	/* the last piece goes with what content_end() adds */
	if (p->chunked ? !x->parser.complete : x->parser.rest > 0)
		bt_proxying_flush(p);
}

static void
content_end(struct baton_exchange *x)
{
	struct bt_proxying *p = x->state;

	if (bt_holding_is_first(p)) {
		bt_holding_add_end(p);
		return;
	}
	bt_framing_put_end(p);
	bt_proxying_flush(p);
}

const struct bt_handler bt_handler_proxy = {
	.name = "proxy",
	.methods = BT_METHODS_ALL & ~BT_METHOD_BIT(BT_METHOD_TRACE),
	.answer = answer,
	.room = room,
	.content = content,
	.content_end = content_end,
};
