#ifndef BT_APP_PLACE_H
#define BT_APP_PLACE_H

/*
 * An application in one route of one worker: what struct baton_place is.
 */

#include "app/load.h"
#include "handlers/stage.h"

struct bt_call;

struct baton_place {
	const struct bt_route *route;
	const struct bt_services *services;
	const struct bt_library *library;
	const struct bt_setting_value *values;
	void *data; /* the application's */
	/* of the library's routes, its resumes, and of no way, in that order */
	struct bt_line *lines;
	bool *slow;                  /* it was said of that way */
	struct event *ready;         /* some of `calls_ready` */
	struct bt_call *calls_ready; /* to be looked at again; baton_go_on() */
};

/* bt_handler_app's start and stop; see struct bt_handler. */
int bt_place_start(struct bt_route *);
void bt_place_stop(struct bt_route *);

/* The index of a way of the place's library, or of none, in those arrays. */
size_t bt_place_index(const struct baton_place *, const struct bt_way *);

#endif
