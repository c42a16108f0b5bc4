/*
 * An application for tests: each route tries one thing of the API.
 */

#include <baton/baton.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* --- reading --- */

static void
print(struct baton_exchange *x, const char *name, const char *value)
{
	baton_print(x, "%s=%s\n", name, value ? value : "(none)");
}

static void
reading(struct baton_exchange *x)
{
	unsigned at = 0;
	const char *value;

	print(x, "method", baton_method(x));
	print(x, "path", baton_path(x));
	print(x, "rest", baton_rest(x));
	print(x, "id", baton_param(x, "id"));
	print(x, "more", baton_param(x, "more"));
	print(x, "q", baton_query(x, "q"));
	print(x, "cookie", baton_cookie(x, "sid"));
	print(x, "host", baton_host(x));
	print(x, "scheme", baton_scheme(x));
	print(x, "client", baton_client(x));
	print(x, "user", baton_user(x));
	while ((value = baton_field_next(x, "X-Many", &at)) != NULL)
		print(x, "x-many", value);
	print(x, "greeting", baton_place_text(baton_place(x), "greeting"));
	print(x, "started", baton_place_data(baton_place(x)));
	baton_reply_printed(x, 200, "text/plain; charset=utf-8");
}

static void
whole(struct baton_exchange *x)
{
	size_t n;
	const char *bytes = baton_content(x, &n);
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (unsigned char)bytes[i];
	baton_print(x, "%zu %u\n", n, sum);
	baton_reply_printed(x, 200, "text/plain");
}

/* --- a streamed content: counted, in pauses --- */

struct counter {
	size_t n;
	unsigned pauses;
};

static void
on_pause_over(struct baton_exchange *x, void *arg)
{
	baton_content_go_on(x);
}

static void
count_begin(struct baton_exchange *x)
{
	struct counter *c = baton_alloc(x, sizeof(*c));

	*c = (struct counter){ 0 };
	baton_set_data(x, c);
}

static void
count(struct baton_exchange *x, const void *piece, size_t n)
{
	struct counter *c = baton_data(x);

	if (n == 0) {
		baton_print(x, "%zu %d\n", c->n, c->pauses > 0);
		baton_reply_printed(x, 200, "text/plain");
		return;
	}
	c->n += n;
	if (c->pauses++ < 3) {
		baton_content_pause(x);
		baton_timer(x, 1, on_pause_over, NULL);
	}
}

/* --- forms --- */

static void
form(struct baton_exchange *x)
{
	const struct baton_file *f = baton_form_file(x, "file");

	print(x, "a", baton_form(x, "a"));
	print(x, "a1", baton_form_at(x, "a", 1));
	print(x, "b", baton_form(x, "b"));
	if (f != NULL)
		baton_print(x, "file=%s %s %zu %s\n", f->filename, f->type,
		    f->content_n, f->content_n < 100 ? f->content : "");
	baton_reply_printed(x, 200, "text/plain");
}

/* What a file of a form had so far. */
struct upload {
	size_t n;
	unsigned sum, pieces, ends;
};

static void
on_file(struct baton_exchange *x, const struct baton_file *f, const void *piece,
    size_t n)
{
	struct upload *u = baton_data(x);

	if (u == NULL) {
		u = baton_alloc(x, sizeof(*u));
		*u = (struct upload){ 0 };
		baton_set_data(x, u);
	}
	u->n += n;
	u->ends += n == 0;
	for (size_t i = 0; i < n; i++)
		u->sum += ((const unsigned char *)piece)[i];
	if (n > 0 && u->pieces++ < 3) {
		baton_content_pause(x);
		baton_timer(x, 1, on_pause_over, NULL);
	}
}

static void
uploaded(struct baton_exchange *x)
{
	struct upload *u = baton_data(x);

	print(x, "a", baton_form(x, "a"));
	if (u != NULL)
		baton_print(x, "%zu %u %u\n", u->n, u->sum, u->ends);
	baton_reply_printed(x, 200, "text/plain");
}

/* --- answering --- */

