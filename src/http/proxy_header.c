/*
 * The PROXY protocol, to values and back.  Nothing is guessed: what is not as
 * its specification has it is refused, for who sends it is a proxy that was
 * set up for this, or somebody who would like to be one.
 */

#include "http/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const char signature[12] = { '\r', '\n', '\r', '\n', '\0', '\r', '\n',
	'Q', 'U', 'I', 'T', '\n' };

/* Version 2: signature, version and command, family and transport, length. */
enum {
	AT_COMMAND = 12,
	AT_FAMILY = 13,
	AT_LENGTH = 14,
	AT_ADDRESSES = 16,
	VERSION_2 = 0x20,
	COMMAND_LOCAL = 0,
	COMMAND_PROXY = 1,
	TRANSPORT_MAX = 2,
};

enum family { FAMILY_NONE, FAMILY_IN, FAMILY_IN6, FAMILY_UNIX, FAMILIES };

/* Both addresses and ports. */
static const size_t addresses_bytes[FAMILIES] = { 0, 12, 36, 216 };

static enum bt_parse
refuse(const char **ret_why, const char *why)
{
	*ret_why = why;
	return BT_PARSE_REFUSED;
}

static void
make_in4(struct bt_addr *ret, const void *host, in_port_t port)
{
	struct sockaddr_in *in4 = (void *)&ret->ss;

	*ret = (struct bt_addr){ .len = sizeof(*in4) };
	in4->sin_family = AF_INET;
	in4->sin_port = port;
	memcpy(&in4->sin_addr, host, 4);
}

static void
make_in6(struct bt_addr *ret, const void *host, in_port_t port)
{
	struct sockaddr_in6 *in6 = (void *)&ret->ss;

	*ret = (struct bt_addr){ .len = sizeof(*in6) };
	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	memcpy(&in6->sin6_addr, host, 16);
}

/* --- version 1 --- */

/* The next word of a line, one space behind the one before. */
static bool
next_word(struct bt_str *line, struct bt_str *ret)
{
	const char *space = line->n > 0 ? memchr(line->p, ' ', line->n) : NULL;
	size_t n = space != NULL ? (size_t)(space - line->p) : line->n;

	*ret = (struct bt_str){ line->p, n };
	line->p += n + (space != NULL);
	line->n -= n + (space != NULL);
	return n > 0;
}

/* Decimal, without zeros in front. */
static bool
parse_port(struct bt_str s, in_port_t *ret)
{
	uint64_t n;

	if (s.n == 0 || s.n > 5 || (s.n > 1 && s.p[0] == '0') ||
	    bt_str_parse_u64(s, &n) < 0 || n > UINT16_MAX)
		return false;
	*ret = htons((uint16_t)n);
	return true;
}

