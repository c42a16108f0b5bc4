/*
 * Two numbers over two pages, and their product on a third.  What one page
 * knows the next one is told by its continuation: nothing is kept here, so each
 * of the pages can be gone back to, shared and opened twice.
 *
 *	GET /             asks for the first number
 *	first             has it, asks for the second
 *	second, {a}       has both, goes on by a redirect
 *	product, {a, b}   their product: a URL of two numbers
 */

#include <baton/baton.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define SCHEMA 1

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\">"
    "<title>multiply</title><style>"
    ":root{color-scheme:light dark;font:1.25rem/1.6 system-ui,sans-serif}"
    "body{max-width:24rem;margin:15vh auto;padding:0 1rem}"
    "input,button{font:inherit;padding:.3em .6em;max-width:10rem}"
    "strong{font-size:2rem}.wrong{color:light-dark(#a3261b,#ff9d92)}"
    "</style>\n";

/* The URL of a continuation whose state is one number, two, or none. */
static const char *
url_of(struct baton_exchange *x, const char *resume, const int64_t *numbers,
    size_t n)
{
	struct baton_suspension s = { .resume = resume };
	struct baton_state_writer w;

	baton_state_write(&w, x, SCHEMA);
	for (size_t i = 0; i < n; i++)
		baton_state_put_i64(&w, numbers[i]);
	s.state = w.bytes;
	s.state_n = w.n;
	return baton_suspend(x, &s);
}

/* False: it is answered. */
static bool
read_numbers(struct baton_exchange *x, const void *state, size_t n,
    int64_t *numbers, size_t numbers_n)
{
	struct baton_state_reader r;

	baton_state_read(&r, state, n, SCHEMA, SCHEMA);
	for (size_t i = 0; i < numbers_n; i++)
		numbers[i] = baton_state_get_i64(&r);
	if (baton_state_done(&r))
		return true;
	baton_reply_lost(x, BATON_LOST_OUTDATED);
	return false;
}

/* The page with a form that goes to `url`; `wrong`: what was typed before. */
static void
ask(struct baton_exchange *x, const char *which, const char *url,
    const char *wrong)
{
	if (url == NULL)
		return; /* no store has room: 503 */
	baton_print(x, "%s<form><label>The %s number: ", head, which);
	/* a GET form drops the query of its action, so the token is a field */
	baton_print(x, "<input type=\"hidden\" name=\"c\" value=\"%s\">",
	    baton_url_token(x, url));
	baton_print(x,
	    "<input name=\"n\" inputmode=\"numeric\" required "
	    "autofocus></label> <button>Go on</button></form>\n");
	if (wrong != NULL) {
		baton_print(x, "<p class=\"wrong\">");
		baton_print_html(x, wrong);
		baton_print(x, " is no whole number of at most 19 digits.\n");
	}
	baton_reply_printed(
	    x, wrong != NULL ? 422 : 200, "text/html; charset=utf-8");
}

/* The number that was typed. */
static bool
read_number(struct baton_exchange *x, const char **ret_text, int64_t *ret)
{
	const char *text = baton_query(x, "n");
	char *end;

	*ret_text = text != NULL ? text : "Nothing";
	if (text == NULL)
		return false;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

static void
ask_first(struct baton_exchange *x)
{
	ask(x, "first", url_of(x, "first", NULL, 0), NULL);
}

static void
first(struct baton_exchange *x, const void *state, size_t n)
{
	const char *text;
	int64_t a;

	if (!read_numbers(x, state, n, NULL, 0))
		return;
	if (read_number(x, &text, &a))
		ask(x, "second", url_of(x, "second", &a, 1), NULL);
	else
		ask(x, "first", url_of(x, "first", NULL, 0), text);
}

static void
second(struct baton_exchange *x, const void *state, size_t n)
{
	const char *text, *url;
	int64_t numbers[2];

	if (!read_numbers(x, state, n, numbers, 1))
		return;
	if (!read_number(x, &text, &numbers[1]))
		ask(x, "second", url_of(x, "second", numbers, 1), text);
	else if ((url = url_of(x, "product", numbers, 2)) != NULL)
		baton_reply_redirect(x, 303, url);
}

static void
product(struct baton_exchange *x, const void *state, size_t n)
{
	int64_t numbers[2], result;

	if (!read_numbers(x, state, n, numbers, 2))
		return;
	baton_print(x, "%s<p>%" PRId64 " &times; %" PRId64 " = <strong>", head,
	    numbers[0], numbers[1]);
	if (__builtin_mul_overflow(numbers[0], numbers[1], &result))
		baton_print(x, "too large for me");
	else
		baton_print(x, "%" PRId64, result);
	baton_print(x, "</strong>\n<p><a href=\"?\">Two others</a>\n");
	baton_reply_printed(x, 200, "text/html; charset=utf-8");
}

static const struct baton_route routes[] = {
	{ .on = "GET /", .answer = ask_first },
	{ 0 },
};

static const struct baton_resume resumes[] = {
	{ .name = "first", .answer = first, .version = 1, .oldest = 1 },
	{ .name = "second", .answer = second, .version = 1, .oldest = 1 },
	{ .name = "product", .answer = product, .version = 1, .oldest = 1 },
	{ 0 },
};

BATON_APP = {
	BATON_APP_HEAD,
	.name = "multiply",
	.version = "1",
	.routes = routes,
	.resumes = resumes,
};
