/*
 * `status` as a page.  It is whole without a script; with one, status_page.c
 * has it fill in new numbers each second, by the ids that are given here.
 * Worker, on the loop.
 */

#include "handlers/status.h"

#include "base/escape.h"
#include "base/human.h"

#include <inttypes.h>
#include <time.h>

static void
put_bytes(struct bt_buf *b, double bytes)
{
	char text[BT_HUMAN_MAX];

	bt_human_bytes(bytes, text);
	bt_buf_puts(b, text);
}

static void
put_rate(struct bt_buf *b, double rate)
{
	char text[BT_HUMAN_MAX];

	bt_human_rate(rate, text);
	bt_buf_puts(b, text);
}

static void
put_head(struct bt_buf *b, const struct bt_status *s, const char *nonce)
{
	char up[BT_HUMAN_MAX];

	bt_buf_printf(b,
	    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, "
	    "initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n"
	    "<title>baton: status</title>\n"
	    "<style nonce=\"%.*s\">\n%s</style>\n",
	    BT_STATUS_NONCE, nonce, bt_status_style);
	bt_human_up(s->up_s, up);
	bt_buf_printf(b,
	    "<header><h1>baton " BT_VERSION "</h1>\n"
	    "<p>up <span id=\"up\">%s</span>, generation "
	    "<span id=\"generation\">%" PRIu32 "</span>"
	    "<span id=\"live\"></span></p></header>\n",
	    up, s->generation);
	bt_buf_printf(b,
	    "<p id=\"alarm\"%s>Connections were lost on their way to a worker. "
	    "That must not be: please report it.</p>\n",
	    s->ledger.lost ? "" : " hidden");
}

/* A number with a line that shows how it changed; without a script, a mean. */
static void
put_card_begin(struct bt_buf *b, const char *id, const char *title)
{
	bt_buf_printf(b,
	    "<div class=\"card\"><h2>%s</h2>\n<p class=\"now\"><b id=\"%s\">",
	    title, id);
}

static void
put_card_end(struct bt_buf *b, const char *id)
{
	bt_buf_printf(b,
	    "</b></p>\n<svg id=\"chart-%s\" viewBox=\"0 0 240 48\" "
	    "preserveAspectRatio=\"none\" aria-hidden=\"true\"></svg></div>\n",
	    id);
}

static void
put_rates(struct bt_buf *b, const struct bt_status *s)
{
	double up_s = s->up_s > 0 ? (double)s->up_s : 1;

	put_card_begin(b, "requests", "Requests each second");
	put_rate(b, (double)s->requests / up_s);
	put_card_end(b, "requests");
	put_card_begin(b, "connections", "New connections each second");
	put_rate(b, (double)s->ledger.accepted / up_s);
	put_card_end(b, "connections");
	put_card_begin(b, "sent", "Sent each second");
	put_bytes(b, (double)s->bytes_out / up_s);
	put_card_end(b, "sent");
}

static void
put_quantile(struct bt_buf *b, const char *time, const char *name, uint64_t us)
{
	char text[BT_HUMAN_MAX];

	bt_human_us(us, text);
	bt_buf_printf(b,
	    "<span class=\"%s\">%s <b id=\"%s-%s\">%s</b></span>\n", name, name,
	    time, name, text);
}

static void
put_times(struct bt_buf *b, const struct bt_status *s)
{
	static const char *const titles[BT_TIMES] = {
		[BT_TIME_QUEUE] = "Accepted until taken by a worker",
		[BT_TIME_FIRST_BYTE] = "Request until first byte",
		[BT_TIME_ANSWER] = "Request until last byte",
	};

	for (enum bt_time i = 0; i < BT_TIMES; i++) {
		const struct bt_status_times *t = &s->times[i];
		const char *name = bt_status_time_names[i];

		bt_buf_printf(b,
		    "<div class=\"card\"><h2>%s</h2>\n<p class=\"quantiles\">",
		    titles[i]);
		put_quantile(b, name, "p50", t->p50_us);
		put_quantile(b, name, "p95", t->p95_us);
		put_quantile(b, name, "p99", t->p99_us);
		bt_buf_printf(b,
		    "</p>\n<svg id=\"chart-%s\" viewBox=\"0 0 240 48\" "
		    "preserveAspectRatio=\"none\" aria-hidden=\"true\">"
		    "</svg></div>\n",
		    name);
	}
}

