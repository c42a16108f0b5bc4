/*
 * The stages that look at the client's address.  Worker, on the loop.
 */

#include "handlers/gate.h"

static bool
rate_is_on(const struct bt_route *route)
{
	return route->services->conf->limit_rate > 0;
}

/* Who has asked too much is told when to come again; the connection stays. */
static enum baton_step
rate_enter(struct baton_exchange *x)
{
	const struct bt_services *s = x->services;
	const struct bt_rate rate = { s->conf->limit_rate,
		s->conf->limit_rate_burst };
	uint64_t key = bt_rates_key(s->rates, x->baton->family, x->baton->host);
	int64_t ms;

	if (key == 0 || x->again || /* it was counted when it came */
	    (ms = bt_rates_take(s->rates, key, rate, s->now->ms)) == 0)
		return BATON_NEXT;
	bt_score_add(&s->score->limited, 1);
	bt_reply_error(x, 429,
	    bt_arena_printf(&x->arena, "Retry-After: %lld\r\n",
		(long long)(ms + 999) / 1000));
	return BATON_ANSWERED;
}

const struct bt_stage bt_stage_rate = {
	.stage = { .name = "limit_rate", .enter = rate_enter },
	.is_on = rate_is_on,
};

bool
bt_route_allows(const struct bt_route *route, const struct bt_baton *client)
{
	const struct bt_conf_scope *scope = &route->conf->scope;
	struct bt_addr addr;

	bt_baton_peer(client, &addr);
	for (size_t i = 0; i < scope->access_n; i++)
		if (bt_addr_block_has(&scope->access[i].block, &addr))
			return scope->access[i].allow;
	return true; /* a list that is not empty ends with a rule for all */
}

static bool
access_is_on(const struct bt_route *route)
{
	return route->conf->scope.access_n > 0;
}

static enum baton_step
access_enter(struct baton_exchange *x)
{
	if (bt_route_allows(x->route, x->baton))
		return BATON_NEXT;
	bt_reply_error(x, 403, BT_STR_NONE);
	return BATON_ANSWERED;
}

const struct bt_stage bt_stage_access = {
	.stage = { .name = "access", .enter = access_enter },
	.is_on = access_is_on,
};
