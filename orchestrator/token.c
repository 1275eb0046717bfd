#include "orchestrator/token.h"

#include <limits.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"

static void random_digits(char ret[TOKEN_DIGITS + 1])
{
    uint8_t bytes[TOKEN_DIGITS / 2];
    random_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), ret);
    explicit_bzero(bytes, sizeof(bytes));
}

static enum status make_token(const char *path, struct error *err)
{
    char digits[TOKEN_DIGITS + 2];
    random_digits(digits);
    strcat(digits, "\n");
    enum status status = file_replace(path, digits, strlen(digits), 0600, err);
    explicit_bzero(digits, sizeof(digits));
    return status;
}

static enum status read_token(const char *path, char ret[TOKEN_DIGITS + 1], struct error *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, STATUS_DENIED,
                         "%s: others may read the admin token; run: chmod 600 %s", path, path);
    struct buffer text = {0};
    enum status status = file_read(path, 256, &text, err);
    if (status == STATUS_OK) {
        while (text.size > 0 && text.data[text.size - 1] <= ' ')
            text.size--;
        uint8_t bytes[TOKEN_DIGITS / 2];
        if (!hex_decode(buffer_string(&text), bytes, sizeof(bytes)))
            status = error_set(err, STATUS_CORRUPT,
                               "%s: not 64 hexadecimal digits; remove the file to have a new token "
                               "made",
                               path);
        else
            memcpy(ret, buffer_string(&text), TOKEN_DIGITS + 1);
        explicit_bzero(bytes, sizeof(bytes));
    }
    if (text.data != NULL)
        explicit_bzero(text.data, text.capacity);
    buffer_release(&text);
    return status;
}

enum status token_provide(const char *data_folder, uint8_t ret_hash[TOKEN_HASH_BYTES],
                          struct error *err)
{
    char path[PATH_MAX];
    char digits[TOKEN_DIGITS + 1];
    snprintf(path, sizeof(path), "%s/" TOKEN_FILE, data_folder);
    enum status status = access(path, F_OK) == 0 ? STATUS_OK : make_token(path, err);
    if (status == STATUS_OK)
        status = read_token(path, digits, err);
    if (status == STATUS_OK)
        SHA256((const unsigned char *)digits, TOKEN_DIGITS, ret_hash);
    explicit_bzero(digits, sizeof(digits));
    return status;
}

const char *login_code_new(struct login_codes *codes, int64_t now_ms)
{
    struct login_code *oldest = &codes->items[0];
    for (unsigned i = 1; i < LOGIN_CODES_MAX; i++) {
        if (codes->items[i].expires_ms < oldest->expires_ms)
            oldest = &codes->items[i];
    }
    random_digits(oldest->digits);
    oldest->expires_ms = now_ms + LOGIN_VALID_MS;
    return oldest->digits;
}

/* Looks at all of them, so that the time tells nothing. */
bool login_code_redeem(struct login_codes *codes, const char *code, int64_t now_ms)
{
    bool redeemed = false;
    if (strlen(code) != TOKEN_DIGITS)
        return false;
    for (unsigned i = 0; i < LOGIN_CODES_MAX; i++) {
        struct login_code *item = &codes->items[i];
        if (!equal_secret(item->digits, code, TOKEN_DIGITS))
            continue;
        redeemed = item->expires_ms > now_ms;
        explicit_bzero(item, sizeof(*item));
    }
    return redeemed;
}