static void
put_worker(struct bt_buf *b, const struct bt_status_worker *w)
{
	bt_buf_printf(b, "<tr class=\"%s\"><td>%u<td>", w->state, w->slot);
	if (w->pid > 0)
		bt_buf_printf(b, "%d", w->pid);
	bt_buf_printf(b,
	    "<td class=\"state\">%s<td>%" PRIu32 "<td>%" PRIu64 "<td>%" PRIu64
	    "<td>%" PRIu64 "<td class=\"live\"><td>",
	    w->state, w->generation, w->open, w->in_channel, w->requests);
	put_bytes(b, (double)w->bytes_out);
	bt_buf_puts(b, "<td>");
	put_bytes(b, (double)w->memory_bytes);
	bt_buf_printf(b, "<td>%" PRIu64 "\n", w->started);
}

static void
put_workers(struct bt_buf *b, const struct bt_status *s)
{
	struct bt_status_worker w;

	bt_buf_puts(b,
	    "<section><h2>Workers</h2>\n<div class=\"wide\"><table>\n"
	    "<thead><tr><th>worker<th>pid<th class=\"state\">state"
	    "<th>generation<th>open<th>queued<th>requests<th class=\"live\">"
	    "each second<th>sent<th>memory<th>starts\n"
	    "<tbody id=\"workers\">\n");
	for (unsigned slot = 0; bt_status_worker(s, &slot, &w);)
		put_worker(b, &w);
	bt_buf_puts(b, "</table></div></section>\n");
}

static void
put_term_of(struct bt_buf *b, const char *kind, const char *sign,
    const char *id, const char *name, uint64_t value)
{
	bt_buf_printf(b, "%s<span>%s <b id=\"%s-%s\">%" PRIu64 "</b></span>\n",
	    sign, name, kind, id, value);
}

static void
put_term(struct bt_buf *b, const char *sign, const char *id, const char *name,
    uint64_t value)
{
	put_term_of(b, "ledger", sign, id, name, value);
}

/* The lines of the ledger, as the sums that they are. */
static void
put_ledger(struct bt_buf *b, const struct bt_status *s)
{
	const struct bt_ledger *l = &s->ledger;

	bt_buf_puts(b, "<section class=\"sums\"><h2>Connections</h2>\n<p>");
	put_term(b, "", "accepted", "accepted", l->accepted);
	put_term(b, "+ ", "returned", "returned", l->returned);
	put_term(b, "= ", "dealt", "dealt", l->dealt);
	put_term(b, "+ ", "held", "held", l->held);
	put_term(b, "+ ", "refused", "refused", l->refused);
	bt_buf_puts(b, "<p><span>dealt</span>\n");
	put_term(b, "= ", "taken", "taken", l->taken);
	put_term(b, "+ ", "in_channel", "in channel", l->in_channel);
	put_term(b, "+ ", "lost", "lost", l->lost);
	bt_buf_puts(b, "<p><span>taken</span>\n");
	put_term(b, "= ", "open", "open", l->open);
	put_term(b, "+ ", "done", "done", l->done);
	put_term(b, "+ ", "handed_back", "handed back", l->handed_back);
	put_term(b, "+ ", "crashed", "crashed", l->crashed);
	bt_buf_puts(b, "</section>\n");
}

static void
put_servers(struct bt_buf *b, const struct bt_services *services)
{
	struct bt_origin_report o;

	bt_buf_puts(b,
	    "<section><h2>Servers behind</h2>\n<div class=\"wide\"><table>\n"
	    "<thead><tr><th>upstream<th class=\"state\">server"
	    "<th class=\"state\">state\n<tbody id=\"servers\">\n");
	for (size_t i = 0; services->origin(services, i, &o); i++) {
		bt_buf_printf(b, "<tr class=\"%s\"><td>", o.up ? "up" : "down");
		bt_escape_html(b, o.upstream);
		bt_buf_puts(b, "<td class=\"text\">");
		bt_escape_html(b, o.server);
		bt_buf_printf(
		    b, "<td class=\"state\">%s\n", o.up ? "up" : "down");
	}
	bt_buf_puts(b, "</table></div></section>\n");
}

