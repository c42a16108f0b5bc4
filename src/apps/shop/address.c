/*
 * Where it goes.
 */

#include "page.h"
#include "shop.h"

#include <string.h>

#define FIELD_MAX 120

enum { NAME, STREET, TOWN, MAIL, FIELDS_N };

static const struct {
	const char *name, *label, *fill, *type, *wrong;
} fields[FIELDS_N] = {
	[NAME] = { "name", "Name", "name", "text", "Who is it for?" },
	[STREET] = { "street", "Street and number", "street-address", "text",
	    "Where does the parcel go?" },
	[TOWN] = { "town", "Postcode and town", "address-level2", "text",
	    "Which town is that in?" },
	[MAIL] = { "mail", "E-mail", "email", "email",
	    "We write to you when it is sent: name@example.org" },
};

/* UTF-8 without control characters, and not too long. */
static bool
is_text(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;
	unsigned more = 0;

	if (strlen(s) > FIELD_MAX)
		return false;
	for (; *c != '\0'; c++) {
		if ((*c & 0xc0) == 0x80) {
			if (more-- == 0)
				return false;
		} else if (more > 0 || *c < 0x20 || *c == 0x7f || *c > 0xf4 ||
		    (*c >= 0x80 && *c < 0xc2)) {
			return false;
		} else if (*c >= 0xc2) {
			more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : 1;
		}
	}
	return more == 0;
}

static bool
is_good(unsigned field, const char *value)
{
	const char *at = strchr(value, '@');

	if (value[strspn(value, " ")] == '\0' || !is_text(value))
		return false;
	return field != MAIL ||
	    (at != NULL && at > value && strchr(at + 1, '.') > at + 1 &&
		strpbrk(value, " ,;<>") == NULL);
}

static void
print_field(struct baton_exchange *x, unsigned i, const char *value, bool wrong)
{
	baton_print(x,
	    "<label>%s<input name=\"%s\" type=\"%s\" autocomplete=\"%s\" "
	    "maxlength=\"%u\" required value=\"",
	    fields[i].label, fields[i].name, fields[i].type, fields[i].fill,
	    FIELD_MAX);
	baton_print_html(x, value);
	baton_print(x, "\"");
	if (wrong)
		baton_print(x,
		    " aria-invalid=\"true\" aria-describedby=\"%s\"></label>"
		    "<p class=\"wrong\" id=\"%s\">%s</p>\n",
		    fields[i].name, fields[i].name, fields[i].wrong);
	else
		baton_print(x, "></label>\n");
}

/* The form, with what was typed; `checked`: and what is wrong with it. */
static void
show_address(struct baton_exchange *x, const struct trip *t,
    const char *const values[FIELDS_N], bool checked)
{
	struct page p = { .x = x, .trip = t };

	page_begin(&p, "Delivery");
	page_main(&p, 2, "Where does it go?");
	page_form(&p, page_url(&p, trip_suspension(x, "deliver", t)),
	    " class=\"fields\" novalidate");
	for (unsigned i = 0; i < FIELDS_N; i++)
		print_field(x, i, values[i], checked && !is_good(i, values[i]));
	baton_print(x, "<p class=\"next\">");
	page_link(&p, "basket", "", "Back to the basket");
	baton_print(x, "<button>Look it over</button></p></form>\n");
	page_end(&p, checked ? 422 : 200);
}

void
address(struct baton_exchange *x, const void *state, size_t n)
{
	struct trip t;

	if (!trip_read(x, state, n, &t))
		return;
	if (trip_items(&t) == 0) /* all is sold out */
		trip_go(x, "basket", &t, t.notice);
	else
		show_address(x, &t,
		    (const char *const[FIELDS_N]){
			t.name, t.street, t.town, t.mail },
		    false);
}

void
deliver(struct baton_exchange *x, const void *state, size_t n)
{
	const char *values[FIELDS_N];
	bool good = true;
	struct trip t;

	if (!trip_read(x, state, n, &t))
		return;
	for (unsigned i = 0; i < FIELDS_N; i++) {
		values[i] = baton_form(x, fields[i].name);
		if (values[i] == NULL || !is_text(values[i]))
			values[i] = "";
		good &= is_good(i, values[i]);
	}
	if (!good) {
		show_address(x, &t, values, true);
		return;
	}
	t.name = values[NAME];
	t.street = values[STREET];
	t.town = values[TOWN];
	t.mail = values[MAIL];
	trip_go(x, "review", &t, "");
}
