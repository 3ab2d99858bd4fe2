/* A new access token: the secret, and the line that lets a gateway know it by its hash. */
#include "lib/base/ident.h"
#include "lib/base/walltime.h"
#include "lib/crypto/crypto.h"
#include "services/ctl/core/token_line.h"
#include "services/ctl/io/commands.h"

#include <string.h>
#include <sys/random.h>

enum m4h_ctl_exit m4h_ctl_token_new(struct m4h_ctl_session *session)
{
    const struct m4h_ctl_arguments *arguments = &session->arguments;
    const struct m4h_ctl_token_wish wish = {arguments->name, arguments->scope, arguments->expires,
                                            arguments->rate};
    char token[M4H_CTL_TOKEN_MAX], hash[M4H_SHA256_HEX_MAX], message[M4H_CTL_MESSAGE_MAX];
    uint8_t secret[M4H_CTL_TOKEN_BYTES];
    enum m4h_ctl_exit exit_code;
    struct m4h_ctl_page page;

    if (!m4h_ctl_token_wish_is_valid(&wish, m4h_walltime_now_ms(), message)) {
        m4h_ctl_say("%s", message);
        return M4H_CTL_USAGE;
    }
    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
        m4h_ctl_say("this system gives no random bytes");
        return M4H_CTL_REFUSED;
    }
    m4h_ctl_token_text(secret, token);
    if (m4h_crypto_sha256_hex(token, strlen(token), hash) != 0) {
        m4h_ctl_say("this system has no SHA-256");
        return M4H_CTL_REFUSED;
    }
    m4h_ctl_page_begin(&page, false);
    m4h_ctl_page_add(&page, M4H_CTL_PLAIN, "%s\n", token);
    m4h_ctl_token_line(&page, &wish, hash);
    exit_code = m4h_ctl_session_show(&page);
    m4h_crypto_wipe(secret, sizeof(secret));
    m4h_crypto_wipe(token, sizeof(token));
    if (exit_code == M4H_CTL_DONE)
        m4h_ctl_say("the first line is the token, which is kept nowhere; the second belongs into "
                    "the gateway's [access] tokens_file");
    return exit_code;
}
