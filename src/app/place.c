/*
 * Places: what a worker has of an application before the first request.
 * Worker, on the loop.
 */

#include "app/place.h"

#include "app/call.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

/* Those that asked to be looked at: each once, also when it asks again. */
static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct baton_place *p = arg;
	unsigned n = 0;

	p->services->turn(p->services);
	for (struct bt_call *c = p->calls_ready; c != NULL; c = c->next_ready)
		n++;
	while (n-- > 0 && p->calls_ready != NULL) {
		struct bt_call *c = p->calls_ready;
		int64_t entered;

		bt_call_unset_ready(c);
		if (!bt_call_is_over(c)) {
			entered = bt_call_enter(c);
			if (c->stage_may_go_on)
				bt_stages_go_on(c->x);
			c->stage_may_go_on = false;
			bt_call_leave(c, entered);
		}
		p->services->resume(c->x);
	}
	if (p->calls_ready != NULL)
		event_active(p->ready, EV_TIMEOUT, 0);
}

/* false when it has more stages than a line. */
static bool
add_all(struct bt_line *line, const struct baton_stage *const *stages)
{
	for (; stages != NULL && *stages != NULL; stages++)
		if (!bt_line_add(line, *stages))
			return false;
	return true;
}

/* What is added to the reply when it is on its way. */
extern const struct baton_stage bt_app_stage;

static int
make_lines(struct baton_place *p)
{
	const struct bt_library *l = p->library;
	size_t n = l->routes_n + l->resumes_n + 1;

	p->lines = bt_mem_zero(n, sizeof(*p->lines));
	p->slow = bt_mem_zero(n, sizeof(*p->slow));
	for (size_t i = 0; i < n; i++) {
		const struct bt_way *w = i < l->routes_n ? &l->routes[i]
		    : i < n - 1 ? &l->resumes[i - l->routes_n]
				: NULL;
		struct bt_line *line = &p->lines[i];

		bt_line_init(line, p->route);
		if (!bt_line_add(line, &bt_app_stage) ||
		    !add_all(line, l->app.stages) ||
		    (w != NULL && !add_all(line, w->stages)))
			return -E2BIG;
	}
	return 0;
}

size_t
bt_place_index(const struct baton_place *p, const struct bt_way *w)
{
	const struct bt_library *l = p->library;

	if (w == NULL)
		return l->routes_n + l->resumes_n;
	if (w >= l->routes && w < l->routes + l->routes_n)
		return (size_t)(w - l->routes);
	return l->routes_n + (size_t)(w - l->resumes);
}

static void
place_free(struct baton_place *p)
{
	if (p->ready != NULL)
		event_free(p->ready);
	free(p->lines);
	free(p->slow);
	free(p);
}

int
bt_place_start(struct bt_route *route)
{
	struct bt_loaded_app *loaded = route->conf->app->loaded;
	struct baton_place *p;
	int r;

	if (loaded == NULL)
		return -ENOEXEC;
	p = bt_mem_zero(1, sizeof(*p));
	p->route = route;
	p->services = route->services;
	p->library = loaded->library;
	p->values = loaded->values;
	p->ready = event_new(p->services->loop, -1, 0, on_ready, p);
	r = p->ready != NULL ? make_lines(p) : -ENOMEM;
	if (r < 0)
		goto fail;
	if (p->library->app.start != NULL && (r = p->library->app.start(p)) < 0)
		goto fail;
	route->state = p;
	return 0;
fail:
	place_free(p);
	return r;
}

void
bt_place_stop(struct bt_route *route)
{
	struct baton_place *p = route->state;

	if (p == NULL)
		return;
	if (p->library->app.stop != NULL)
		p->library->app.stop(p);
	place_free(p);
}

/* --- the public functions --- */

void
baton_place_set_data(struct baton_place *p, void *data)
{
	p->data = data;
}

void *
baton_place_data(const struct baton_place *p)
{
	return p->data;
}

static const struct bt_setting_value *
find_value(const struct baton_place *p, const char *name)
{
	for (size_t i = 0; i < p->library->settings_n; i++)
		if (strcmp(p->values[i].name, name) == 0)
			return &p->values[i];
	return NULL;
}

const char *
baton_place_text(const struct baton_place *p, const char *name)
{
	const struct bt_setting_value *v = find_value(p, name);

	return v ? v->text : NULL;
}

uint64_t
baton_place_number(const struct baton_place *p, const char *name)
{
	const struct bt_setting_value *v = find_value(p, name);

	return v ? v->number : 0;
}

unsigned
baton_place_worker(const struct baton_place *p)
{
	return p->services->worker;
}

struct event_base *
baton_place_loop(const struct baton_place *p)
{
	return p->services->loop;
}
