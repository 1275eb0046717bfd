#include "rpc/transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"

enum { NONCE_BYTES = 32, PROOF_BYTES = 32, MAGIC_BYTES = 8 };
static const char magic[MAGIC_BYTES + 1] = "TIERCE1\n";

/* What each step of the proof sends or expects. */
enum {
    HELLO_BYTES = MAGIC_BYTES + NONCE_BYTES,
    ANSWER_BYTES = MAGIC_BYTES + NONCE_BYTES + PROOF_BYTES,
};

enum step { STEP_HELLO, STEP_ANSWER, STEP_CONFIRM, STEP_DONE };

struct transport {
    int fd;
    bool is_server;
    bool needs_proof;
    enum step step;
    SSL *ssl; /* NULL: plain */
    struct cluster_key key;
    uint8_t server_nonce[NONCE_BYTES];
    uint8_t client_nonce[NONCE_BYTES];
    uint8_t bytes[ANSWER_BYTES]; /* of the step in hand */
    size_t moved;
    bool prepared;
};

/* ---- TLS with the key as pre-shared key ---- */

static SSL_CTX *server_context, *client_context;
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;

static unsigned give_key(const SSL *ssl, unsigned char *ret_key, unsigned size)
{
    const struct transport *transport = SSL_get_app_data(ssl);
    if (transport == NULL || size < CLUSTER_KEY_BYTES)
        return 0;
    memcpy(ret_key, transport->key.bytes, CLUSTER_KEY_BYTES);
    return CLUSTER_KEY_BYTES;
}

static unsigned on_server(SSL *ssl, const char *identity, unsigned char *ret_key, unsigned size)
{
    return strcmp(identity, "tierce") == 0 ? give_key(ssl, ret_key, size) : 0;
}

static unsigned on_client(SSL *ssl, const char *hint, char *ret_identity, unsigned identity_size,
                          unsigned char *ret_key, unsigned size)
{
    (void)hint;
    if (identity_size < sizeof("tierce"))
        return 0;
    strcpy(ret_identity, "tierce");
    return give_key(ssl, ret_key, size);
}

