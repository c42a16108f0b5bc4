/*
 * Socket addresses: text to value and back.  Any process.
 */

#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

static struct sockaddr_in *
in4(struct bt_addr *a)
{
	return (struct sockaddr_in *)(void *)&a->ss;
}

static struct sockaddr_in6 *
in6(struct bt_addr *a)
{
	return (struct sockaddr_in6 *)(void *)&a->ss;
}

static const struct sockaddr_in *
in4_of(const struct bt_addr *a)
{
	return (const struct sockaddr_in *)(const void *)&a->ss;
}

static const struct sockaddr_in6 *
in6_of(const struct bt_addr *a)
{
	return (const struct sockaddr_in6 *)(const void *)&a->ss;
}

/*
 * The path of a UNIX socket: as long as `len` says, since the kernel neither
 * terminates a path of 108 bytes nor touches what lies behind a short one.
 * Empty when unnamed; begins with NUL when abstract.
 */
static struct bt_str
un_path(const struct bt_addr *a)
{
	const struct sockaddr_un *un = (const void *)&a->ss;
	const size_t before = offsetof(struct sockaddr_un, sun_path);
	struct bt_str path = { un->sun_path, 0 };

	if (a->len > before)
		path.n = a->len - before;
	if (path.n > sizeof(un->sun_path))
		path.n = sizeof(un->sun_path);
	if (path.n > 0 && path.p[0] != '\0')
		path.n = strnlen(path.p, path.n);
	return path;
}

static int
parse_port(struct bt_str s, in_port_t *ret, const char **ret_why)
{
	uint64_t port;

	if (bt_str_parse_u64(s, &port) < 0 || port > 65535) {
		*ret_why = "the port must be a number from 0 to 65535";
		return -EINVAL;
	}
	*ret = htons((uint16_t)port);
	return 0;
}

static int
parse_unix(struct bt_str path, struct bt_addr *ret, const char **ret_why)
{
	struct sockaddr_un *un = (struct sockaddr_un *)(void *)&ret->ss;

	if (path.n == 0 || path.p[0] != '/') {
		*ret_why = "the path of a UNIX socket must begin with /";
		return -EINVAL;
	}
	if (memchr(path.p, '\0', path.n) != NULL) {
		*ret_why = "the path of a UNIX socket must not contain NUL";
		return -EINVAL;
	}
	if (path.n >= sizeof(un->sun_path)) {
		*ret_why = "the path of a UNIX socket has at most 107 bytes";
		return -EINVAL;
	}
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path.p, path.n);
	ret->len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
	return 0;
}

/* inet_pton() of a span. */
static bool
pton(int family, struct bt_str s, void *out)
{
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return strlen(text) == s.n && inet_pton(family, text, out) == 1;
}

int
bt_addr_parse(struct bt_str s, struct bt_addr *ret, const char **ret_why)
{
	struct bt_addr a = { 0 };
	struct bt_str host, port;
	const char *colon;
	int r;

	if (bt_str_has_prefix(s, BT_STR("unix:"))) {
		if ((r = parse_unix(
			 (struct bt_str){ s.p + 5, s.n - 5 }, &a, ret_why)) < 0)
			return r;
		*ret = a;
		return 0;
	}
	colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
	host = (struct bt_str){ s.p, colon ? (size_t)(colon - s.p) : 0 };
	port = colon
	    ? (struct bt_str){ colon + 1, (size_t)(s.p + s.n - colon - 1) }
	    : s;
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = (struct bt_str){ host.p + 1, host.n - 2 };
		in6(&a)->sin6_family = AF_INET6;
		a.len = sizeof(struct sockaddr_in6);
		if (!pton(AF_INET6, host, &in6(&a)->sin6_addr)) {
			*ret_why = "not an IPv6 address";
			return -EINVAL;
		}
		r = parse_port(port, &in6(&a)->sin6_port, ret_why);
	} else {
		in4(&a)->sin_family = AF_INET;
		a.len = sizeof(struct sockaddr_in);
		if (colon != NULL && !bt_str_equal(host, BT_STR("*")) &&
		    !pton(AF_INET, host, &in4(&a)->sin_addr)) {
			*ret_why = "expected ADDRESS:PORT, [IPv6]:PORT, "
				   "*:PORT, PORT or unix:/PATH";
			return -EINVAL;
		}
		r = parse_port(port, &in4(&a)->sin_port, ret_why);
	}
	if (r == 0)
		*ret = a;
	return r;
}