static bool
parse_host(struct bt_str s, int family, unsigned char ret[static 16])
{
	char text[INET6_ADDRSTRLEN];

	if (s.n >= sizeof(text) || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(family, text, ret) == 1;
}

/* `TCP4 192.0.2.1 192.0.2.2 1024 80`, or `UNKNOWN` and anything. */
static const char *
parse_line(struct bt_str line, struct bt_proxy_header *ret)
{
	struct bt_str word, source, target, ports[2];
	unsigned char host[16], other[16];
	in_port_t port, other_port;
	int family;

	if (!next_word(&line, &word))
		return "no protocol";
	if (bt_str_equal(word, BT_STR("UNKNOWN")))
		return NULL;
	if (bt_str_equal(word, BT_STR("TCP4")))
		family = AF_INET;
	else if (bt_str_equal(word, BT_STR("TCP6")))
		family = AF_INET6;
	else
		return "neither TCP4, TCP6 nor UNKNOWN";
	if (!next_word(&line, &source) || !next_word(&line, &target) ||
	    !next_word(&line, &ports[0]) || !next_word(&line, &ports[1]) ||
	    line.n > 0 || line.p[-1] == ' ')
		return "not two addresses and two ports";
	if (!parse_host(source, family, host) ||
	    !parse_host(target, family, other))
		return "what should be an address is none";
	if (!parse_port(ports[0], &port) || !parse_port(ports[1], &other_port))
		return "what should be a port is none";
	ret->has_client = true;
	if (family == AF_INET)
		make_in4(&ret->client, host, port);
	else
		make_in6(&ret->client, host, port);
	return NULL;
}

static enum bt_parse
parse_v1(struct bt_str bytes, struct bt_proxy_header *ret, const char **ret_why)
{
	static const char begin[] = "PROXY ";
	size_t known = sizeof(begin) - 1, n = bytes.n;
	struct bt_str line;
	const char *lf, *why;

	if (n > BT_PROXY_LINE_MAX)
		n = BT_PROXY_LINE_MAX;
	if (memcmp(bytes.p, begin, n < known ? n : known) != 0)
		return refuse(ret_why, "it begins in another way");
	lf = memchr(bytes.p, '\n', n);
	if (lf == NULL)
		return n < BT_PROXY_LINE_MAX
		    ? BT_PARSE_MORE
		    : refuse(ret_why, "its line is too long");
	if (lf[-1] != '\r')
		return refuse(ret_why, "its line ends without CR");
	line.p = bytes.p + known;
	line.n = (size_t)(lf - 1 - line.p);
	if ((why = parse_line(line, ret)) != NULL)
		return refuse(ret_why, why);
	ret->bytes = (size_t)(lf + 1 - bytes.p);
	return BT_PARSE_DONE;
}

/* --- version 2 --- */

static void
take_addresses(
    enum family family, const unsigned char *at, struct bt_proxy_header *ret)
{
	in_port_t port;

	switch (family) {
	case FAMILY_IN:
		memcpy(&port, at + 8, sizeof(port));
		make_in4(&ret->client, at, port);
		break;
	case FAMILY_IN6:
		memcpy(&port, at + 32, sizeof(port));
		make_in6(&ret->client, at, port);
		break;
	case FAMILY_UNIX: /* its path says nothing here */
		ret->client = (struct bt_addr){ .ss.ss_family = AF_UNIX,
			.len = sizeof(sa_family_t) };
		break;
	case FAMILY_NONE:
	case FAMILIES:
		return;
	}
	ret->has_client = true;
}

static enum bt_parse
parse_v2(struct bt_str bytes, struct bt_proxy_header *ret, const char **ret_why)
{
	const unsigned char *at = (const unsigned char *)bytes.p;
	size_t n = bytes.n, length;
	unsigned command, family;

	if (memcmp(at, signature,
		n < sizeof(signature) ? n : sizeof(signature)) != 0)
		return refuse(ret_why, "it begins in another way");
	if (n > AT_COMMAND &&
	    ((at[AT_COMMAND] & 0xf0) != VERSION_2 ||
		(at[AT_COMMAND] & 0x0f) > COMMAND_PROXY))
		return refuse(ret_why, "an unknown version or command");
	if (n < AT_ADDRESSES)
		return BT_PARSE_MORE;
	command = at[AT_COMMAND] & 0x0f;
	family = at[AT_FAMILY] >> 4;
	length = (size_t)at[AT_LENGTH] << 8 | at[AT_LENGTH + 1];
	if (AT_ADDRESSES + length > BT_PROXY_HEADER_MAX)
		return refuse(ret_why, "it is too long");
	if (command == COMMAND_PROXY &&
	    (family >= FAMILIES || (at[AT_FAMILY] & 0x0f) > TRANSPORT_MAX))
		return refuse(ret_why, "an unknown family or transport");
	if (command == COMMAND_PROXY && length < addresses_bytes[family])
		return refuse(ret_why, "it is too short for its addresses");
	if (n < AT_ADDRESSES + length)
		return BT_PARSE_MORE;
	if (command == COMMAND_PROXY && (at[AT_FAMILY] & 0x0f) != 0)
		take_addresses((enum family)family, at + AT_ADDRESSES, ret);
	ret->bytes = AT_ADDRESSES + length;
	return BT_PARSE_DONE;
}

enum bt_parse
bt_proxy_header_parse(
    struct bt_str bytes, struct bt_proxy_header *ret, const char **ret_why)
{
	*ret = (struct bt_proxy_header){ 0 };
	*ret_why = NULL;
	if (bytes.n == 0)
		return BT_PARSE_MORE;
	return bytes.p[0] == signature[0] ? parse_v2(bytes, ret, ret_why)
					  : parse_v1(bytes, ret, ret_why);
}

/* --- writing --- */

/* As of IPv6, ::ffff:192.0.2.1 what is not. */
static void
host_in6(const struct bt_addr *a, unsigned char ret[static 16])
{
	const void *sa = &a->ss;

	memset(ret, 0, 16);
	if (a->ss.ss_family == AF_INET6) {
		memcpy(ret, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	} else {
		ret[10] = ret[11] = 0xff;
		memcpy(
		    ret + 12, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	}
}

/* The family that both addresses can be written in. */
static enum family
family_of(const struct bt_addr *a, const struct bt_addr *b)
{
	const struct bt_addr *both[] = { a, b };
	enum family family = FAMILY_IN;

	for (unsigned i = 0; i < 2; i++)
		if (both[i]->ss.ss_family == AF_INET6)
			family = FAMILY_IN6;
		else if (both[i]->ss.ss_family != AF_INET)
			return FAMILY_NONE;
	return family;
}

static size_t
format_v1(enum family family, const unsigned char *client,
    const unsigned char *server, unsigned client_port, unsigned server_port,
    char *out)
{
	int af = family == FAMILY_IN ? AF_INET : AF_INET6;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	if (family == FAMILY_NONE)
		return (size_t)sprintf(out, "PROXY UNKNOWN\r\n");
	inet_ntop(af, client, from, sizeof(from));
	inet_ntop(af, server, to, sizeof(to));
	return (size_t)snprintf(out, BT_PROXY_LINE_MAX + 1,
	    "PROXY %s %s %s %u %u\r\n", family == FAMILY_IN ? "TCP4" : "TCP6",
	    from, to, client_port, server_port);
}

static size_t
format_v2(enum family family, const unsigned char *client,
    const unsigned char *server, unsigned client_port, unsigned server_port,
    char *out)
{
	size_t host = family == FAMILY_IN ? 4 : 16;
	size_t length = addresses_bytes[family];
	in_port_t ports[2] = { htons((uint16_t)client_port),
		htons((uint16_t)server_port) };

	memcpy(out, signature, sizeof(signature));
	out[AT_COMMAND] = VERSION_2 | COMMAND_PROXY;
	out[AT_FAMILY] = (char)(family == FAMILY_NONE ? 0 : family << 4 | 1);
	out[AT_LENGTH] = 0;
	out[AT_LENGTH + 1] = (char)length;
	if (family != FAMILY_NONE) {
		memcpy(out + AT_ADDRESSES, client, host);
		memcpy(out + AT_ADDRESSES + host, server, host);
		memcpy(out + AT_ADDRESSES + 2 * host, ports, sizeof(ports));
	}
	return AT_ADDRESSES + length;
}

size_t
bt_proxy_header_format(enum bt_proxy_version version,
    const struct bt_addr *client, const struct bt_addr *server,
    char out[static BT_PROXY_LINE_MAX + 1])
{
	enum family family = family_of(client, server);
	unsigned char from[16] = { 0 }, to[16] = { 0 };
	size_t skip = family == FAMILY_IN ? 12 : 0;

	if (family != FAMILY_NONE) {
		host_in6(client, from);
		host_in6(server, to);
	}
	return (version == BT_PROXY_V1 ? format_v1 : format_v2)(family,
	    from + skip, to + skip, bt_addr_port(client), bt_addr_port(server),
	    out);
}
