#ifndef BT_TESTS_SITE_H
#define BT_TESTS_SITE_H

/*
 * A site whose answers say which conf they are of: for tests in which the conf,
 * the workers or the program change under their clients.
 */

#include "tests/system/daemon.h"

#define GET "GET / HTTP/1.1\r\nHost: t\r\n\r\n"

enum { SITE_BIG = 8 * 1024 * 1024 };

/* A conf: / answers with that text, /echo echoes, /files/big is a file. */
const char *site_conf(const char *globals, const char *text);

/* Makes that file, which no socket buffer holds; returns what is in it. */
char *site_make_big(void);

/* Asks, and wants that text, on a connection that stays. */
void site_wants(struct client *, const char *text);

/*
 * Requests on kept connections, some pipelined, and on new ones; all get that
 * text.  Returns how many.
 */
unsigned long site_load(
    struct daemon *, struct client **kept, int kept_n, const char *text);

#endif
