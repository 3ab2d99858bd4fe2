/* Styled text in a buffer. */
#include "services/ctl/core/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PAGE_MAX (64u << 20)
/* Longer pieces are cut. */
#define PIECE_MAX 2048

#define CLOSING   "\x1b[0m"

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

static void put_bytes(struct m4h_ctl_page *page, const char *bytes, size_t len)
{
    if (page->error == 0)
        page->error = m4h_buffer_add(&page->text, bytes, len);
}

void m4h_ctl_page_put(struct m4h_ctl_page *page, enum m4h_ctl_style style, const char *text)
{
    bool is_styled = page->is_colored && style != M4H_CTL_PLAIN;

    if (is_styled)
        put_bytes(page, openings[style], strlen(openings[style]));
    put_bytes(page, text, strlen(text));
    if (is_styled)
        put_bytes(page, CLOSING, strlen(CLOSING));
}

void m4h_ctl_page_add(struct m4h_ctl_page *page, enum m4h_ctl_style style, const char *format, ...)
{
    char piece[PIECE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    m4h_ctl_page_put(page, style, piece);
}

void m4h_ctl_page_spaces(struct m4h_ctl_page *page, size_t count)
{
    static const char spaces[] = "                                ";
    const size_t most = sizeof(spaces) - 1;

    for (; count > most; count -= most)
        put_bytes(page, spaces, most);
    put_bytes(page, spaces, count);
}

size_t m4h_ctl_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}
