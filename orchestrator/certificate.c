#include "orchestrator/certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"

enum { DAY_S = 86400, CLOCK_SKEW_S = 3600, SERIAL_BYTES = 16 };

static bool is_address(const char *host)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static X509 *read_certificate(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    return certificate;
}

static bool serves(X509 *certificate, const char *hostname)
{
    int named = is_address(hostname) ? X509_check_ip_asc(certificate, hostname, 0)
                                     : X509_check_host(certificate, hostname, 0, 0, NULL);
    time_t later = time(NULL) + CERTIFICATE_RENEW_DAYS * DAY_S;
    return named == 1 && X509_cmp_time(X509_get0_notAfter(certificate), &later) > 0;
}

static bool is_still_good(const char *certificate_file, const char *key_file, const char *hostname)
{
    X509 *certificate = read_certificate(certificate_file);
    bool good = certificate != NULL && access(key_file, R_OK) == 0 && serves(certificate, hostname);
    X509_free(certificate);
    return good;
}

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool add_names(X509 *certificate, const char *hostname)
{
    char names[512];
    bool is_localhost = strcmp(hostname, "localhost") == 0;
    snprintf(names, sizeof(names), "%s%s%sDNS:localhost,IP:127.0.0.1,IP:::1",
             is_localhost           ? ""
             : is_address(hostname) ? "IP:"
                                    : "DNS:",
             is_localhost ? "" : hostname, is_localhost ? "" : ",");
    return add_extension(certificate, NID_subject_alt_name, names);
}

static bool set_serial(X509 *certificate)
{
    uint8_t bytes[SERIAL_BYTES];
    random_bytes(bytes, sizeof(bytes));
    bytes[0] &= 0x7f; /* positive */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool set =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

/* The common name has room for 64 bytes; a longer host name stands in the alternative names only.
 */
static bool set_name(X509 *certificate, const char *hostname)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    const char *common = strlen(hostname) <= 64 ? hostname : "Tierce";
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key, const char *hostname)
{
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate),
                           (long)CERTIFICATE_DAYS * DAY_S - CLOCK_SKEW_S) != NULL &&
           X509_set_pubkey(certificate, key) == 1 && set_name(certificate, hostname) &&
           add_names(certificate, hostname) &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static enum status write_pem(BIO *pem, const char *path, mode_t mode, struct error *err)
{
    char *bytes;
    long size = BIO_get_mem_data(pem, &bytes);
    return file_replace(path, bytes, (size_t)size, mode, err);
}

static enum status write_both(X509 *certificate, EVP_PKEY *key, const char *certificate_file,
                              const char *key_file, struct error *err)
{
    enum status status = STATUS_NO_MEMORY;
    BIO *certificate_pem = BIO_new(BIO_s_mem());
    BIO *key_pem = BIO_new(BIO_s_secmem());
    if (certificate_pem == NULL || key_pem == NULL ||
        PEM_write_bio_X509(certificate_pem, certificate) != 1 ||
        PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) != 1)
        error_set(err, status, "no memory for a certificate");
    else
        status = write_pem(key_pem, key_file, 0600, err);
    if (status == STATUS_OK)
        status = write_pem(certificate_pem, certificate_file, 0644, err);
    BIO_free(certificate_pem);
    BIO_free(key_pem);
    return status;
}

enum status certificate_provide(const char *certificate_file, const char *key_file,
                                const char *hostname, bool *ret_made, struct error *err)
{
    *ret_made = false;
    if (is_still_good(certificate_file, key_file, hostname))
        return STATUS_OK;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *certificate = X509_new();
    enum status status;
    if (key == NULL || certificate == NULL || !fill_certificate(certificate, key, hostname))
        status = error_set(err, STATUS_INVALID, "a certificate for %s cannot be made: %s", hostname,
                           ERR_reason_error_string(ERR_peek_last_error()));
    else
        status = write_both(certificate, key, certificate_file, key_file, err);
    X509_free(certificate);
    EVP_PKEY_free(key);
    *ret_made = status == STATUS_OK;
    return status;
}

bool certificate_is_self_signed(const char *certificate_file)
{
    X509 *certificate = read_certificate(certificate_file);
    bool is_own = certificate != NULL && X509_NAME_cmp(X509_get_subject_name(certificate),
                                                       X509_get_issuer_name(certificate)) == 0;
    X509_free(certificate);
    return is_own;
}
