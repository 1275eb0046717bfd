/* Who may: the admin token and the cookie that stands for it. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "gateway/gateway_parts.h"

enum { TOKEN_DIGITS = 64 };

static const char cookie_label[] = "tierce admin cookie 1";

bool gateway_token_is_valid(struct gateway *gateway, const char *token)
{
    uint8_t wanted[TOKEN_HASH_BYTES], given[TOKEN_HASH_BYTES];
    if (token == NULL || strnlen(token, TOKEN_DIGITS + 1) != TOKEN_DIGITS ||
        !gateway_token_hash(gateway, wanted))
        return false;
    CHECK(EVP_Digest(token, TOKEN_DIGITS, given, NULL, EVP_sha256(), NULL) == 1);
    return equal_secret(wanted, given, sizeof(given));
}

void gateway_cookie_value(struct gateway *gateway, char ret[ADMIN_COOKIE_BYTES])
{
    uint8_t hash[TOKEN_HASH_BYTES], code[TOKEN_HASH_BYTES];
    if (!gateway_token_hash(gateway, hash)) /* no token, so no cookie: one that nobody can guess */
        random_bytes(hash, sizeof(hash));
    unsigned size = sizeof(code);
    CHECK(HMAC(EVP_sha256(), hash, sizeof(hash), (const uint8_t *)cookie_label,
               sizeof(cookie_label) - 1, code, &size) != NULL);
    hex_encode(code, sizeof(code), ret);
}

bool gateway_cookie_is_valid(struct gateway *gateway, const char *value)
{
    char wanted[ADMIN_COOKIE_BYTES];
    if (value == NULL || strnlen(value, ADMIN_COOKIE_BYTES) != ADMIN_COOKIE_BYTES - 1)
        return false;
    gateway_cookie_value(gateway, wanted);
    return equal_secret(wanted, value, ADMIN_COOKIE_BYTES - 1);
}
