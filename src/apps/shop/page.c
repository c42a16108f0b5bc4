/*
 * What all pages have: their head, their style, and that nobody else is told
 * where they are.
 */

#include "page.h"

static const char style[] =
    ":root{color-scheme:light dark;"
    "--paper:#faf7f2;--card:#fff;--ink:#23201b;--soft:#6c6459;--line:#e4ddd2;"
    "--leaf:#2f5d46;--on:#fff;--wrong:#a3261b;"
    "font:1rem/1.55 system-ui,-apple-system,'Segoe UI',sans-serif}\n"
    "@media(prefers-color-scheme:dark){:root{"
    "--paper:#171613;--card:#211f1b;--ink:#efeae1;--soft:#a79f92;"
    "--line:#38342d;--leaf:#8cc3a3;--on:#14211a;--wrong:#ff9d92}}\n"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "padding-bottom:7rem}"
    "header,main{max-width:64rem;margin:auto;padding:0 1.25rem}"
    "header{display:flex;justify-content:space-between;align-items:baseline;"
    "flex-wrap:wrap;gap:.4rem 1rem;padding-top:1.5rem;padding-bottom:1.25rem}"
    "h1,h2,.brand{font-family:Georgia,'Iowan Old Style',serif;"
    "font-weight:400;letter-spacing:-.01em;line-height:1.2}"
    ".brand{font-size:1.45rem;color:inherit;text-decoration:none}"
    "h1{font-size:clamp(1.8rem,6vw,2.6rem);margin:1rem 0 1.1rem}"
    "h2{font-size:1.25rem;margin:0}"
    "p{margin:.5rem 0}.soft{color:var(--soft)}a{color:var(--leaf)}\n"
    ".steps{display:flex;gap:.4rem 1.2rem;flex-wrap:wrap;list-style:none;"
    "padding:0;margin:0;font-size:.9rem;color:var(--soft)}"
    ".steps [aria-current]{color:var(--ink);font-weight:600}\n"
    ".notice{background:color-mix(in srgb,var(--leaf) 14%,var(--paper));"
    "border-radius:.6rem;padding:.6rem 1rem;margin:1rem 0}"
    ".notice.bad{background:color-mix(in srgb,var(--wrong) 14%,"
    "var(--paper))}\n"
    ".shelf{display:grid;gap:1.25rem;padding:0;margin:1.5rem 0;"
    "grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));"
    "list-style:none}"
    ".tea,.box{background:var(--card);border:1px solid var(--line);"
    "border-radius:1rem;overflow:hidden}"
    ".tea{display:flex;flex-direction:column;scroll-margin-top:1rem}"
    ".tea svg{display:block;width:100%;height:8.5rem;color:var(--tin);"
    "background:color-mix(in srgb,var(--tin) 18%,var(--card))}"
    ".tea div{padding:1rem 1.1rem;display:flex;flex-direction:column;"
    "flex:1}.tea .kind{font-size:.82rem;color:var(--soft);margin:.1rem 0}"
    ".tea form{margin-top:auto;padding-top:.6rem;display:flex;"
    "justify-content:space-between;align-items:center}"
    ".tea:nth-child(1){--tin:#c8973a}.tea:nth-child(2){--tin:#a34f2d}"
    ".tea:nth-child(3){--tin:#4f8a4b}.tea:nth-child(4){--tin:#5b5560}"
    ".tea:nth-child(5){--tin:#7a8fc9}.tea:nth-child(6){--tin:#9b6b4a}"
    ".tea:nth-child(7){--tin:#9aa7a5}.tea:nth-child(8){--tin:#3fa38a}\n"
    "button,.button{font:inherit;font-weight:600;border:0;"
    "border-radius:99rem;padding:.55rem 1.2rem;min-height:2.75rem;"
    "background:var(--leaf);color:var(--on);cursor:pointer;"
    "text-decoration:none;display:inline-flex;align-items:center}"
    "button.plain{background:none;color:var(--leaf);"
    "border:1px solid var(--line);padding:.4rem;min-width:2.75rem;"
    "justify-content:center}"
    "button[disabled]{opacity:.35;cursor:default}"
    ":focus-visible{outline:3px solid var(--leaf);outline-offset:2px}\n"
    ".bar{position:fixed;inset:auto 0 0;background:var(--card);"
    "border-top:1px solid var(--line);padding:.8rem 1.25rem;display:flex;"
    "justify-content:center;gap:1.5rem;align-items:center}"
    ".bar p{margin:0;line-height:1.35}.bar .button{white-space:nowrap}\n"
    "table{width:100%;border-collapse:collapse}"
    "td,th{padding:.75rem 1rem;text-align:left;font-weight:400;"
    "border-top:1px solid var(--line)}tr:first-child>*{border-top:0}"
    "td:last-child,th+td:last-child{text-align:right;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".many{display:flex;gap:.5rem;align-items:center}"
    ".sum>*{font-weight:700;font-size:1.1rem}"
    ".next{display:flex;flex-wrap:wrap;gap:1rem 1.5rem;align-items:center;"
    "justify-content:space-between;margin:1.5rem 0}\n"
    ".fields{max-width:30rem}.fields label{display:block;margin:1rem 0 0}"
    ".fields input{font:inherit;color:inherit;background:var(--card);"
    "width:100%;padding:.65rem .8rem;border:1px solid var(--line);"
    "border-radius:.6rem;margin-top:.25rem}"
    ".fields input[aria-invalid]{border-color:var(--wrong)}"
    ".wrong{color:var(--wrong);font-size:.9rem}"
    ".to{margin:1.5rem 0 .6rem}"
    "address{font-style:normal;padding:1rem}"
    ".box,.next{max-width:40rem}"
    "@media(max-width:30rem){td,th{padding:.75rem .6rem}"
    ".tea{flex-direction:row}.tea svg{width:6rem;height:auto;flex:none}"
    ".bar{justify-content:space-between;gap:1rem}}"
    "@media(max-width:22rem){td,th{padding:.75rem .4rem}"
    ".many{gap:.15rem}}";

