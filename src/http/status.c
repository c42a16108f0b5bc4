/*
 * Status lines, whole, as they are sent.  Any process; the tables never change.
 *
 * A code that is not registered gets the name of its class; those lines are
 * made by the preprocessor, so that they are as static as the others.
 */

#include "http/status.h"

#define LINE_BYTES_MAX 34
#define PREFIX_BYTES 13 /* `HTTP/1.1 404 ` */

#define LINE(code, reason) "HTTP/1.1 " #code " " reason "\r\n"
#define ROW(code, reason) \
	[(code)-100] = { LINE(code, reason), sizeof(LINE(code, reason)) - 1 }

static const struct bt_str registered[500] = {
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

#define TEN(c, reason) \
	LINE(c##0, reason), LINE(c##1, reason), LINE(c##2, reason), \
	    LINE(c##3, reason), LINE(c##4, reason), LINE(c##5, reason), \
	    LINE(c##6, reason), LINE(c##7, reason), LINE(c##8, reason), \
	    LINE(c##9, reason)
#define CLASS(c, reason) \
	TEN(c##0, reason), TEN(c##1, reason), TEN(c##2, reason), \
	    TEN(c##3, reason), TEN(c##4, reason), TEN(c##5, reason), \
	    TEN(c##6, reason), TEN(c##7, reason), TEN(c##8, reason), \
	    TEN(c##9, reason)

static const char others[500][LINE_BYTES_MAX] = {
	CLASS(1, "Informational"),
	CLASS(2, "Successful"),
	CLASS(3, "Redirection"),
	CLASS(4, "Client Error"),
	CLASS(5, "Server Error"),
};

struct bt_str
bt_status_line(unsigned status)
{
	unsigned i = status - 100;

	if (i >= sizeof(registered) / sizeof(registered[0]))
		i = 500 - 100; /* not a status: our own mistake */
	return registered[i].n > 0 ? registered[i] : bt_str_of(others[i]);
}

struct bt_str
bt_status_reason(unsigned status)
{
	struct bt_str line = bt_status_line(status);

	return (
	    struct bt_str){ line.p + PREFIX_BYTES, line.n - PREFIX_BYTES - 2 };
}

bool
bt_status_has_content(unsigned status)
{
	return status >= 200 && status != 204 && status != 304;
}
