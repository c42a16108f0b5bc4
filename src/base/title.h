#ifndef BT_BASE_TITLE_H
#define BT_BASE_TITLE_H

/*
 * What ps, top and `systemctl status` show of a process.  The master keeps the
 * command line that it was started with; who is forked from it says who it is.
 */

/*
 * Where the arguments are.  First thing in main(); they must stay there, but
 * for argv[0], which becomes a copy.
 */
void bt_title_init(int argc, char **argv);

/*
 * Names the calling process, its command line included where that has the room:
 * `baton` alone has not, and keeps it.
 *
 * Context: a process that was just forked, before anybody reads the arguments.
 */
void bt_title_set(const char *title);

#endif