void
page_money(struct baton_exchange *x, unsigned cents)
{
	baton_print(x, "%u.%02u&nbsp;\u20ac", cents / 100, cents % 100);
}

const char *
page_url(struct page *p, struct baton_suspension s)
{
	const char *url = p->failed ? NULL : baton_suspend(p->x, &s);

	p->failed = url == NULL;
	return url != NULL ? url : "";
}

void
page_link(struct page *p, const char *resume, const char *attributes,
    const char *text)
{
	baton_print(p->x, "<a%s href=\"", attributes);
	baton_print_html(
	    p->x, page_url(p, trip_suspension(p->x, resume, p->trip)));
	baton_print(p->x, "\">%s</a>", text);
}

void
page_form(struct page *p, const char *url, const char *attributes)
{
	baton_print(p->x, "<form method=\"post\"%s action=\"", attributes);
	baton_print_html(p->x, url);
	baton_print(p->x, "\">");
}

void
page_begin(struct page *p, const char *title)
{
	const char *home = "?"; /* anew */

	if (p->trip != &no_trip && p->trip->order[0] == '\0')
		home = page_url(p, trip_suspension(p->x, "shelf", p->trip));
	baton_print(p->x,
	    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width,"
	    "initial-scale=1\"><title>%s \u00b7 Kettle Lane</title>"
	    "<link rel=\"icon\" href=\"data:,\"><style>%s</style></head>\n"
	    "<body><header><a class=\"brand\" href=\"",
	    title, style);
	baton_print_html(p->x, home);
	baton_print(p->x, "\">Kettle Lane</a>");
}

void
page_main(struct page *p, unsigned at, const char *title)
{
	static const char *const steps[] = { "Shelf", "Basket", "Delivery",
		"Order" };

	baton_print(p->x, "<ol class=\"steps\" aria-label=\"Steps\">");
	for (unsigned i = 0; i < 4; i++)
		baton_print(p->x, "<li%s>%s</li>",
		    i == at ? " aria-current=\"step\"" : "", steps[i]);
	baton_print(p->x, "</ol></header>\n<main><h1>%s</h1>\n", title);
}

void
page_notice(struct page *p, const char *class)
{
	if (p->trip->notice[0] == '\0')
		return;
	baton_print(p->x, "<p class=\"%s\" role=\"status\">", class);
	baton_print_html(p->x, p->trip->notice);
	baton_print(p->x, "</p>\n");
}

/*
 * Such a page is for one reader, has no scripts, and its address is told to
 * nobody.  It is not kept: Back asks for it again, and its continuation answers
 * as it did, or says that the conversation is over.
 */
void
page_end(struct page *p, unsigned status)
{
	struct baton_exchange *x = p->x;

	if (p->failed)
		return;
	baton_print(x, "</main></body></html>\n");
	baton_reply_field(x, "Cache-Control", "no-store");
	baton_reply_field(x, "Referrer-Policy", "no-referrer");
	baton_reply_field(x, "Content-Security-Policy",
	    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
	    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
	baton_reply_printed(x, status, "text/html; charset=utf-8");
}
