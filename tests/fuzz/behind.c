/*
 * Servers behind a proxy, and what they were asked.
 */

#include "tests/fuzz/behind.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST, BACKUP, TCP, LISTENERS };
enum { NARROW_BYTES = 4096 };

struct behind behind;

static struct listener {
	int fd;
	struct sockaddr_storage ss;
	socklen_t len;
} listeners[LISTENERS] = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } };

static char folder[] = "/tmp/baton-behind-XXXXXX";

static void
make_narrow(int fd)
{
	int size = NARROW_BYTES;

	if (behind.narrow)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* In front of libc's: what the proxy connects is as narrow as the rest. */
__attribute__((visibility("default"))) int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	make_narrow(fd);
	return (int)syscall(SYS_connect, fd, sa, len);
}

/* ---- where they listen */

static void
remove_folder(void)
{
	for (unsigned i = 0; i < TCP; i++)
		unlink(
		    ((struct sockaddr_un *)(void *)&listeners[i].ss)->sun_path);
	rmdir(folder);
}

static void
set_path(struct listener *l, const char *name, char text[static 128])
{
	struct sockaddr_un *sun = (void *)&l->ss;

	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/%s", folder, name);
	l->len = sizeof(*sun);
	snprintf(text, 128, "unix:%s", sun->sun_path);
}

