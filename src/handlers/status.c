/*
 * `status`: a page for people with the ledger and the workers.  Worker, on the
 * loop; any worker tells of all of them.
 */

#include "handlers/reply.h"
#include "handlers/rows.h"

#include "base/buf.h"

#include <inttypes.h>

static const char page_head[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta http-equiv=\"refresh\" content=\"2\">\n"
    "<title>baton: status</title>\n"
    "<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:54rem;"
    "margin:2rem auto;padding:0 1rem;background:light-dark(#fbfaf7,#16181c);"
    "color:light-dark(#222,#ddd)}\n"
    "h1{font-size:1.4rem;margin-bottom:0}"
    "h2{font-size:1.1rem;margin-top:2rem}\n"
    "div{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.2rem .9rem .2rem 0;text-align:right;"
    "white-space:nowrap;border-bottom:1px solid #8884}\n"
    "th:first-child,td:first-child,.note{text-align:left}\n"
    "th{font-weight:600}.note{white-space:normal}\n"
    ".note,.up,.gone{color:light-dark(#666,#999)}\n"
    ".bad{color:light-dark(#b00020,#ff6b7a);font-weight:600}\n"
    "</style>\n"
    "<h1>baton " BT_VERSION "</h1>\n";

static void
put_row(struct bt_buf *b, const char *name, uint64_t value, const char *means)
{
	bt_buf_printf(b, "<tr><td>%s<td>%" PRIu64 "<td class=note>%s\n", name,
	    value, means);
}

static void
put_ledger(struct bt_buf *b, const struct bt_scoreboard *board)
{
	struct bt_ledger l;

	bt_ledger_read(board, &l);
	bt_buf_puts(b, "<h2>Connections</h2>\n<div><table>\n");
	put_row(b, "accepted", l.accepted,
	    "and those returned = dealt + held + refused");
	put_row(b, "returned", l.returned, "handed back by workers");
	put_row(b, "dealt", l.dealt, "= taken + in channel");
	put_row(b, "held", l.held, "waiting in the master");
	put_row(b, "refused", l.refused, "by a limit, or at the end");
	put_row(b, "in channel", l.in_channel, "");
	put_row(b, "taken", l.taken, "= open + done + handed back + crashed");
	put_row(b, "open", l.open, "");
	put_row(b, "done", l.done, "");
	put_row(b, "handed back", l.handed_back, "");
	put_row(b, "crashed", l.crashed, "");
	bt_buf_printf(b,
	    "<tr%s><td>lost<td>%" PRIu64 "<td class=note>must be 0\n",
	    l.lost ? " class=bad" : "", l.lost);
	bt_buf_puts(b, "</table></div>\n");
}

/* A slot without a process tells what its workers have done, and is dimmed. */
static void
put_worker(struct bt_buf *b, unsigned i, pid_t pid)
{
	if (pid > 0)
		bt_buf_printf(b, "<tr><td>%u<td>%d", i, (int)pid);
	else
		bt_buf_printf(b, "<tr class=gone><td>%u<td>none", i);
}

static void
put_workers(struct bt_buf *b, const struct bt_scoreboard *board)
{
	bt_buf_puts(b,
	    "<h2>Workers</h2>\n<div><table>\n"
	    "<tr><th>worker<th>pid<th>open<th>taken<th>requests"
	    "<th>2xx<th>3xx<th>4xx<th>5xx<th>MB sent<th>MB held<th>starts\n");
	for (unsigned i = 0; i < board->slots_n; i++) {
		const struct bt_score_slot *s = &board->slots[i];
		const struct bt_score_worker *w = &s->worker;
		uint64_t gone = bt_score_get(&w->done) +
		    bt_score_get(&w->handed_back) + bt_score_get(&s->crashed) +
		    bt_score_get(&s->rescued);
		uint64_t taken = bt_score_get(&w->taken);

		if (bt_score_get(&s->started) == 0)
			continue;
		put_worker(b, i, s->pid);
		bt_buf_printf(b, "<td>%" PRIu64 "<td>%" PRIu64 "<td>%" PRIu64,
		    taken > gone ? taken - gone : 0, taken,
		    bt_score_get(&w->requests));
		for (unsigned class = 2; class <= 5; class ++)
			bt_buf_printf(b, "<td>%" PRIu64,
			    bt_score_get(&w->responses[class]));
		bt_buf_printf(b, "<td>%.1f<td>%.1f<td>%" PRIu64 "\n",
		    (double)bt_score_get(&w->bytes_out) / 1e6,
		    (double)bt_score_get(&w->memory_bytes) / 1e6,
		    bt_score_get(&s->started));
	}
	bt_buf_puts(b, "</table></div>\n");
}

static void
release(void *arg)
{
	bt_buf_fini(arg);
}

static void
answer(struct bt_exchange *x)
{
	const struct bt_services *s = x->route->services;
	struct bt_buf *b = bt_arena_zero(&x->arena, sizeof(*b));
	int64_t up = s->now->wall_s - s->board->master.started_s;

	bt_buf_puts(b, page_head);
	bt_buf_puts(b, "<p class=up>up ");
	if (up >= 86400)
		bt_buf_printf(b, "%lld d ", (long long)(up / 86400));
	bt_buf_printf(b, "%02lld:%02lld:%02lld, generation %u</p>\n",
	    (long long)(up / 3600 % 24), (long long)(up / 60 % 60),
	    (long long)(up % 60), s->board->master.generation);
	put_ledger(b, s->board);
	put_workers(b, s->board);
	bt_reply_bytes(x, 200,
	    BT_STR("Content-Type: text/html; charset=utf-8\r\n"
		   "Cache-Control: no-store\r\n"),
	    bt_buf_str(b));
	bt_reply_says_fresh(x);
	bt_reply_on_release(x, release, b);
}

const struct bt_handler bt_handler_status = {
	.name = "status",
	.methods = BT_METHODS_READ,
	.answer = answer,
};
