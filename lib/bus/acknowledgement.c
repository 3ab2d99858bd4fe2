/* JetStream's answer is a small JSON object; three words in it say all. */
#include "lib/bus/acknowledgement.h"

#include <stdbool.h>
#include <string.h>

/* Its word for a message that is wrong; 503 may pass. */
#define REFUSED_FOR_EVER "\"code\":400"

static bool holds(const uint8_t *data, size_t len, const char *word)
{
    size_t word_len = strlen(word);

    for (size_t i = 0; i + word_len <= len; i++)
        if (memcmp(data + i, word, word_len) == 0)
            return true;
    return false;
}

enum m4h_acknowledgement m4h_acknowledgement_read(int error, const uint8_t *data, size_t len)
{
    if (error != 0)
        return M4H_ACKNOWLEDGEMENT_FAILED;
    if (holds(data, len, "\"error\""))
        return holds(data, len, REFUSED_FOR_EVER) ? M4H_ACKNOWLEDGEMENT_REFUSED
                                                  : M4H_ACKNOWLEDGEMENT_FAILED;
    return holds(data, len, "\"stream\"") ? M4H_ACKNOWLEDGEMENT_STORED : M4H_ACKNOWLEDGEMENT_FAILED;
}
