/* The terminal, taken over for a screen of our own and given back as it was. */
#ifndef M4H_CTL_IO_TERMINAL_H
#define M4H_CTL_IO_TERMINAL_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

/* False: standard input or output is none. At most one at a time. After SIGINT,
 * SIGTERM or SIGHUP m4h_ctl_terminal_is_over; SIGWINCH ends a wait. */
M4H_MUST_CHECK bool m4h_ctl_terminal_take(void);
void m4h_ctl_terminal_give_back(void);

bool m4h_ctl_terminal_is_over(void);
void m4h_ctl_terminal_size(unsigned *rows, unsigned *columns);
bool m4h_ctl_terminal_is_utf8(void);

/* A key, waited for at most `ms`; 0: none came. Arrows are 'k' and 'j', pages
 * 'b' and ' '. */
char m4h_ctl_terminal_key(uint32_t ms);

#endif
