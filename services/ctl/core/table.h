/* Rows of cells, written in columns that fit the widest cell. Rows may be written
 * in several parts: the columns keep the width that they had, or grow. The
 * owner embeds it, begins and ends it. Pure. */
#ifndef M4H_CTL_CORE_TABLE_H
#define M4H_CTL_CORE_TABLE_H

#include "services/ctl/core/page.h"

#define M4H_CTL_COLUMNS_MAX 16
/* A longer cell is cut, and ends in "~". */
#define M4H_CTL_CELL_MAX 160

struct m4h_ctl_column {
    const char *title;
    bool is_right; /* numbers stand at the right */
};

struct m4h_ctl_cell {
    size_t offset; /* of its text */
    size_t width;
    enum m4h_ctl_style style;
};

struct m4h_ctl_table {
    const struct m4h_ctl_column *columns; /* borrowed */
    size_t column_count;
    size_t widths[M4H_CTL_COLUMNS_MAX];
    struct m4h_ctl_cell *cells; /* owned; row after row */
    size_t cell_count, cell_room;
    struct m4h_buffer texts; /* of the cells, each with its NUL */
    bool has_title;          /* it was written */
    int error;               /* the first one */
};

/* At most M4H_CTL_COLUMNS_MAX columns. */
void m4h_ctl_table_begin(struct m4h_ctl_table *table, const struct m4h_ctl_column *columns,
                         size_t column_count);
void m4h_ctl_table_end(struct m4h_ctl_table *table);

/* The next cell of the row; after the last column a new row begins. */
void m4h_ctl_table_cell(struct m4h_ctl_table *table, enum m4h_ctl_style style, const char *format,
                        ...) M4H_PRINTF(3, 4);

/* Writes what was added since it was last called; the titles the first time. */
void m4h_ctl_table_write(struct m4h_ctl_table *table, struct m4h_ctl_page *page);

#endif
