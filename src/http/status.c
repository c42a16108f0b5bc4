/*
 * Status codes: their reasons, and whole status lines, made by the compiler.
 * Any process.
 */

#include "http/status.h"

#include <assert.h>

/* clang-format off */
#define STATUS_LINE(code, reason) "HTTP/1.1 " #code " " reason "\r\n"
#define ROW(code, reason) \
	[code - 100] = { STATUS_LINE(code, reason), \
		sizeof(STATUS_LINE(code, reason)) - 1 }

static const struct bt_str lines[500] = {
	ROW(100, "Continue"),
	ROW(101, "Switching Protocols"),
	ROW(102, "Processing"),
	ROW(103, "Early Hints"),
	ROW(200, "OK"),
	ROW(201, "Created"),
	ROW(202, "Accepted"),
	ROW(203, "Non-Authoritative Information"),
	ROW(204, "No Content"),
	ROW(205, "Reset Content"),
	ROW(206, "Partial Content"),
	ROW(207, "Multi-Status"),
	ROW(208, "Already Reported"),
	ROW(226, "IM Used"),
	ROW(300, "Multiple Choices"),
	ROW(301, "Moved Permanently"),
	ROW(302, "Found"),
	ROW(303, "See Other"),
	ROW(304, "Not Modified"),
	ROW(305, "Use Proxy"),
	ROW(307, "Temporary Redirect"),
	ROW(308, "Permanent Redirect"),
	ROW(400, "Bad Request"),
	ROW(401, "Unauthorized"),
	ROW(402, "Payment Required"),
	ROW(403, "Forbidden"),
	ROW(404, "Not Found"),
	ROW(405, "Method Not Allowed"),
	ROW(406, "Not Acceptable"),
	ROW(407, "Proxy Authentication Required"),
	ROW(408, "Request Timeout"),
	ROW(409, "Conflict"),
	ROW(410, "Gone"),
	ROW(411, "Length Required"),
	ROW(412, "Precondition Failed"),
	ROW(413, "Content Too Large"),
	ROW(414, "URI Too Long"),
	ROW(415, "Unsupported Media Type"),
	ROW(416, "Range Not Satisfiable"),
	ROW(417, "Expectation Failed"),
	ROW(418, "I'm a Teapot"),
	ROW(421, "Misdirected Request"),
	ROW(422, "Unprocessable Content"),
	ROW(423, "Locked"),
	ROW(424, "Failed Dependency"),
	ROW(425, "Too Early"),
	ROW(426, "Upgrade Required"),
	ROW(428, "Precondition Required"),
	ROW(429, "Too Many Requests"),
	ROW(431, "Request Header Fields Too Large"),
	ROW(451, "Unavailable For Legal Reasons"),
	ROW(500, "Internal Server Error"),
	ROW(501, "Not Implemented"),
	ROW(502, "Bad Gateway"),
	ROW(503, "Service Unavailable"),
	ROW(504, "Gateway Timeout"),
	ROW(505, "HTTP Version Not Supported"),
	ROW(506, "Variant Also Negotiates"),
	ROW(507, "Insufficient Storage"),
	ROW(508, "Loop Detected"),
	ROW(510, "Not Extended"),
	ROW(511, "Network Authentication Required"),
};

/* RFC 9110, 15: an unknown code is understood as the x00 of its class */
static const struct bt_str reasons[5] = {
	{ "Informational", 13 }, { "Success", 7 }, { "Redirection", 11 },
	{ "Client Error", 12 }, { "Server Error", 12 },
};
/* clang-format on */

#define REASON_AT (sizeof("HTTP/1.1 200 ") - 1)

struct bt_str
bt_status_reason(unsigned status)
{
	struct bt_str line;

	assert(status >= 100 && status <= 599);
	line = lines[status - 100];
	if (line.n == 0)
		return reasons[status / 100 - 1];
	return (struct bt_str){ line.p + REASON_AT, line.n - REASON_AT - 2 };
}

/* Lines of codes that have no row, made when they are first asked for. */
static struct bt_str
unknown_line(unsigned status)
{
	static char made[500][sizeof("HTTP/1.1 200 Informational\r\n")];
	struct bt_str reason = reasons[status / 100 - 1];
	char *line = made[status - 100];

	memcpy(line, "HTTP/1.1 ", 9);
	line[9] = (char)('0' + status / 100);
	line[10] = (char)('0' + status / 10 % 10);
	line[11] = (char)('0' + status % 10);
	line[12] = ' ';
	memcpy(line + REASON_AT, reason.p, reason.n);
	memcpy(line + REASON_AT + reason.n, "\r\n", 2);
	return (struct bt_str){ line, REASON_AT + reason.n + 2 };
}

struct bt_str
bt_status_line(unsigned status)
{
	assert(status >= 100 && status <= 599);
	if (lines[status - 100].n == 0)
		return unknown_line(status);
	return lines[status - 100];
}

bool
bt_status_has_content(unsigned status)
{
	return status >= 200 && status != 204 && status != 304;
}
