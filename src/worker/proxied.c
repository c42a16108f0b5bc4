/*
 * Connections through a proxy that speaks the PROXY protocol.  The header is
 * read as heads are: as far as it has come, with header_timeout, and moved to
 * another worker with what was read of it.  Worker, on the loop.
 */

#include "worker/proxied.h"

#include "base/log.h"
#include "http/proxy_header.h"
#include "worker/worker.h"

static bool
is_trusted(const struct bt_conn *c)
{
	const struct bt_conf *conf = c->worker->conf;
	struct bt_addr peer;

	bt_baton_peer(&c->baton, &peer);
	for (size_t i = 0; i < conf->proxies_n; i++)
		if (bt_addr_block_has(&conf->proxies[i], &peer))
			return true;
	return false;
}

static void
refuse(struct bt_conn *c, const char *why)
{
	struct bt_log log = { bt_conn_describe, c };

	bt_log_warn(&log, 0, "PROXY protocol: %s; closed", why);
	bt_conn_close(c, BT_CLOSE_BAD_REQUEST);
}

void
bt_proxied_begin(struct bt_conn *c)
{
	struct bt_baton *b = &c->baton;

	/* one with requests began when the conf was another one */
	if ((b->flags & BT_BATON_PROXIED) || b->requests > 0 ||
	    !bt_router_expects_proxy(c->worker->router, b->listen))
		return;
	b->flags |= BT_BATON_PROXY_DUE;
	if (!is_trusted(c))
		refuse(c, "not from one of trusted_proxies");
}

bool
bt_proxied_read(struct bt_conn *c)
{
	struct bt_input *in = &c->in;
	struct bt_str bytes = { in->data + in->at, in->end - in->at };
	struct bt_proxy_header h;
	const char *why;

	switch (bt_proxy_header_parse(bytes, &h, &why)) {
	case BT_PARSE_MORE:
		return false;
	case BT_PARSE_REFUSED:
		refuse(c, why);
		return false;
	case BT_PARSE_DONE:
		break;
	}
	in->at += (uint32_t)h.bytes;
	c->baton.flags &= (uint16_t)~BT_BATON_PROXY_DUE;
	c->baton.flags |= BT_BATON_PROXIED;
	if (h.has_client)
		bt_baton_set_peer(&c->baton, &h.client);
	bt_guard_learn(&c->worker->guard, c->fd, &c->baton);
	return true;
}