/* Those that waited for a server, as the sum that it is. */
static void
put_proxy(struct bt_buf *b, const struct bt_status *s)
{
	const struct bt_status_proxy *p = &s->proxy;
	static const char kind[] = "proxy";

	if (s->services->origin == NULL)
		return;
	put_servers(b, s->services);
	bt_buf_puts(b,
	    "<section class=\"sums\"><h2>Requests that waited for a server"
	    "</h2>\n<p>");
	put_term_of(b, kind, "", "waited", "waited", p->waited);
	put_term_of(b, kind, "= ", "held", "held", p->held);
	put_term_of(b, kind, "+ ", "released", "released", p->released);
	put_term_of(b, kind, "+ ", "given_up", "given up", p->given_up);
	put_term_of(b, kind, "+ ", "left", "left", p->left);
	put_term_of(b, kind, "+ ", "moved", "moved", p->moved);
	bt_buf_puts(b, "<p>");
	put_term_of(b, kind, "", "longest_s", "longest, seconds", p->longest_s);
	put_term_of(b, kind, "&middot; ", "refused", "refused", p->refused);
	put_term_of(
	    b, kind, "&middot; ", "connects", "connections tried", p->connects);
	put_term_of(b, kind, "&middot; ", "connects_failed", "of these failed",
	    p->connects_failed);
	put_term_of(b, kind, "&middot; ", "tunnels", "tunnels", p->tunnels);
	bt_buf_puts(b, "</section>\n");
}

static void
put_count(struct bt_buf *b, const char *kind, const char *name, uint64_t value)
{
	bt_buf_printf(b, "<tr%s><td>", value ? "" : " hidden");
	for (const char *p = name; *p != '\0'; p++)
		bt_buf_putc(b, *p == '_' ? ' ' : *p);
	bt_buf_printf(b, "<td id=\"%s-%s\">%" PRIu64 "\n", kind, name, value);
}

static void
put_counts(struct bt_buf *b, const struct bt_status *s)
{
	bt_buf_puts(b,
	    "<section class=\"two\"><div><h2>Answers by status</h2>\n"
	    "<table>\n");
	for (unsigned class = 1; class <= 5; class ++)
		put_count(b, "responses",
		    (char[]){ (char)('0' + class), 'x', 'x', '\0' },
		    s->responses[class]);
	bt_buf_puts(b,
	    "</table></div>\n<div><h2>Connections ended, by reason</h2>\n"
	    "<table>\n");
	for (unsigned why = 0; why < BT_CLOSE_REASONS; why++)
		put_count(
		    b, "closed", bt_close_reason_names[why], s->closed[why]);
	bt_buf_puts(b, "</table></div></section>\n");
}

static void
put_events(struct bt_buf *b, const struct bt_status *s)
{
	bt_buf_puts(
	    b, "<section><h2>What happened lately</h2>\n<ol id=\"events\">\n");
	for (size_t i = 0; i < s->events_n; i++) {
		time_t at = s->events[i].time_s;
		char when[32];
		struct tm tm;

		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC",
		    gmtime_r(&at, &tm));
		bt_buf_printf(b, "<li><time>%s</time> ", when);
		bt_escape_html(b, bt_str_of(s->events[i].text));
		bt_buf_puts(b, "\n");
	}
	if (s->events_n == 0)
		bt_buf_puts(b, "<li>nothing\n");
	bt_buf_puts(b, "</ol></section>\n");
}

void
bt_status_put_html(struct bt_buf *b, const struct bt_status *s,
    const char nonce[static BT_STATUS_NONCE])
{
	put_head(b, s, nonce);
	bt_buf_puts(b, "<main><section class=\"cards\">\n");
	put_rates(b, s);
	put_times(b, s);
	bt_buf_puts(b,
	    "</section>\n<noscript><p class=\"note\">These are means, and "
	    "quantiles, since the start.</p></noscript>\n");
	put_workers(b, s);
	put_events(b, s);
	put_ledger(b, s);
	put_proxy(b, s);
	put_counts(b, s);
	bt_buf_printf(b, "</main>\n<script nonce=\"%.*s\">\n%s</script>\n",
	    BT_STATUS_NONCE, nonce, bt_status_script);
}
