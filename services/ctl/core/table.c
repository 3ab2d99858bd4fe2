/* Columns. */
#include "services/ctl/core/table.h"

#include "lib/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP       2
#define TEXTS_MAX (64u << 20)

void m4h_ctl_table_begin(struct m4h_ctl_table *table, const struct m4h_ctl_column *columns,
                         size_t column_count)
{
    *table = (struct m4h_ctl_table){
        .columns = columns, .column_count = column_count, .texts = M4H_BUFFER_INIT(TEXTS_MAX)};
    for (size_t i = 0; i < column_count; i++)
        table->widths[i] = m4h_ctl_width(columns[i].title);
}

void m4h_ctl_table_end(struct m4h_ctl_table *table)
{
    free(table->cells);
    m4h_buffer_free(&table->texts);
}

static bool make_room(struct m4h_ctl_table *table)
{
    size_t room = table->cell_room != 0 ? table->cell_room * 2 : 256;
    struct m4h_ctl_cell *cells;

    if (table->cell_count < table->cell_room)
        return true;
    cells = realloc(table->cells, room * sizeof(*cells));
    if (cells == NULL)
        return false;
    table->cells = cells;
    table->cell_room = room;
    return true;
}

/* Cuts between characters, and says so. */
static void cut(char text[M4H_CTL_CELL_MAX])
{
    size_t end = M4H_CTL_CELL_MAX - 2;

    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, "~", 2);
}

void m4h_ctl_table_cell(struct m4h_ctl_table *table, enum m4h_ctl_style style, const char *format,
                        ...)
{
    size_t *width = &table->widths[table->cell_count % table->column_count];
    struct m4h_ctl_cell cell = {.offset = table->texts.len, .style = style};
    char text[M4H_CTL_CELL_MAX];
    va_list args;
    int len;

    if (table->error != 0)
        return;
    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len >= (int)sizeof(text))
        cut(text);
    if (!make_room(table)) {
        table->error = M4H_ENOMEM;
        return;
    }
    table->error = m4h_buffer_add(&table->texts, text, strlen(text) + 1);
    cell.width = m4h_ctl_width(text);
    if (cell.width > *width)
        *width = cell.width;
    table->cells[table->cell_count++] = cell;
}

static void write_cell(struct m4h_ctl_table *table, struct m4h_ctl_page *page, size_t column,
                       enum m4h_ctl_style style, const char *text, size_t width)
{
    size_t padding = table->widths[column] - width;
    bool is_last = column + 1 == table->column_count;

    if (table->columns[column].is_right)
        m4h_ctl_page_spaces(page, padding);
    m4h_ctl_page_put(page, style, text);
    if (is_last)
        m4h_ctl_page_put(page, M4H_CTL_PLAIN, "\n");
    else
        m4h_ctl_page_spaces(page, GAP + (table->columns[column].is_right ? 0 : padding));
}

static void write_titles(struct m4h_ctl_table *table, struct m4h_ctl_page *page)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const char *title = table->columns[i].title;

        write_cell(table, page, i, M4H_CTL_STRONG, title, m4h_ctl_width(title));
    }
    table->has_title = true;
}

void m4h_ctl_table_write(struct m4h_ctl_table *table, struct m4h_ctl_page *page)
{
    if (page->error == 0)
        page->error = table->error;
    if (page->error != 0)
        return;
    if (!table->has_title)
        write_titles(table, page);
    for (size_t i = 0; i < table->cell_count; i++) {
        const struct m4h_ctl_cell *cell = &table->cells[i];

        write_cell(table, page, i % table->column_count, cell->style,
                   (const char *)table->texts.data + cell->offset, cell->width);
    }
    table->cell_count = 0;
    m4h_buffer_clear(&table->texts);
}
