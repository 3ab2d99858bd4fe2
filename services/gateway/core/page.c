/* The page parameters of lists. */
#include "services/gateway/core/page.h"

#include "lib/base/error.h"
#include "lib/base/labels.h"

#include <stdio.h>
#include <string.h>

#define PAGE_SIZE_DIGITS 9

static int refuse(struct m4h_problem *problem, const char *detail)
{
    m4h_problem_set(problem, M4H_PROBLEM_INVALID, detail);
    return M4H_EINVALID;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *m4h_gateway_token_encode(const char *token, char out[M4H_GATEWAY_TOKEN_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    size_t len = strnlen(token, M4H_REVOCATION_NAME_MAX);

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[(unsigned char)token[i] >> 4];
        out[2 * i + 1] = digits[(unsigned char)token[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

bool m4h_gateway_token_decode(const char *text, char *token, size_t size)
{
    size_t len = strlen(text);

    token[0] = '\0';
    if (len / 2 >= size || len % 2 != 0)
        return false;
    for (size_t i = 0; i < len / 2; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        token[i] = (char)(high << 4 | low);
    }
    token[len / 2] = '\0';
    return m4h_ident_text_is_valid(token, len / 2);
}

/* A number of a few digits; 0 and none are the default. */
static bool parse_size(const char *text, uint32_t *size)
{
    uint64_t value = 0;
    size_t len = text == NULL ? 0 : strlen(text);

    if (len > PAGE_SIZE_DIGITS || (len > 0 && strspn(text, "0123456789") != len))
        return false;
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (uint64_t)(text[i] - '0');
    if (value == 0)
        value = M4H_PAGE_SIZE_DEFAULT;
    *size = value > M4H_PAGE_SIZE_MAX ? M4H_PAGE_SIZE_MAX : (uint32_t)value;
    return true;
}

/* Empty is the same as not given. */
static bool copy_id(char out[M4H_ID_MAX + 1], const char *id)
{
    if (id == NULL || *id == '\0')
        return true;
    return m4h_ident_id_is_valid(id) && m4h_text_copy(out, M4H_ID_MAX + 1, id);
}

static bool copy_prefix(char out[M4H_CLIENT_KEY_MAX + 1], const char *prefix)
{
    if (prefix == NULL)
        return true;
    return m4h_ident_text_is_valid(prefix, strlen(prefix)) &&
           m4h_text_copy(out, M4H_CLIENT_KEY_MAX + 1, prefix);
}

/* Each value may hold several, with commas between them. */
static bool add_labels(char out[M4H_LABELS_TEXT_MAX + 1], const char *text)
{
    char labels[M4H_LABELS_TEXT_MAX + 1];
    struct m4h_label label;

    if (m4h_labels_normalize(text, labels) != 0)
        return false;
    for (const char *at = labels; (at = m4h_labels_next(at, &label)) != NULL;)
        if (m4h_labels_add(out, label.name, label.value) != 0)
            return false;
    return true;
}

int m4h_gateway_page_parse(const struct m4h_gateway_page_query *query,
                           struct m4h_page_request *page, struct m4h_problem *problem)
{
    memset(page, 0, sizeof(*page));
    if (!copy_id(page->region, query->region))
        return refuse(problem, "region must be made of a-z, 0-9 and -");
    if (!copy_id(page->slave_id, query->slave_id))
        return refuse(problem, "slave must be made of a-z, 0-9 and -");
    if (!parse_size(query->page_size, &page->page_size))
        return refuse(problem, "page_size must be a number");
    if (query->page_token != NULL &&
        !m4h_gateway_token_decode(query->page_token, page->page_token, sizeof(page->page_token)))
        return refuse(problem, "page_token is not one that this list gave out");
    if (!copy_prefix(page->client_key_prefix, query->client_key_prefix))
        return refuse(problem, "client_key_prefix must be at most 128 bytes of text");
    for (size_t i = 0; i < M4H_LABELS_MAX && query->labels[i] != NULL; i++)
        if (!add_labels(page->labels, query->labels[i]))
            return refuse(problem, "label must be as in site=berlin, each name once, at most 16");
    return 0;
}