static void
fields(struct baton_exchange *x)
{
	int bad = 0;

	bad += baton_reply_field(x, "X-One", "1\r\nX-Two: 2") == -EINVAL;
	bad += baton_reply_field(x, "Bad Name", "1") == -EINVAL;
	bad += baton_reply_field(x, "content-length", "7") == -EINVAL;
	bad += baton_reply_field(x, "X-Good", "yes") == 0;
	bad += baton_reply_cookie(x,
		   &(struct baton_cookie){ .name = "sid", .value = "a b" }) ==
	    -EINVAL;
	bad += baton_reply_cookie(x,
		   &(struct baton_cookie){ .name = "sid",
		       .value = "42",
		       .path = "/",
		       .http_only = true,
		       .same_site = "Lax" }) == 0;
	baton_reply_text(x, 201, bad == 6 ? "good\n" : "bad\n");
}

static ssize_t
pull_numbers(struct baton_exchange *x, void *arg, char *out, size_t room)
{
	unsigned *next = arg;
	size_t n = 0;

	while (*next < 100000 && room - n > 16)
		n += (size_t)snprintf(out + n, room - n, "%u\n", (*next)++);
	return (ssize_t)n;
}

static void
numbers(struct baton_exchange *x)
{
	unsigned *next = baton_alloc(x, sizeof(*next));

	*next = 0;
	baton_reply_stream(
	    x, 200, "text/plain", BATON_LENGTH_UNKNOWN, pull_numbers, next);
}

static void
file(struct baton_exchange *x)
{
	FILE *f = tmpfile();
	int fd;

	fputs("0123456789", f);
	fflush(f);
	fd = dup(fileno(f));
	fclose(f);
	baton_reply_file(x, 200, "text/plain", &fd, 2, 5);
}

static void
redirect(struct baton_exchange *x)
{
	baton_reply_redirect(x, 303, "/elsewhere");
}

static void
nothing(struct baton_exchange *x)
{
}

static void
escaped(struct baton_exchange *x)
{
	baton_print(x, "<b title=\"");
	baton_print_html(x, baton_query(x, "q"));
	baton_print(x, "\">{\"q\":\"");
	baton_print_json(x, baton_query(x, "q"));
	baton_print(x, "\"}");
	baton_reply_printed(x, 200, "text/html; charset=utf-8");
}

static void
on_later(struct baton_exchange *x, void *arg)
{
	baton_reply_text(x, 200, arg);
}

static void
later(struct baton_exchange *x)
{
	baton_timer(x, 5, on_later, (void *)(uintptr_t) "later\n");
}

struct ticker {
	unsigned left;
};

static void
on_tick(struct baton_exchange *x, void *arg)
{
	struct ticker *t = arg;
	char id[16];

	snprintf(id, sizeof(id), "%u", t->left);
	baton_event(x, "tick", id, "one\ntwo");
	if (--t->left == 0)
		baton_events_end(x);
	else
		baton_timer(x, 1, on_tick, t);
}

static void
events(struct baton_exchange *x)
{
	struct ticker *t = baton_alloc(x, sizeof(*t));

	t->left = 3;
	baton_reply_events(x);
	baton_timer(x, 1, on_tick, t);
}

/* --- waiting for each other, and for a client that goes --- */

static struct baton_exchange *waiting; /* of this worker */
static unsigned gone, cut;

static void
on_end(struct baton_exchange *x, enum baton_end end, void *arg)
{
	gone += end == BATON_END_GONE;
	cut += end == BATON_END_CUT;
	if (waiting == x)
		waiting = NULL;
}

static void
wait(struct baton_exchange *x)
{
	waiting = x;
	baton_on_end(x, on_end, NULL);
	baton_hold(x);
}

static void
wake(struct baton_exchange *x)
{
	if (waiting != NULL) {
		baton_reply_text(waiting, 200, "woken\n");
		baton_go_on(waiting);
	}
	baton_print(x, "%d %u %u\n", waiting != NULL, gone, cut);
	baton_reply_printed(x, 200, "text/plain");
}

/* --- work --- */

