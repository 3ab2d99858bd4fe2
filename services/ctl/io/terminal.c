/* termios, and the few escape sequences that every terminal knows. */
#include "services/ctl/io/terminal.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ROWS_USUAL    24
#define COLUMNS_USUAL 80

static volatile sig_atomic_t is_over;
static struct termios before;

static void on_end(int number)
{
    (void)number;
    is_over = 1;
}

static void on_resize(int number)
{
    (void)number;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = handler; /* without SA_RESTART: poll is to return */
    sigaction(number, &action, NULL);
}

static void say(const char *sequence)
{
    if (write(STDOUT_FILENO, sequence, strlen(sequence)) < 0)
        is_over = 1;
}

bool m4h_ctl_terminal_take(void)
{
    struct termios ours;

    if (isatty(STDOUT_FILENO) != 1 || tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    handle(SIGINT, on_end);
    handle(SIGTERM, on_end);
    handle(SIGHUP, on_end);
    handle(SIGWINCH, on_resize);
    ours = before;
    ours.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    ours.c_cc[VMIN] = 0;
    ours.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &ours);
    say("\x1b[?1049h\x1b[?25l"); /* the other screen, no cursor */
    return true;
}

void m4h_ctl_terminal_give_back(void)
{
    say("\x1b[?25h\x1b[?1049l");
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

bool m4h_ctl_terminal_is_over(void)
{
    return is_over != 0;
}

void m4h_ctl_terminal_size(unsigned *rows, unsigned *columns)
{
    struct winsize size;
    bool is_known =
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;

    *rows = is_known ? size.ws_row : ROWS_USUAL;
    *columns = is_known ? size.ws_col : COLUMNS_USUAL;
}

bool m4h_ctl_terminal_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && *value != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

static char key_of(const char *bytes, size_t len)
{
    static const struct {
        const char *sequence;
        char key;
    } keys[] = {
        {"\x1b[A", 'k'}, {"\x1bOA", 'k'},  {"\x1b[B", 'j'},
        {"\x1bOB", 'j'}, {"\x1b[5~", 'b'}, {"\x1b[6~", ' '},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i].sequence) == len && memcmp(keys[i].sequence, bytes, len) == 0)
            return keys[i].key;
    }
    return bytes[0];
}

char m4h_ctl_terminal_key(uint32_t ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char bytes[8];
    ssize_t len;

    if (poll(&input, 1, (int)ms) <= 0)
        return 0;
    len = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (len <= 0) {
        is_over = 1; /* the terminal has gone */
        return 0;
    }
    return key_of(bytes, (size_t)len);
}
