/* The screen of top: line by line, none longer than the screen is wide. */
#include "lib/base/walltime.h"
#include "services/ctl/core/top.h"
#include "services/ctl/core/top_layout.h"
#include "services/ctl/core/views.h"
#include "services/ctl/core/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 1024
#define BAR_WIDTH      20

/* A line that is being written. */
struct line {
    struct m4h_ctl_page *page;
    size_t left; /* columns */
};

static void begin(struct line *line, struct m4h_ctl_page *page, const struct m4h_ctl_screen *screen)
{
    line->page = page;
    line->left = screen->columns;
}

/* Adds what fits. */
static void put(struct line *line, enum m4h_ctl_style style, const char *format, ...)
    M4H_PRINTF(3, 4);

static void put(struct line *line, enum m4h_ctl_style style, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    size_t end = 0, width = 0;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (; text[end] != '\0'; end++) {
        bool is_start = ((unsigned char)text[end] & 0xc0) != 0x80;

        if (is_start && width == line->left)
            break;
        width += is_start;
    }
    text[end] = '\0';
    line->left -= width;
    if (end > 0)
        m4h_ctl_page_put(line->page, style, text);
}

/* Erases what is behind it, too. */
static void end_line(struct line *line)
{
    m4h_ctl_page_add(line->page, M4H_CTL_PLAIN, "\x1b[K\r\n");
}

/* ---- the head ------------------------------------------------------------------------- */

static void draw_title(const struct m4h_ctl_top *top, const struct m4h_ctl_screen *screen,
                       struct m4h_ctl_page *page)
{
    char time[M4H_WALLTIME_TEXT_MAX];
    struct line line;

    begin(&line, page, screen);
    put(&line, M4H_CTL_STRONG, "mas4h");
    put(&line, M4H_CTL_PLAIN, "  %s", screen->url);
    m4h_walltime_format(screen->wall_ms, time);
    put(&line, M4H_CTL_FAINT, "  %.8sZ  %s%s", time + strlen("2026-01-01T"), top->cluster.master_id,
        top->cluster.synced ? "" : ", which still learns");
    end_line(&line);
}

static void draw_totals(const struct m4h_ctl_top *top, const struct m4h_ctl_screen *screen,
                        struct m4h_ctl_page *page)
{
    const struct m4h_cluster_status *cluster = &top->cluster;
    char tunnels[M4H_CTL_WORD_MAX], capacity[M4H_CTL_WORD_MAX], load[M4H_CTL_WORD_MAX];
    struct line line;

    begin(&line, page, screen);
    put(&line, cluster->slaves_ready < cluster->slaves ? M4H_CTL_WARNING : M4H_CTL_PLAIN,
        "%" PRIu32 "/%" PRIu32 " slaves", cluster->slaves_ready, cluster->slaves);
    put(&line, m4h_ctl_style_of_load(cluster->tunnels, cluster->capacity),
        "  %s of %s tunnels (%s)", m4h_ctl_count(cluster->tunnels, tunnels),
        m4h_ctl_count(cluster->capacity, capacity),
        m4h_ctl_percent(cluster->tunnels, cluster->capacity, load));
    put(&line, M4H_CTL_PLAIN, "  %s connections", m4h_ctl_count(cluster->channels, tunnels));
    put(&line, cluster->flapping != 0 ? M4H_CTL_WARNING : M4H_CTL_PLAIN, "  %" PRIu32 " flapping",
        cluster->flapping);
    put(&line, M4H_CTL_PLAIN, "  %" PRIu32 " masters", cluster->master_count);
    end_line(&line);
}

/* The latest looks, as many as fit, between their least and their most. */
static void draw_history(const struct m4h_ctl_top *top, const struct m4h_ctl_screen *screen,
                         struct m4h_ctl_page *page)
{
    static const char *const heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    uint64_t least = UINT64_MAX, most = 0;
    size_t first = 0;
    struct line line;

    begin(&line, page, screen);
    put(&line, M4H_CTL_PLAIN, "%+9.1f tunnels/s ", top->tunnels_per_second);
    if (top->tunnel_count > line.left)
        first = top->tunnel_count - line.left;
    for (size_t i = first; i < top->tunnel_count; i++) {
        least = top->tunnels[i] < least ? top->tunnels[i] : least;
        most = top->tunnels[i] > most ? top->tunnels[i] : most;
    }
    for (size_t i = first; screen->is_utf8 && i < top->tunnel_count; i++) {
        uint64_t span = most - least;
        size_t height = span != 0 ? (size_t)((top->tunnels[i] - least) * 7 / span) : 0;

        put(&line, M4H_CTL_GOOD, "%s", heights[height]);
    }
    end_line(&line);
}

/* ---- the slaves ---------------------------------------------------------------------------- */