static void
burn(unsigned ms)
{
	struct timespec ts;
	double end;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	end = (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6 + ms;
	do
		clock_gettime(CLOCK_MONOTONIC, &ts);
	while ((double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6 < end);
}

struct job {
	unsigned ms;
	char answer[32];
};

static unsigned released; /* of this worker */

static void
job_run(void *arg)
{
	struct job *j = arg;

	burn(j->ms);
	strcpy(j->answer, "worked\n");
}

static void
job_done(struct baton_exchange *x, void *arg)
{
	struct job *j = arg;

	baton_reply_text(x, 200, j->answer);
}

static void
job_release(void *arg)
{
	released++;
	free(arg);
}

static void
work(struct baton_exchange *x)
{
	const char *ms = baton_query(x, "ms"), *by = baton_query(x, "deadline");
	struct baton_offload how = { job_run, job_done, job_release,
		by ? (unsigned)atoi(by) : 0 };
	struct job *j = calloc(1, sizeof(*j));

	j->ms = ms ? (unsigned)atoi(ms) : 1;
	baton_offload(x, &how, j);
}

static void
block(struct baton_exchange *x)
{
	burn(30);
	baton_reply_text(x, 200, "blocked\n");
}

static void
counts(struct baton_exchange *x)
{
	baton_print(x, "released=%u gone=%u cut=%u\n", released, gone, cut);
	baton_reply_printed(x, 200, "text/plain");
}

static void
crash(struct baton_exchange *x)
{
	abort();
}

/* --- stages --- */

static enum baton_step
outer_enter(struct baton_exchange *x)
{
	if (baton_query(x, "stop") == NULL)
		return BATON_NEXT;
	baton_reply_text(x, 403, "stopped by a stage\n");
	return BATON_ANSWERED;
}

static enum baton_step
outer_leave(struct baton_exchange *x)
{
	baton_reply_field(x, "X-Order", "outer");
	return BATON_NEXT;
}

static void
on_stage_over(struct baton_exchange *x, void *arg)
{
	baton_go_on(x);
}

static enum baton_step
inner_enter(struct baton_exchange *x)
{
	if (baton_query(x, "wait") == NULL)
		return BATON_NEXT;
	baton_timer(x, 1, on_stage_over, NULL);
	return BATON_WAIT;
}

static enum baton_step
inner_leave(struct baton_exchange *x)
{
	baton_reply_field(x, "X-Order", "inner");
	if (baton_query(x, "leave") == NULL)
		return BATON_NEXT;
	baton_reply_set_status(x, 202);
	baton_timer(x, 1, on_stage_over, NULL);
	return BATON_WAIT;
}

static const struct baton_stage outer = { "outer", outer_enter, outer_leave };
static const struct baton_stage inner = { "inner", inner_enter, inner_leave };
static const struct baton_stage *const all_stages[] = { &outer, NULL };
static const struct baton_stage *const own_stages[] = { &inner, NULL };

static void
staged(struct baton_exchange *x)
{
	baton_reply_text(x, 200, "staged\n");
}

/* --- conversations --- */

static void
put_url(struct baton_exchange *x, const char *name,
    const struct baton_suspension *s)
{
	const char *url = baton_suspend(x, s);

	if (url != NULL)
		baton_print(x, "%s=%s\n", name, url);
}

/* `state` is what the query says, as often as `times` says. */
static void
suspend(struct baton_exchange *x)
{
	const char *state = baton_query(x, "state"),
		   *times = baton_query(x, "times"),
		   *life = baton_query(x, "life"),
		   *cookie = baton_query(x, "cookie");
	size_t n = state ? strlen(state) : 0,
	       all = n * (times ? (size_t)atoi(times) : 1);
	char *bytes = baton_alloc(x, all + 1);
	struct baton_suspension s = { .resume = "show",
		.state = bytes,
		.state_n = all,
		.lifetime_s = life ? (unsigned)atoi(life) : 0,
		.once = baton_query(x, "once") != NULL,
		.cookie = cookie };

	if (n == 0) {
		baton_reply_error(x, 400);
		return;
	}
	for (size_t i = 0; i < all; i++)
		bytes[i] = state[i % n];
	if (baton_query(x, "set") != NULL)
		baton_reply_cookie(x,
		    &(struct baton_cookie){
			.name = cookie, .value = baton_query(x, "set") });
	if (baton_query(x, "redirect") != NULL) {
		baton_suspend_redirect(x, &s);
		return;
	}
	put_url(x, "show", &s);
	s.resume = "forward";
	put_url(x, "forward", &s);
	s.resume = "finish";
	put_url(x, "finish", &s);
	if (baton_reply_status(x) == 0)
		baton_reply_printed(x, 200, "text/plain");
}

static void
show(struct baton_exchange *x, const void *state, size_t n)
{
	baton_print(x, "state %zu %.*s %s\n", n, n < 100 ? (int)n : 100,
	    (const char *)state, baton_method(x));
	baton_reply_printed(x, 200, "text/plain");
}

static void
forward(struct baton_exchange *x, const void *state, size_t n)
{
	struct baton_suspension s = {
		.resume = "show", .state = "forwarded", .state_n = 9
	};

	baton_forget(x);
	put_url(x, "show", &s);
	s.resume = "finish";
	put_url(x, "finish", &s);
	baton_reply_printed(x, 200, "text/plain");
}

static void
finish(struct baton_exchange *x, const void *state, size_t n)
{
	baton_forget(x);
	baton_reply_text(x, 200, "finished\n");
}

static void
lost(struct baton_exchange *x, enum baton_lost why)
{
	if (baton_query(x, "hook") == NULL)
		return; /* baton's page */
	baton_print(x, "lost %d\n", (int)why);
	baton_reply_printed(x, 200, "text/plain");
}

/* One that is told so does not start; who has stopped had been started. */
static int
start(struct baton_place *place)
{
	char *data;

	if (strcmp(baton_place_text(place, "greeting"), "no") == 0)
		return -EPERM;
	data = strdup("yes");
	baton_place_set_data(place, data);
	return data != NULL ? 0 : -ENOMEM;
}

static void
stop(struct baton_place *place)
{
	if (baton_place_data(place) == NULL)
		abort();
	free(baton_place_data(place));
}

static const struct baton_route routes[] = {
	{ .on = "GET /", .answer = staged },
	{ .on = "* /read/:id", .answer = reading },
	{ .on = "GET /read/here", .answer = staged },
	{ .on = "GET /read/:id/*more", .answer = reading },
	{ .on = "POST,PUT /whole", .answer = whole, .content_max = 100000 },
	{ .on = "POST /count",
	    .answer = count_begin,
	    .content = count,
	    .mode = BATON_CONTENT_STREAM,
	    .content_max = 1u << 30 },
	{ .on = "POST /form", .answer = form, .mode = BATON_CONTENT_FORM },
	{ .on = "POST /upload",
	    .answer = uploaded,
	    .file = on_file,
	    .mode = BATON_CONTENT_FORM },
	{ .on = "GET /fields", .answer = fields },
	{ .on = "GET /numbers", .answer = numbers },
	{ .on = "GET /file", .answer = file },
	{ .on = "GET /redirect", .answer = redirect },
	{ .on = "GET /nothing", .answer = nothing },
	{ .on = "GET /escaped", .answer = escaped },
	{ .on = "GET /later", .answer = later },
	{ .on = "GET /events", .answer = events },
	{ .on = "GET /wait", .answer = wait },
	{ .on = "GET /wake", .answer = wake },
	{ .on = "GET /work", .answer = work },
	{ .on = "GET /block", .answer = block },
	{ .on = "GET /counts", .answer = counts },
	{ .on = "GET /crash", .answer = crash },
	{ .on = "GET /staged", .answer = staged, .stages = own_stages },
	{ .on = "GET /suspend", .answer = suspend },
	{ 0 },
};

static const struct baton_resume resumes[] = {
	{ .name = "show", .answer = show, .version = 1 },
	{ .name = "forward", .answer = forward },
	{ .name = "finish", .answer = finish },
	{ 0 },
};

static const struct baton_setting settings[] = {
	{ .name = "greeting", .type = BATON_TEXT, .preset = "hello" },
	{ .name = "limit",
	    .type = BATON_SIZE,
	    .preset = "1k",
	    .min = 1,
	    .max = 1024 * 1024 },
	{ .name = "pause", .type = BATON_DURATION, .preset = "1s" },
	{ 0 },
};

BATON_APP = {
	BATON_APP_HEAD,
	.name = "probe",
	.version = "1",
	.routes = routes,
	.resumes = resumes,
	.settings = settings,
	.stages = all_stages,
	.start = start,
	.stop = stop,
	.lost = lost,
};
