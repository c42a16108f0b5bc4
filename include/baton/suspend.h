#ifndef BATON_SUSPEND_H
#define BATON_SUSPEND_H

/*
 * Conversations of several pages.  A page is answered with links or forms which
 * have the URL of a continuation: the name of a function and the bytes of state
 * that it needs.  When such a URL is followed, on whichever worker, after a
 * reload or an upgrade too, that function answers, with the state as it was and
 * the new request; as often as it is followed, also from Back, or another tab.
 *
 * Where the state is in between, the conf says (`continuations`): in the URL,
 * sealed; in memory that the workers share; on disk.  What is in the state goes
 * back with the client; what is not (a database) does not.  Context: worker, on
 * the loop.
 *
 * The URL is that of the present request with `c=TOKEN` as its query, so the
 * token is also found in a form's field of that name (BATON_CONTENT_FORM).
 */

#include <baton/app.h>
#include <stdbool.h>

struct baton_suspension {
	const char *resume; /* the name of a row of `resumes` */
	const void *state;  /* copied */
	size_t state_n;     /* at most BATON_STATE_MAX */
	/* Until when it can be followed; 0: the conf's continuation_lifetime */
	unsigned lifetime_s;
	bool once; /* the first who follows it is the only one */
	/*
	 * Only a client that sends a cookie of that name, with the value that
	 * it has now in the request, or that this answer sets.  NULL: any.
	 */
	const char *cookie;
};

#define BATON_STATE_MAX (60 * 1024)

/*
 * Makes a continuation.  May be called several times for one page: each link
 * and each form is its own.
 *
 * Returns:   its URL, relative to the server (`/multiply?c=…`), or NULL when no
 *            store can take it: then the answer is 503 unless another is given,
 *            and it was logged; or when there is no such resume function, which
 *            is the application's mistake: 500.
 * Ownership: the exchange's.
 */
BATON_API const char *baton_suspend(
    struct baton_exchange *, const struct baton_suspension *);

/*
 * Forgets all continuations that this conversation has had, on every worker;
 * those made from now on, by this exchange, are good.  So forward is
 * baton_forget(), then baton_suspend(); and finish is baton_forget(), then an
 * answer.
 */
BATON_API void baton_forget(struct baton_exchange *);

/*
 * Suspends and answers with 303 See Other to the URL, so that Back and refresh
 * do not repeat a POST.
 */
BATON_API void baton_suspend_redirect(
    struct baton_exchange *, const struct baton_suspension *);

/* A URL of baton_suspend() as an absolute one, or as the bare token. */
BATON_API const char *baton_url_absolute(
    struct baton_exchange *, const char *url);
BATON_API const char *baton_url_token(struct baton_exchange *, const char *url);

/* The version of the state which a resume function was given. */
BATON_API unsigned baton_resume_version(struct baton_exchange *);

/* 410, or what the application's lost() makes of it. */
BATON_API void baton_reply_lost(struct baton_exchange *, enum baton_lost);

#endif
