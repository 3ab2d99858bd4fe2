/* The command line of the validator `command`, which no shell ever sees: words, separated by
 * blanks or in double quotes (with \" and \\ inside), in which tokens stand for what is asked
 * about, as in sshd's AuthorizedKeysCommand:
 *
 *   %f  the key's fingerprint, "SHA256:..."     %t  its type, or its certificate's
 *   %k  the key or certificate, in base64       %u  the user name that the device gave
 *   %a  the device's address                    %%  a percent sign
 *
 * Whatever a device gives stays within its word. Pure. */
#ifndef M4H_MASTER_COMMAND_LINE_H
#define M4H_MASTER_COMMAND_LINE_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#define M4H_COMMAND_WORDS_MAX 32u
/* Of all words with what stands for their tokens. */
#define M4H_COMMAND_BYTES_MAX 32768u

struct m4h_command_line {
    char *text;                               /* owned: the words */
    const char *words[M4H_COMMAND_WORDS_MAX]; /* in it */
    size_t count;
};

/* Reads it. M4H_EINVALID: `wrong`, of `size` bytes, says why; M4H_ENOMEM: nothing is held. */
M4H_MUST_CHECK int m4h_command_line_parse(struct m4h_command_line *line, const char *text,
                                          char *wrong, size_t size);
void m4h_command_line_free(struct m4h_command_line *line);

/* The words for one request, with a NULL behind them. */
struct m4h_command_arguments {
    const char *list[M4H_COMMAND_WORDS_MAX + 1];
    char text[M4H_COMMAND_BYTES_MAX];
};

/* M4H_ETOOBIG. */
M4H_MUST_CHECK int m4h_command_line_expand(const struct m4h_command_line *line,
                                           const struct m4h_authorize_request *request,
                                           struct m4h_command_arguments *arguments);

#endif
