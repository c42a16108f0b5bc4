/*
 * `status` as JSON.  Numbers are as they are counted, units are in the names;
 * of a histogram there is what is in it, [from, up to, how many], in us: who
 * asks twice can say how long things took in between, as the page does.
 * Worker, on the loop.
 */

#include "handlers/status.h"

#include "base/escape.h"

#include <inttypes.h>

static void
put_u64(struct bt_buf *b, const char *name, uint64_t value)
{
	bt_buf_printf(b, "%s\"%s\":%" PRIu64,
	    b->data[b->len - 1] == '{' ? "" : ",", name, value);
}

static void
put_ledger(struct bt_buf *b, const struct bt_ledger *l)
{
	bt_buf_puts(b, ",\n\"ledger\":{");
	put_u64(b, "accepted", l->accepted);
	put_u64(b, "returned", l->returned);
	put_u64(b, "dealt", l->dealt);
	put_u64(b, "held", l->held);
	put_u64(b, "refused", l->refused);
	put_u64(b, "in_channel", l->in_channel);
	put_u64(b, "taken", l->taken);
	put_u64(b, "open", l->open);
	put_u64(b, "done", l->done);
	put_u64(b, "handed_back", l->handed_back);
	put_u64(b, "crashed", l->crashed);
	put_u64(b, "lost", l->lost);
	bt_buf_putc(b, '}');
}

static void
put_totals(struct bt_buf *b, const struct bt_status *s)
{
	bt_buf_puts(b, ",\n\"totals\":{");
	put_u64(b, "requests", s->requests);
	put_u64(b, "received_bytes", s->bytes_in);
	put_u64(b, "sent_bytes", s->bytes_out);
	put_u64(b, "memory_bytes", s->memory_bytes);
	bt_buf_puts(b, "},\n\"responses\":{");
	for (unsigned class = 1; class <= 5; class ++)
		put_u64(b, (char[]){ (char)('0' + class), 'x', 'x', '\0' },
		    s->responses[class]);
	bt_buf_puts(b, "},\n\"closed\":{");
	for (unsigned why = 0; why < BT_CLOSE_REASONS; why++)
		put_u64(b, bt_close_reason_names[why], s->closed[why]);
	bt_buf_putc(b, '}');
}

static void
put_proxy(struct bt_buf *b, const struct bt_status *s)
{
	const struct bt_status_proxy *p = &s->proxy;
	struct bt_origin_report o;

	if (s->services->origin == NULL)
		return;
	bt_buf_puts(b, ",\n\"proxy\":{");
	put_u64(b, "waited", p->waited);
	put_u64(b, "held", p->held);
	put_u64(b, "released", p->released);
	put_u64(b, "given_up", p->given_up);
	put_u64(b, "left", p->left);
	put_u64(b, "moved", p->moved);
	put_u64(b, "longest_s", p->longest_s);
	put_u64(b, "refused", p->refused);
	put_u64(b, "connects", p->connects);
	put_u64(b, "connects_failed", p->connects_failed);
	put_u64(b, "tunnels", p->tunnels);
	put_u64(b, "tunnels_begun", p->tunnels_begun);
	bt_buf_puts(b, "},\n\"servers\":[");
	for (size_t i = 0; s->services->origin(s->services, i, &o); i++) {
		bt_buf_printf(b, "%s\n{\"upstream\":\"", i ? "," : "");
		bt_escape_json(b, o.upstream);
		bt_buf_puts(b, "\",\"server\":\"");
		bt_escape_json(b, o.server);
		bt_buf_printf(b, "\",\"state\":\"%s\"}", o.up ? "up" : "down");
	}
	bt_buf_putc(b, ']');
}

static void
put_workers(struct bt_buf *b, const struct bt_status *s)
{
	struct bt_status_worker w;
	const char *comma = "";

	bt_buf_puts(b, ",\n\"workers\":[");
	for (unsigned slot = 0; bt_status_worker(s, &slot, &w); comma = ",") {
		bt_buf_printf(b, "%s\n{", comma);
		put_u64(b, "worker", w.slot);
		put_u64(b, "pid", (uint64_t)w.pid);
		bt_buf_printf(b, ",\"state\":\"%s\"", w.state);
		put_u64(b, "generation", w.generation);
		put_u64(b, "open", w.open);
		put_u64(b, "in_channel", w.in_channel);
		put_u64(b, "taken", w.taken);
		put_u64(b, "requests", w.requests);
		put_u64(b, "sent_bytes", w.bytes_out);
		put_u64(b, "memory_bytes", w.memory_bytes);
		put_u64(b, "started", w.started);
		put_u64(b, "crashed", w.crashed);
		bt_buf_putc(b, '}');
	}
	bt_buf_putc(b, ']');
}

static void
put_buckets(struct bt_buf *b, const struct bt_histogram *h)
{
	const char *comma = "";

	bt_buf_puts(b, ",\"buckets_us\":[");
	for (unsigned i = 0; i < BT_HISTOGRAM_BUCKETS; i++) {
		if (h->counts[i] == 0)
			continue;
		bt_buf_printf(b, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
		    comma, bt_histogram_bound(i), bt_histogram_bound(i + 1),
		    h->counts[i]);
		comma = ",";
	}
	bt_buf_putc(b, ']');
}

static void
put_times(struct bt_buf *b, const struct bt_status *s)
{
	bt_buf_puts(b, ",\n\"times\":{");
	for (enum bt_time i = 0; i < BT_TIMES; i++) {
		const struct bt_status_times *t = &s->times[i];

		bt_buf_printf(
		    b, "%s\n\"%s\":{", i ? "," : "", bt_status_time_names[i]);
		put_u64(b, "count", t->n);
		put_u64(b, "sum_us", t->all.sum_us);
		put_u64(b, "p50_us", t->p50_us);
		put_u64(b, "p95_us", t->p95_us);
		put_u64(b, "p99_us", t->p99_us);
		put_buckets(b, &t->all);
		bt_buf_putc(b, '}');
	}
	bt_buf_putc(b, '}');
}

static void
put_events(struct bt_buf *b, const struct bt_status *s)
{
	bt_buf_puts(b, ",\n\"events\":[");
	for (size_t i = 0; i < s->events_n; i++) {
		bt_buf_printf(b, "%s\n{\"time_s\":%" PRIu32 ",\"text\":\"",
		    i ? "," : "", s->events[i].time_s);
		bt_escape_json(b, bt_str_of(s->events[i].text));
		bt_buf_puts(b, "\"}");
	}
	bt_buf_puts(b, "]");
}

void
bt_status_put_json(struct bt_buf *b, const struct bt_status *s)
{
	bt_buf_puts(b, "{\"version\":\"" BT_VERSION "\"");
	put_u64(b, "generation", s->generation);
	put_u64(b, "time_s", (uint64_t)s->wall_s);
	put_u64(b, "up_s", (uint64_t)(s->up_s > 0 ? s->up_s : 0));
	put_u64(b, "clock_us", (uint64_t)s->now_us);
	put_ledger(b, &s->ledger);
	put_totals(b, s);
	put_proxy(b, s);
	put_workers(b, s);
	put_times(b, s);
	put_events(b, s);
	bt_buf_puts(b, "}\n");
}