static SSL_CTX *make_context(const SSL_METHOD *method)
{
    SSL_CTX *context = check_alloc(SSL_CTX_new(method));
    CHECK(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
    CHECK(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_num_tickets(context, 0);
    return context;
}

static void make_contexts(void)
{
    server_context = make_context(TLS_server_method());
    SSL_CTX_set_psk_server_callback(server_context, on_server);
    client_context = make_context(TLS_client_method());
    /* No certificate is ever good enough: only the key is. */
    SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_psk_client_callback(client_context, on_client);
}

static enum status start_tls(struct transport *transport, struct error *err)
{
    pthread_once(&contexts_once, make_contexts);
    transport->ssl = SSL_new(transport->is_server ? server_context : client_context);
    if (transport->ssl == NULL || SSL_set_fd(transport->ssl, transport->fd) != 1)
        return error_set(err, STATUS_NO_MEMORY, "no memory for TLS");
    SSL_set_app_data(transport->ssl, transport);
    if (transport->is_server)
        SSL_set_accept_state(transport->ssl);
    else
        SSL_set_connect_state(transport->ssl);
    return STATUS_OK;
}

static enum transport_result tls_result(struct transport *transport, int returned,
                                        struct error *err)
{
    int reason = SSL_get_error(transport->ssl, returned);
    int saved = errno;
    if (reason == SSL_ERROR_WANT_READ)
        return TRANSPORT_WANTS_READ;
    if (reason == SSL_ERROR_WANT_WRITE)
        return TRANSPORT_WANTS_WRITE;
    unsigned long code = ERR_peek_error();
    const char *words = ERR_reason_error_string(code);
    ERR_clear_error();
    if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) /* it refused nothing */
        return TRANSPORT_CLOSED;
    if (reason == SSL_ERROR_ZERO_RETURN || (reason == SSL_ERROR_SYSCALL && saved == 0))
        return TRANSPORT_CLOSED;
    if (reason == SSL_ERROR_SYSCALL) {
        error_set_errno(err, saved, "TLS");
        return TRANSPORT_FAILED;
    }
    error_set(err, STATUS_DENIED, "TLS: %s: the cluster's keys differ, or one end has none",
              words == NULL ? "refused" : words);
    return TRANSPORT_FAILED;
}

/* ---- plain bytes ---- */

static enum transport_result plain_result(ssize_t moved, bool reading, struct error *err)
{
    if (moved == 0 && reading)
        return TRANSPORT_CLOSED;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return reading ? TRANSPORT_WANTS_READ : TRANSPORT_WANTS_WRITE;
    if (errno == ECONNRESET || errno == EPIPE)
        return TRANSPORT_CLOSED;
    error_set_errno(err, errno, reading ? "receive" : "send");
    return TRANSPORT_FAILED;
}

static enum transport_result plain_read(struct transport *transport, void *bytes, size_t size,
                                        size_t *ret_size, struct error *err)
{
    ssize_t got = recv(transport->fd, bytes, size, 0);
    if (got <= 0)
        return plain_result(got, true, err);
    *ret_size = (size_t)got;
    return TRANSPORT_DONE;
}

static enum transport_result plain_write(struct transport *transport, const void *bytes,
                                         size_t size, size_t *ret_size, struct error *err)
{
    ssize_t sent = send(transport->fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0)
        return plain_result(sent, false, err);
    *ret_size = (size_t)sent;
    return TRANSPORT_DONE;
}

/* ---- the proof on loopback ---- */

/* HMAC-SHA256(key, who | server's nonce | client's nonce) */
static void make_proof(const struct transport *transport, const char *who, uint8_t ret[PROOF_BYTES])
{
    uint8_t text[6 + 2 * NONCE_BYTES];
    memcpy(text, who, 6);
    memcpy(text + 6, transport->server_nonce, NONCE_BYTES);
    memcpy(text + 6 + NONCE_BYTES, transport->client_nonce, NONCE_BYTES);
    unsigned size = PROOF_BYTES;
    CHECK(HMAC(EVP_sha256(), transport->key.bytes, CLUSTER_KEY_BYTES, text, sizeof(text), ret,
               &size) != NULL);
}

static size_t step_bytes(enum step step)
{
    static const size_t bytes[] = {HELLO_BYTES, ANSWER_BYTES, PROOF_BYTES, 0};
    return bytes[step];
}

/* The server speaks first, then the client, then the server. */
static bool sends_in(const struct transport *transport, enum step step)
{
    return transport->is_server == (step != STEP_ANSWER);
}

static void prepare(struct transport *transport)
{
    uint8_t *bytes = transport->bytes;
    if (transport->step == STEP_HELLO) {
        random_bytes(transport->server_nonce, NONCE_BYTES);
        memcpy(bytes, magic, MAGIC_BYTES);
        memcpy(bytes + MAGIC_BYTES, transport->server_nonce, NONCE_BYTES);
    } else if (transport->step == STEP_ANSWER) {
        random_bytes(transport->client_nonce, NONCE_BYTES);
        memcpy(bytes, magic, MAGIC_BYTES);
        memcpy(bytes + MAGIC_BYTES, transport->client_nonce, NONCE_BYTES);
        make_proof(transport, "client", bytes + MAGIC_BYTES + NONCE_BYTES);
    } else {
        make_proof(transport, "server", bytes);
    }
}

static enum status examine(struct transport *transport, struct error *err)
{
    const uint8_t *bytes = transport->bytes;
    uint8_t proof[PROOF_BYTES];
    if (transport->step != STEP_CONFIRM && memcmp(bytes, magic, MAGIC_BYTES) != 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "the other end is no Tierce process, or of another version");
    if (transport->step == STEP_HELLO) {
        memcpy(transport->server_nonce, bytes + MAGIC_BYTES, NONCE_BYTES);
        return STATUS_OK;
    }
    bool is_answer = transport->step == STEP_ANSWER;
    if (is_answer)
        memcpy(transport->client_nonce, bytes + MAGIC_BYTES, NONCE_BYTES);
    make_proof(transport, is_answer ? "client" : "server", proof);
    if (!equal_secret(proof, is_answer ? bytes + MAGIC_BYTES + NONCE_BYTES : bytes, PROOF_BYTES))
        return error_set(err, STATUS_DENIED, "the other end holds another cluster key");
    return STATUS_OK;
}

static enum transport_result closed_while_proving(const struct transport *transport,
                                                  struct error *err)
{
    if (transport->is_server || transport->step != STEP_CONFIRM)
        return TRANSPORT_CLOSED;
    error_set(err, STATUS_DENIED,
              "the cluster's key was refused: name the orchestrator's key with --key-file FILE, or "
              "its data folder with --data");
    return TRANSPORT_FAILED;
}

static enum transport_result prove(struct transport *transport, struct error *err)
{
    while (transport->step != STEP_DONE) {
        size_t wanted = step_bytes(transport->step);
        bool sends = sends_in(transport, transport->step);
        if (sends && !transport->prepared)
            prepare(transport);
        transport->prepared = true;
        size_t moved = 0;
        uint8_t *at = transport->bytes + transport->moved;
        size_t left = wanted - transport->moved;
        enum transport_result result = sends ? plain_write(transport, at, left, &moved, err)
                                             : plain_read(transport, at, left, &moved, err);
        if (result == TRANSPORT_CLOSED)
            return closed_while_proving(transport, err);
        if (result != TRANSPORT_DONE)
            return result;
        transport->moved += moved;
        if (transport->moved < wanted)
            continue;
        if (!sends && examine(transport, err) != STATUS_OK)
            return TRANSPORT_FAILED;
        transport->step++;
        transport->moved = 0;
        transport->prepared = false;
    }
    return TRANSPORT_DONE;
}

/* ---- the whole ---- */

enum status transport_open(int fd, bool is_server, const struct endpoint *peer,
                           const struct cluster_key *key, struct transport **ret_transport,
                           struct error *err)
{
    struct transport *transport = calloc(1, sizeof(*transport));
    if (transport == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for a connection");
    transport->fd = fd;
    transport->is_server = is_server;
    bool is_unix = endpoint_is_unix(peer);
    bool is_loopback = endpoint_is_loopback(peer);
    if (key != NULL)
        transport->key = *key;
    enum status status = STATUS_OK;
    if (!is_unix && key == NULL)
        status = error_set(err, STATUS_INVALID, "the cluster's key is needed for a TCP connection");
    else if (!is_unix && !is_loopback)
        status = start_tls(transport, err);
    transport->needs_proof = !is_unix && is_loopback;
    if (status != STATUS_OK) {
        transport->fd = -1; /* stays the caller's */
        transport_close(transport);
        return status;
    }
    *ret_transport = transport;
    return STATUS_OK;
}

void transport_close(struct transport *transport)
{
    if (transport == NULL)
        return;
    if (transport->ssl != NULL)
        SSL_free(transport->ssl);
    fd_close(transport->fd);
    explicit_bzero(transport, sizeof(*transport));
    free(transport);
}

int transport_fd(const struct transport *transport)
{
    return transport->fd;
}

enum transport_result transport_handshake(struct transport *transport, struct error *err)
{
    if (transport->ssl != NULL) {
        errno = 0;
        int returned = SSL_do_handshake(transport->ssl);
        return returned == 1 ? TRANSPORT_DONE : tls_result(transport, returned, err);
    }
    return transport->needs_proof ? prove(transport, err) : TRANSPORT_DONE;
}

enum transport_result transport_read(struct transport *transport, void *bytes, size_t size,
                                     size_t *ret_size, struct error *err)
{
    if (transport->ssl == NULL)
        return plain_read(transport, bytes, size, ret_size, err);
    errno = 0;
    int returned = SSL_read_ex(transport->ssl, bytes, size, ret_size);
    return returned == 1 ? TRANSPORT_DONE : tls_result(transport, returned, err);
}

enum transport_result transport_write(struct transport *transport, const void *bytes, size_t size,
                                      size_t *ret_size, struct error *err)
{
    if (transport->ssl == NULL)
        return plain_write(transport, bytes, size, ret_size, err);
    errno = 0;
    int returned = SSL_write_ex(transport->ssl, bytes, size, ret_size);
    return returned == 1 ? TRANSPORT_DONE : tls_result(transport, returned, err);
}

bool transport_may_have_more(const struct transport *transport, size_t got, size_t size)
{
    return transport->ssl != NULL || got == size; /* TLS hands out a record at a time */
}
