/* The messages that wait to be freed. It must not know what a message is. */
#include "lib/bus/spent.h"

void m4h_spent_free(struct m4h_spent *spent)
{
    for (size_t i = 0; i < spent->count; i++)
        spent->destroy_message(spent->messages[i]);
    spent->count = 0;
    spent->bytes = 0;
}

void m4h_spent_add(struct m4h_spent *spent, void *message, size_t bytes)
{
    spent->messages[spent->count++] = message;
    spent->bytes += bytes;
    if (spent->count == M4H_SPENT_MAX || spent->bytes >= M4H_SPENT_BYTES_MAX)
        m4h_spent_free(spent);
}
