/* Text for a terminal or a pipe as it is put together: what a view writes on. The
 * first error is kept, and what follows it does nothing. The owner embeds it,
 * begins and ends it. Pure. */
#ifndef M4H_CTL_CORE_PAGE_H
#define M4H_CTL_CORE_PAGE_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum m4h_ctl_style {
    M4H_CTL_PLAIN,
    M4H_CTL_STRONG, /* titles */
    M4H_CTL_FAINT,  /* what matters less */
    M4H_CTL_GOOD,
    M4H_CTL_WARNING,
    M4H_CTL_BAD,
};

struct m4h_ctl_page {
    struct m4h_buffer text;
    bool is_colored; /* styles become escape sequences; else they are left out */
    int error;       /* 0, M4H_ENOMEM or M4H_ETOOBIG */
};

void m4h_ctl_page_begin(struct m4h_ctl_page *page, bool is_colored);
void m4h_ctl_page_end(struct m4h_ctl_page *page);

/* A text as it is. */
void m4h_ctl_page_put(struct m4h_ctl_page *page, enum m4h_ctl_style style, const char *text);
/* Formatted; cut at 2,047 bytes. */
void m4h_ctl_page_add(struct m4h_ctl_page *page, enum m4h_ctl_style style, const char *format, ...)
    M4H_PRINTF(3, 4);
void m4h_ctl_page_spaces(struct m4h_ctl_page *page, size_t count);

/* Columns that a UTF-8 text takes on a terminal, where each character takes one. */
size_t m4h_ctl_width(const char *text);

#endif
