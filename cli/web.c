#include "cli/web.h"

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct buffer *body = context;
    buffer_append(body, bytes, size * count);
    return body->failed ? 0 : size * count; /* less ends the transfer */
}

/* Adds the file's certificates to the store: what is not there, or is none, is simply not trusted.
 */
static void trust_file(X509_STORE *store, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    X509 *certificate;
    while ((certificate = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
        X509_STORE_add_cert(store, certificate);
        X509_free(certificate);
    }
    fclose(file);
}

static CURLcode trust_files(CURL *curl, void *tls, void *context)
{
    (void)curl;
    const struct web_request *request = context;
    X509_STORE *store = SSL_CTX_get_cert_store(tls);
    for (int i = 0; i < WEB_TRUST_MAX; i++)
        if (request->trusted_files[i] != NULL)
            trust_file(store, request->trusted_files[i]);
    return CURLE_OK;
}

/* The first certificate that the server sent. */
static void read_fingerprint(CURL *curl, char ret[FINGERPRINT_BYTES])
{
    struct curl_certinfo *info = NULL;
    ret[0] = '\0';
    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs == 0)
        return;
    for (struct curl_slist *at = info->certinfo[0]; at != NULL; at = at->next) {
        if (strncmp(at->data, "Cert:", 5) != 0)
            continue;
        BIO *bio = BIO_new_mem_buf(at->data + 5, -1);
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        if (certificate != NULL && X509_digest(certificate, EVP_sha256(), digest, &size) == 1)
            for (unsigned i = 0; i < size && 3 * i + 3 <= FINGERPRINT_BYTES; i++)
                snprintf(ret + 3 * i, 4, "%02X%s", digest[i], i + 1 < size ? ":" : "");
        X509_free(certificate);
        BIO_free(bio);
        return;
    }
}

static enum status status_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return STATUS_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return STATUS_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
        return STATUS_DENIED;
    case CURLE_WRITE_ERROR:
        return STATUS_TOO_LARGE;
    default:
        return STATUS_UNAVAILABLE;
    }
}

static struct curl_slist *headers_of(const struct web_request *request)
{
    char line[512];
    if (request->token == NULL)
        return NULL;
    snprintf(line, sizeof(line), "Authorization: Bearer %s", request->token);
    return check_alloc(curl_slist_append(NULL, line));
}

static void set_up(CURL *curl, const struct web_request *request, const char *url,
                   struct curl_slist *headers, struct curl_slist *here, struct buffer *body)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* never by way of another machine */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CONNECT_TO, here);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, trust_files);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, (void *)request);
}

enum status web_get(const struct web_request *request, struct web_answer *ret_answer,
                    struct error *err)
{
    char url[4096];
    char words[CURL_ERROR_SIZE] = "";
    if ((size_t)snprintf(url, sizeof(url), "%s%s", request->base_url, request->path) >= sizeof(url))
        return error_set(err, STATUS_TOO_LARGE, "the address is too long");
    struct web_answer answer = {.body.limit = WEB_BODY_BYTES_MAX};
    struct curl_slist *headers = headers_of(request);
    struct curl_slist *here =
        request->connect_here ? check_alloc(curl_slist_append(NULL, "::localhost:")) : NULL;
    CURL *curl = check_alloc(curl_easy_init());
    set_up(curl, request, url, headers, here, &answer.body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.code);
        read_fingerprint(curl, answer.fingerprint);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    curl_slist_free_all(here);
    if (code != CURLE_OK) {
        buffer_release(&answer.body);
        return error_set(err, status_of(code), "%s: %s", request->base_url,
                         words[0] != '\0' ? words : curl_easy_strerror(code));
    }
    *ret_answer = answer;
    return STATUS_OK;
}

void web_answer_release(struct web_answer *answer)
{
    buffer_release(&answer->body);
    *answer = (struct web_answer){0};
}