static void
listener_open(struct listener *l)
{
	int one = 1, r;

	if (l->fd != -1)
		return;
	l->fd = socket(
	    l->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert(l->fd != -1);
	if (l->ss.ss_family == AF_UNIX)
		unlink(((struct sockaddr_un *)(void *)&l->ss)->sun_path);
	else
		setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	r = bind(l->fd, (void *)&l->ss, l->len);
	assert(r == 0);
	r = listen(l->fd, behind.late ? 1 : 16);
	assert(r == 0);
}

static void
listener_close(struct listener *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}

void
behind_choose(
    char first[static 128], char backup[static 128], unsigned *ret_port)
{
	struct sockaddr_in *sin = (void *)&listeners[TCP].ss;
	struct listener *l = &listeners[TCP];
	int r;

	if (mkdtemp(folder) == NULL)
		abort();
	atexit(remove_folder);
	set_path(&listeners[FIRST], "first", first);
	set_path(&listeners[BACKUP], "backup", backup);
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->len = sizeof(*sin);
	listener_open(l);
	r = getsockname(l->fd, (void *)&l->ss, &l->len);
	assert(r == 0);
	*ret_port = ntohs(sin->sin_port);
	listener_close(l);
}

void
behind_listen(void)
{
	listener_open(&listeners[FIRST]);
	listener_open(&listeners[TCP]);
}

void
behind_stop(void)
{
	listener_close(&listeners[FIRST]);
	listener_close(&listeners[TCP]);
}

/* ---- their connections */

void
behind_begin(void)
{
	for (unsigned i = 0; i < behind.conns_n; i++) {
		bt_buf_fini(&behind.conns[i].in);
		bt_buf_fini(&behind.conns[i].out);
	}
	behind = (struct behind){ 0 };
	listener_open(&listeners[BACKUP]);
}

void
behind_close(struct behind_conn *c, bool reset)
{
	const struct linger now = { .l_onoff = 1 };

	if (c == NULL || c->fd == -1)
		return;
	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(c->fd);
	c->fd = -1;
	c->over = c->finished = true;
}

void
behind_finish(struct behind_conn *c)
{
	if (c == NULL || c->finished)
		return;
	shutdown(c->fd, SHUT_WR);
	c->finished = true;
}

static bool
accept_from(const struct listener *l)
{
	struct behind_conn *c = &behind.conns[behind.conns_n];
	int fd;

	if (l->fd == -1)
		return false;
	fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		return false;
	if (behind.conns_n == BEHIND_CONNS_MAX) {
		close(fd);
		return true;
	}
	make_narrow(fd);
	*c = (struct behind_conn){ .fd = fd, .tcp = l == &listeners[TCP] };
	behind.conns_n++;
	behind.at = c;
	return true;
}

void
behind_accept(void)
{
	for (unsigned i = 0; i < LISTENERS; i++)
		if (accept_from(&listeners[i]))
			return;
}

static void
send_some(struct behind_conn *c)
{
	while (!c->finished && c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->sent,
		    c->out.len - c->sent, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		c->sent += (size_t)n;
	}
}

static void
read_all(struct behind_conn *c)
{
	while (!c->over) {
		char *room = bt_buf_reserve(&c->in, 16384);
		ssize_t n = recv(c->fd, room, 16384, 0);

		if (n == -1 && errno == EAGAIN)
			return;
		c->over = n <= 0;
		if (n <= 0)
			return;
		c->in.len += (size_t)n;
		c->in.data[c->in.len] = '\0';
		behind.at = c;
	}
}

void
behind_read(void)
{
	for (unsigned i = 0; i < behind.conns_n; i++)
		read_all(&behind.conns[i]);
}

void
behind_turn(void)
{
	for (unsigned i = 0; i < LISTENERS && !behind.late; i++)
		while (accept_from(&listeners[i]))
			;
	for (unsigned i = 0; i < behind.conns_n; i++)
		send_some(&behind.conns[i]);
	if (!behind.lazy)
		behind_read();
}

void
behind_say(const void *bytes, size_t n)
{
	struct behind_conn *c = behind.at;

	if (c == NULL || c->finished)
		return;
	bt_buf_append(&c->out, bytes, n);
	send_some(c);
}

void
behind_next(void)
{
	unsigned at, i;

	if (behind.at == NULL)
		return;
	at = (unsigned)(behind.at - behind.conns);
	for (i = 1; i < behind.conns_n; i++) {
		struct behind_conn *c =
		    &behind.conns[(at + i) % behind.conns_n];

		if (c->fd != -1) {
			behind.at = c;
			return;
		}
	}
}

/*
 * TCP is reset: what the proxy has closed first would else hold its port for a
 * minute, and soon there would be none.
 */
void
behind_end(void)
{
	for (unsigned i = 0; i < LISTENERS; i++) {
		while (accept_from(&listeners[i]))
			;
		listener_close(&listeners[i]);
	}
	for (unsigned i = 0; i < behind.conns_n; i++) {
		struct behind_conn *c = &behind.conns[i];

		read_all(c);
		behind_close(c, c->tcp);
	}
}

static const char *
find_last(const struct bt_buf *b, const char *mark)
{
	const char *end = b->data + b->len, *found = NULL;

	for (const char *at = b->data; at != NULL; found = at ? at++ : found)
		at = memmem(at, (size_t)(end - at), mark, strlen(mark));
	return found;
}

unsigned
behind_last_id(const struct behind_conn *c)
{
	const char *id, *page;

	if (c == NULL || c->in.data == NULL)
		return 0;
	id = find_last(&c->in, "?id=");
	page = find_last(&c->in, " /page HTTP/1.1");
	return id != NULL && id > page ? (unsigned)atoi(id + 4) : 0;
}

/* ---- what came, read by somebody who trusts nobody */

struct reader {
	const char *at, *end;
};

static void __attribute__((noreturn))
wrong(const struct reader *r, const char *what)
{
	fprintf(stderr, "a request: %s, before: %.*s\n", what,
	    (int)(r->end - r->at < 300 ? r->end - r->at : 300), r->at);
	abort();
}

static bool
take_line(struct reader *r, struct bt_str *ret)
{
	const char *lf = memchr(r->at, '\n', (size_t)(r->end - r->at));

	if (lf == NULL)
		return false;
	if (lf == r->at || lf[-1] != '\r')
		wrong(r, "a line that does not end with CRLF");
	*ret = (struct bt_str){ r->at, (size_t)(lf - 1 - r->at) };
	for (size_t i = 0; i < ret->n; i++)
		if ((unsigned char)ret->p[i] < ' ' && ret->p[i] != '\t')
			wrong(r, "a control byte");
	r->at = lf + 1;
	return true;
}

static bool
is(struct bt_str s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

static uint64_t
number(const struct reader *r, struct bt_str s, int base)
{
	char *end;
	uint64_t n;

	if (s.n == 0 || !isxdigit((unsigned char)s.p[0]))
		wrong(r, "no number");
	n = strtoull(s.p, &end, base);
	if (end != s.p + s.n)
		wrong(r, "no number");
	return n;
}

struct framing {
	unsigned hosts, lengths, codings;
	uint64_t length;
};

static void
read_field(struct reader *r, struct bt_str line, struct framing *f)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct bt_str name, value;

	if (colon == NULL || colon == line.p)
		wrong(r, "no field line");
	name = (struct bt_str){ line.p, (size_t)(colon - line.p) };
	value = (struct bt_str){ colon + 1, line.n - name.n - 1 };
	if (memchr(name.p, ' ', name.n) || memchr(name.p, '\t', name.n) ||
	    value.n == 0 || value.p[0] != ' ')
		wrong(r, "no field line");
	value.p++, value.n--;
	if (is(name, "Host"))
		f->hosts++;
	if (is(name, "X-Hop") || is(name, "TE") || is(name, "Keep-Alive") ||
	    is(name, "Expect"))
		wrong(r, "a field that is not for it");
	if (is(name, "Content-Length")) {
		f->lengths++;
		f->length = number(r, value, 10);
	}
	if (is(name, "Transfer-Encoding")) {
		f->codings++;
		if (!is(value, "chunked"))
			wrong(r, "a coding");
	}
}

/* A header of the PROXY protocol, if it begins like one. */
static bool
skip_proxy(struct reader *r)
{
	static const char v2[] = "\r\n\r\n\0\r\nQUIT\n";
	size_t n = (size_t)(r->end - r->at), length;
	struct bt_str line;

	if (n >= 5 && memcmp(r->at, "PROXY", 5) == 0)
		return take_line(r, &line);
	if (n == 0 || r->at[0] != '\r')
		return true;
	if (n < 16)
		return false;
	length = 16 + (size_t)(unsigned char)r->at[14] * 256 +
	    (unsigned char)r->at[15];
	if (memcmp(r->at, v2, 12) != 0)
		wrong(r, "no header of the PROXY protocol");
	if (n < length)
		return false;
	r->at += length;
	return true;
}

static bool
read_chunks(struct reader *r, struct bt_buf *content)
{
	struct framing unused = { 0 };
	struct bt_str line;

	for (;;) {
		uint64_t n, there;

		if (!take_line(r, &line))
			return false;
		n = number(r, line, 16);
		if (n == 0)
			break;
		there = (uint64_t)(r->end - r->at);
		bt_buf_append(content, r->at, n < there ? n : there);
		if (n >= there) {
			r->at = r->end;
			return false;
		}
		r->at += n;
		if (!take_line(r, &line))
			return false;
		if (line.n != 0)
			wrong(r, "a chunk without its end");
	}
	do {
		if (!take_line(r, &line))
			return false;
		if (line.n > 0)
			read_field(r, line, &unused);
	} while (line.n > 0);
	if (unused.hosts || unused.lengths || unused.codings)
		wrong(r, "a trailer that frames");
	return true;
}

static void
read_request_line(
    struct reader *r, struct bt_str line, struct behind_request *q)
{
	const char *space = memchr(line.p, ' ', line.n), *mark;
	struct bt_str target;

	if (space == NULL || space == line.p)
		wrong(r, "no request line");
	q->method = (struct bt_str){ line.p, (size_t)(space - line.p) };
	target = (struct bt_str){ space + 1, line.n - q->method.n - 1 };
	space = memchr(target.p, ' ', target.n);
	if (space == NULL || target.p[0] != '/')
		wrong(r, "no target");
	if (!is((struct bt_str){ space, (size_t)(line.p + line.n - space) },
		" HTTP/1.1"))
		wrong(r, "no version");
	target.n = (size_t)(space - target.p);
	mark = memmem(target.p, target.n, "?id=", 4);
	if (mark == NULL)
		return;
	q->id = (unsigned)number(r,
	    (struct bt_str){
		mark + 4, (size_t)(target.p + target.n - mark) - 4 },
	    10);
}

/* False: it is cut. */
static bool
read_head(struct reader *r, struct behind_request *q, struct framing *f)
{
	const char *begin;
	struct bt_str line;

	if (!skip_proxy(r))
		return false;
	begin = r->at;
	if (!take_line(r, &line))
		return false;
	read_request_line(r, line, q);
	do {
		if (!take_line(r, &line))
			return false;
		if (line.n > 0)
			read_field(r, line, f);
	} while (line.n > 0);
	if (f->hosts != 1 || f->lengths + f->codings > 1)
		wrong(r, "Host, or two framings");
	q->head = (struct bt_str){ begin, (size_t)(r->at - begin) };
	q->rest = (struct bt_str){ r->at, (size_t)(r->end - r->at) };
	return true;
}

static void
read_content(struct reader *r, const struct framing *f,
    struct behind_request *q, struct bt_buf *content)
{
	uint64_t there = (uint64_t)(r->end - r->at);

	if (f->codings > 0) {
		q->complete = read_chunks(r, content);
	} else {
		q->complete = f->length <= there;
		there = q->complete ? f->length : there;
		bt_buf_append(content, r->at, there);
		r->at += there;
	}
	q->content = bt_buf_str(content);
}

void
behind_check(const struct behind_conn *c,
    bool (*on_request)(
	const struct behind_conn *, const struct behind_request *))
{
	struct reader r = { c->in.data, NULL };
	bool more = c->in.data != NULL;

	if (more)
		r.end = r.at + c->in.len;
	while (more && r.at < r.end) {
		struct behind_request q = { 0 };
		struct framing f = { 0 };
		struct bt_buf content = { 0 };

		if (!read_head(&r, &q, &f))
			return;
		read_content(&r, &f, &q, &content);
		more = on_request(c, &q) && q.complete;
		bt_buf_fini(&content);
	}
}
