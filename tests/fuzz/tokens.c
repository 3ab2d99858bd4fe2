/* The tokens file, and the headers that bring a token. What is taken of the file is found again
 * by its hash; what is taken of a header is in it. */
#include "services/gateway/core/tokens.h"
#include "services/gateway/core/credential.h"
#include "tests/fuzz/target.h"

#include <stdlib.h>
#include <string.h>

static void read_file(const char *text, size_t size)
{
    struct m4h_token_report report;
    struct m4h_tokens tokens;

    if (m4h_tokens_parse(&tokens, text, size, &report) != 0)
        return;
    for (size_t i = 0; i < tokens.count; i++) {
        const struct m4h_token *token = &tokens.list[i];

        assert(token->name[0] != '\0' && strlen(token->hash) == M4H_TOKEN_HASH_LEN);
        assert(strspn(token->hash, "0123456789abcdef") == M4H_TOKEN_HASH_LEN);
        assert(token->scopes != 0 && token->rate <= M4H_TOKEN_RATE_MAX);
        assert(m4h_tokens_find(&tokens, token->hash) != NULL);
    }
    for (uint32_t i = 0; i < report.fault_count && i < M4H_TOKENS_FAULTS_MAX; i++)
        assert(report.faults[i].line > 0 && report.faults[i].message != NULL);
    m4h_tokens_free(&tokens);
}

static void read_headers(const char *text)
{
    struct m4h_credential credential;

    m4h_credential_read(text, NULL, &credential);
    assert(credential.kind != M4H_CREDENTIAL_COOKIE && strstr(text, credential.token) != NULL);
    m4h_credential_read(NULL, text, &credential);
    assert(credential.kind != M4H_CREDENTIAL_BEARER && strstr(text, credential.token) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    read_file(text, size);
    read_headers(text);
    free(text);
    return 0;
}