/* Splits `HOST:PORT` and `[HOST]:PORT`; both ports are optional. */
static bool
split_host(struct bt_str s, struct bt_str *ret_host, struct bt_str *ret_port)
{
	bool bracket = s.n > 0 && s.p[0] == '[';
	const char *colon = s.n ? memchr(s.p, bracket ? ']' : ':', s.n) : NULL;
	size_t n = colon ? (size_t)(colon - s.p) : s.n;

	*ret_port = BT_STR_NONE;
	*ret_host = bracket ? (struct bt_str){ s.p + 1, n - 1 } : s;
	if (colon == NULL)
		return !bracket;
	if (bracket) {
		n++;
		if (n == s.n)
			return true;
	} else if (memchr(colon + 1, ':', s.n - n - 1) != NULL) {
		return true; /* an IPv6 address alone */
	}
	if (s.p[n] != ':' || n + 1 == s.n)
		return false;
	*ret_port = (struct bt_str){ s.p + n + 1, s.n - n - 1 };
	if (!bracket)
		ret_host->n = n;
	return true;
}

int
bt_addr_parse_host(struct bt_str s, struct bt_addr *ret)
{
	struct bt_addr a = { 0 };
	struct bt_str host, port;
	in_port_t number = 0;
	const char *why;

	if (!split_host(s, &host, &port) ||
	    (port.n > 0 && parse_port(port, &number, &why) < 0))
		return -EINVAL;
	if (s.p[0] != '[' && pton(AF_INET, host, &in4(&a)->sin_addr)) {
		in4(&a)->sin_family = AF_INET;
		in4(&a)->sin_port = number;
		a.len = sizeof(struct sockaddr_in);
	} else if (pton(AF_INET6, host, &in6(&a)->sin6_addr)) {
		in6(&a)->sin6_family = AF_INET6;
		in6(&a)->sin6_port = number;
		a.len = sizeof(struct sockaddr_in6);
	} else {
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

/* As inet_ntop(3) writes it, which takes a printf for that. */
static void
format_in4(const struct in_addr *in4, char *out)
{
	unsigned char octet[4];

	memcpy(octet, in4, sizeof(octet));
	for (int i = 0; i < 4; i++) {
		unsigned n = octet[i];

		if (n >= 100)
			*out++ = (char)('0' + n / 100);
		if (n >= 10)
			*out++ = (char)('0' + n / 10 % 10);
		*out++ = (char)('0' + n % 10);
		*out++ = i < 3 ? '.' : '\0';
	}
}

size_t
bt_addr_format_host(const struct bt_addr *a, char out[static BT_ADDR_TEXT_MAX])
{
	switch (a->ss.ss_family) {
	case AF_INET:
		format_in4(&in4_of(a)->sin_addr, out);
		break;
	case AF_INET6:
		inet_ntop(
		    AF_INET6, &in6_of(a)->sin6_addr, out, BT_ADDR_TEXT_MAX);
		break;
	case AF_UNIX:
		strcpy(out, "unix:");
		break;
	default:
		strcpy(out, "-");
		break;
	}
	return strlen(out);
}

const char *
bt_addr_format(const struct bt_addr *a, char out[static BT_ADDR_TEXT_MAX])
{
	char host[BT_ADDR_TEXT_MAX];
	struct bt_str path;

	bt_addr_format_host(a, host);
	switch (a->ss.ss_family) {
	case AF_INET:
		snprintf(out, BT_ADDR_TEXT_MAX, "%.*s:%u", 64, host,
		    bt_addr_port(a));
		break;
	case AF_INET6:
		snprintf(out, BT_ADDR_TEXT_MAX, "[%.*s]:%u", 64, host,
		    bt_addr_port(a));
		break;
	case AF_UNIX:
		path = un_path(a);
		if (path.n > 0 && path.p[0] == '\0') /* as ss(8) shows them */
			snprintf(out, BT_ADDR_TEXT_MAX, "unix:@%.*s",
			    (int)path.n - 1, path.p + 1);
		else
			snprintf(out, BT_ADDR_TEXT_MAX, "unix:%.*s",
			    BT_STR_ARG(path));
		break;
	default:
		strcpy(out, "-");
		break;
	}
	return out;
}

uint16_t
bt_addr_port(const struct bt_addr *a)
{
	if (a->ss.ss_family == AF_INET)
		return ntohs(in4_of(a)->sin_port);
	if (a->ss.ss_family == AF_INET6)
		return ntohs(in6_of(a)->sin6_port);
	return 0;
}

bool
bt_addr_equal(const struct bt_addr *a, const struct bt_addr *b)
{
	if (a->ss.ss_family != b->ss.ss_family)
		return false;
	switch (a->ss.ss_family) {
	case AF_INET:
		return in4_of(a)->sin_port == in4_of(b)->sin_port &&
		    in4_of(a)->sin_addr.s_addr == in4_of(b)->sin_addr.s_addr;
	case AF_INET6:
		return in6_of(a)->sin6_port == in6_of(b)->sin6_port &&
		    memcmp(&in6_of(a)->sin6_addr, &in6_of(b)->sin6_addr,
			sizeof(struct in6_addr)) == 0;
	case AF_UNIX:
		return bt_str_equal(un_path(a), un_path(b));
	default:
		return true;
	}
}

static bool
bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

int
bt_addr_block_parse(
    struct bt_str s, struct bt_addr_block *ret, const char **ret_why)
{
	struct bt_addr_block block = { 0 };
	uint8_t masked[16] = { 0 };
	struct bt_str host = s;
	const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	uint64_t bits;
	unsigned most;

	if (bt_str_equal(s, BT_STR("all"))) {
		*ret = block;
		return 0;
	}
	if (bt_str_equal(s, BT_STR("unix:"))) {
		block.family = AF_UNIX;
		*ret = block;
		return 0;
	}
	if (slash != NULL)
		host.n = (size_t)(slash - s.p);
	if (pton(AF_INET, host, block.bytes)) {
		block.family = AF_INET;
		most = 32;
	} else if (pton(AF_INET6, host, block.bytes)) {
		block.family = AF_INET6;
		most = 128;
	} else {
		*ret_why = "expected an address, ADDRESS/BITS, unix: or all";
		return -EINVAL;
	}
	bits = most;
	if (slash != NULL &&
	    (bt_str_parse_u64(
		 (struct bt_str){ slash + 1, (size_t)(s.p + s.n - slash - 1) },
		 &bits) < 0 ||
		bits > most)) {
		*ret_why = "the prefix length is out of range";
		return -EINVAL;
	}
	block.bits = (uint8_t)bits;
	memcpy(masked, block.bytes, bits / 8);
	if (bits % 8)
		masked[bits / 8] =
		    (uint8_t)(block.bytes[bits / 8] & (0xff << (8 - bits % 8)));
	if (memcmp(masked, block.bytes, sizeof(masked)) != 0) {
		*ret_why = "bits are set behind the prefix length";
		return -EINVAL;
	}
	*ret = block;
	return 0;
}

bool
bt_addr_block_has(const struct bt_addr_block *block, const struct bt_addr *a)
{
	int family = a->ss.ss_family;
	const uint8_t *bytes;

	if (block->family == AF_UNSPEC)
		return true;
	if (family == AF_UNIX)
		return block->family == AF_UNIX;
	if (family == AF_INET) {
		bytes = (const uint8_t *)&in4_of(a)->sin_addr;
	} else if (family == AF_INET6) {
		bytes = in6_of(a)->sin6_addr.s6_addr;
		if (IN6_IS_ADDR_V4MAPPED(&in6_of(a)->sin6_addr) &&
		    block->family == AF_INET) {
			bytes += 12;
			family = AF_INET;
		}
	} else {
		return false;
	}
	return family == block->family &&
	    bits_equal(block->bytes, bytes, block->bits);
}
