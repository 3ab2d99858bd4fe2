/* Styled text in a buffer. */
#include "services/ctl/core/page.h"

#include <stdarg.h>
#include <stdio.h>

#define PAGE_MAX (64u << 20)
/* Longer pieces are cut. */
#define PIECE_MAX 2048

static const char *const openings[] = {
    [M4H_CTL_PLAIN] = "",        [M4H_CTL_STRONG] = "\x1b[1m",   [M4H_CTL_FAINT] = "\x1b[2m",
    [M4H_CTL_GOOD] = "\x1b[32m", [M4H_CTL_WARNING] = "\x1b[33m", [M4H_CTL_BAD] = "\x1b[1;31m",
};

void m4h_ctl_page_begin(struct m4h_ctl_page *page, bool is_colored)
{
    *page = (struct m4h_ctl_page){.text = M4H_BUFFER_INIT(PAGE_MAX), .is_colored = is_colored};
}

void m4h_ctl_page_end(struct m4h_ctl_page *page)
{
    m4h_buffer_free(&page->text);
}

void m4h_ctl_page_add(struct m4h_ctl_page *page, enum m4h_ctl_style style, const char *format, ...)
{
    bool is_styled = page->is_colored && style != M4H_CTL_PLAIN;
    char piece[PIECE_MAX];
    va_list args;

    if (page->error != 0)
        return;
    va_start(args, format);
    vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    page->error = m4h_buffer_printf(&page->text, "%s%s%s", is_styled ? openings[style] : "", piece,
                                    is_styled ? "\x1b[0m" : "");
}

void m4h_ctl_page_spaces(struct m4h_ctl_page *page, size_t count)
{
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "%*s", (int)count, "");
}

size_t m4h_ctl_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}