static size_t widest_id(const struct m4h_ctl_top *top)
{
    size_t width = strlen("SLAVE");

    for (size_t i = 0; i < top->slave_count; i++) {
        size_t len = strlen(top->slaves[i].slave_id);

        width = len > width ? len : width;
    }
    return width;
}

static void put_bar(struct line *line, uint64_t part, uint64_t whole)
{
    char bar[BAR_WIDTH + 1];
    size_t filled = 0;

    if (whole != 0)
        filled = part >= whole ? BAR_WIDTH : (size_t)(part * BAR_WIDTH / whole);
    if (part != 0 && filled == 0)
        filled = 1;
    memset(bar, '|', filled);
    memset(bar + filled, '.', BAR_WIDTH - filled);
    bar[BAR_WIDTH] = '\0';
    put(line, m4h_ctl_style_of_load(part, whole), "[%s]", bar);
}

static void draw_titles(const struct m4h_ctl_screen *screen, size_t id_width,
                        struct m4h_ctl_page *page)
{
    struct line line;

    begin(&line, page, screen);
    put(&line, M4H_CTL_STRONG, "%-*s %-8s %-*s %13s %5s %6s %5s %9s %9s %5s  %s", (int)id_width,
        "SLAVE", "STATE", BAR_WIDTH + 2, "LOAD", "TUNNELS", "", "CONN", "CPU", "FROM/s", "TO/s",
        "SEEN", "REGION");
    end_line(&line);
}

static void draw_slave(const struct m4h_ctl_top_slave *slave, const struct m4h_ctl_screen *screen,
                       size_t id_width, struct m4h_ctl_page *page)
{
    char load[M4H_CTL_WORD_MAX], from[M4H_CTL_WORD_MAX], to[M4H_CTL_WORD_MAX];
    char age[M4H_CTL_WORD_MAX], tunnels[M4H_CTL_WORD_MAX];
    struct line line;

    snprintf(tunnels, sizeof(tunnels), "%" PRIu32 "/%" PRIu32, slave->tunnels, slave->capacity);
    begin(&line, page, screen);
    put(&line, M4H_CTL_PLAIN, "%-*s ", (int)id_width, slave->slave_id);
    put(&line, m4h_ctl_style_of_state(slave->state), "%-8s ", m4h_slave_state_name(slave->state));
    put_bar(&line, slave->tunnels, slave->capacity);
    put(&line, M4H_CTL_PLAIN, " %13s %5s %6" PRIu32 " %4" PRIu32 "%% %9s %9s %5s", tunnels,
        m4h_ctl_percent(slave->tunnels, slave->capacity, load), slave->channels,
        slave->cpu_permille / 10, m4h_ctl_bytes(slave->from_per_second, from),
        m4h_ctl_bytes(slave->to_per_second, to),
        m4h_ctl_age(slave->last_seen_wall_ms, screen->wall_ms, age));
    put(&line, M4H_CTL_FAINT, "  %s", slave->region);
    end_line(&line);
}

/* ---- the foot ---------------------------------------------------------------------------------
 */

static void draw_foot(const struct m4h_ctl_top *top, const struct m4h_ctl_screen *screen,
                      size_t shown, struct m4h_ctl_page *page)
{
    char age[M4H_CTL_WORD_MAX];
    struct line line;

    begin(&line, page, screen);
    if (top->fault[0] != '\0')
        put(&line, M4H_CTL_BAD, "%s%s: %s", top->looked_ms != 0 ? "not up to date for " : "",
            top->looked_ms != 0 ? m4h_ctl_age(top->looked_ms, screen->now_ms, age)
                                : "nothing is known",
            top->fault);
    else if (shown < top->slave_count)
        put(&line, M4H_CTL_FAINT, "slaves %zu-%zu of %zu  j/k: down and up  q: end", top->first + 1,
            top->first + shown, top->slave_count);
    else
        put(&line, M4H_CTL_FAINT, "q: end");
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\x1b[J");
}

void m4h_ctl_top_draw(const struct m4h_ctl_top *top, const struct m4h_ctl_screen *screen,
                      struct m4h_ctl_page *page)
{
    size_t room = screen->rows > M4H_CTL_TOP_FRAME_ROWS ? screen->rows - M4H_CTL_TOP_FRAME_ROWS : 0;
    size_t left = top->slave_count - (top->first < top->slave_count ? top->first : 0);
    size_t shown = left < room ? left : room;
    size_t id_width = widest_id(top);
    struct line empty;

    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\x1b[H");
    if (screen->rows >= M4H_CTL_TOP_FRAME_ROWS) {
        draw_title(top, screen, page);
        draw_totals(top, screen, page);
        draw_history(top, screen, page);
        begin(&empty, page, screen);
        end_line(&empty);
        draw_titles(screen, id_width, page);
    }
    for (size_t i = 0; i < shown; i++)
        draw_slave(&top->slaves[top->first + i], screen, id_width, page);
    draw_foot(top, screen, shown, page);
}
