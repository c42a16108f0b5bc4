#ifndef BATON_BATON_H
#define BATON_BATON_H

/*
 * All that an application needs, in one include.  See baton-app(3).
 *
 *	#include <baton/baton.h>
 *
 *	static void
 *	hello(struct baton_exchange *x)
 *	{
 *		baton_reply_text(x, 200, "hello, world\n");
 *	}
 *
 *	static const struct baton_route routes[] = {
 *		{ .on = "GET /", .answer = hello },
 *		{ 0 },
 *	};
 *
 *	BATON_APP = { BATON_APP_HEAD, .name = "hello", .routes = routes };
 */

#include <baton/app.h>
#include <baton/form.h>
#include <baton/reply.h>
#include <baton/request.h>
#include <baton/state.h>
#include <baton/suspend.h>
#include <baton/work.h>

#endif
