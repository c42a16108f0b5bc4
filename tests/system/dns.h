#ifndef BT_TESTS_DNS_H
#define BT_TESTS_DNS_H

/*
 * A DNS server that knows one name and is played by a thread of the test: what
 * it says can be changed while it runs.
 */

enum dns_mood {
	DNS_ANSWERS,
	DNS_UNKNOWN, /* NXDOMAIN */
	DNS_SILENT,
	DNS_BROKEN, /* SERVFAIL */
};

struct dns;

/* On 127.0.0.1 and a free port; it has no address for anybody. */
struct dns *dns_start(void);

unsigned dns_port(const struct dns *);

/* From now on; `addresses` of IPv4, ended by NULL. */
void dns_set(
    struct dns *, enum dns_mood, unsigned ttl_s, const char *const *addresses);

/* Waits until it was asked `n` times more than before. */
void dns_wait_asked(struct dns *, unsigned n);

#endif
