#include "downloader/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "crawl/decode.h"
#include "downloader/headers.h"

const struct fetch_limits fetch_limits_usual = {
    .connect_ms = 10000,
    .slow_bytes_second = 100,
    .slow_s = 10,
    .place_bytes_second = 20000,
    .place_s = 5,
};

enum {
    RECEIVE_BYTES_MIN = 16 * 1024, /* what the system may keep of a connection that waits for ... */
    RECEIVE_BYTES_MAX = 256 * 1024, /* ... bandwidth */
};

/* What a transfer waits for. */
enum pause { PAUSE_NONE, PAUSE_PLACE, PAUSE_BANDWIDTH };

/* What becomes of the body, known when its first bytes come. */
enum body_use { BODY_UNDECIDED, BODY_DECODED, BODY_DISCARDED };

struct fetch {
    CURL *easy;
    bool under_way;
    enum pause pause;
    int64_t pause_ms;  /* clock_boot_ms() of its beginning */
    int64_t paused_ms; /* all pauses that are over */
    bool has_place;
    bool slow_in_place;    /* in the last whole period of `place_s` */
    int64_t period_ms;     /* active_ms() of the beginning of the one that runs */
    uint64_t period_bytes; /* of the body, in it */
    bool headers_complete; /* the block's blank line has been read */
    bool stopped;          /* we ended the transfer ourselves: curl's error means nothing */
    bool connected;        /* the guard let one address through */
    bool asked;            /* the request was sent */
    bool crowded;          /* an address was not asked because others use its connections */
    int socket;            /* of the connection that the request went out on; -1: none */
    enum body_use use;
    size_t header_bytes; /* of all blocks */
    size_t discarded;
    size_t received; /* of a body that is wanted, still coded */
    struct decoder *decoder;
    struct curl_slist *header_lines;
    struct curl_slist *connect_to;
    const struct fetch_request *request;
    struct fetch_answer answer;
    bool refused;
    struct error refusal; /* the guard's words */
    char curl_words[CURL_ERROR_SIZE];
};

enum status fetch_new(struct fetch **ret_fetch, struct error *err)
{
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    if (fetch != NULL)
        fetch->easy = curl_easy_init();
    if (fetch == NULL || fetch->easy == NULL) {
        free(fetch);
        return error_set(err, STATUS_NO_MEMORY, "fetch");
    }
    *ret_fetch = fetch;
    return STATUS_OK;
}

/* Some of them are secrets. */
static void free_lines(struct curl_slist *lines)
{
    for (struct curl_slist *at = lines; at != NULL; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    curl_slist_free_all(lines);
}

static void begin_pause(struct fetch *fetch, enum pause pause)
{
    fetch->pause = pause;
    fetch->pause_ms = clock_boot_ms();
    if (pause == PAUSE_PLACE)
        fetch->request->places->waiting++;
    else
        fetch->request->bandwidth->waiting++;
    /* What we make it wait is not the server's slowness. */
    curl_easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS, 0L);
}

static void end_pause(struct fetch *fetch)
{
    if (fetch->pause == PAUSE_NONE)
        return;
    if (fetch->pause == PAUSE_PLACE)
        fetch->request->places->waiting--;
    else
        fetch->request->bandwidth->waiting--;
    fetch->paused_ms += clock_boot_ms() - fetch->pause_ms;
    fetch->pause = PAUSE_NONE;
    curl_easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS,
                     (long)(fetch->request->timeout_ms + fetch->paused_ms));
}

/* What one transfer needs and the answer does not. */
static void release_transfer(struct fetch *fetch)
{
    addresses_leave(fetch->request->addresses, fetch->socket, fetch);
    fetch->socket = -1;
    if (fetch->has_place)
        fetch->request->places->free++;
    fetch->has_place = false;
    end_pause(fetch);
    decoder_close(fetch->decoder);
    fetch->decoder = NULL;
    free_lines(fetch->header_lines);
    fetch->header_lines = NULL;
    curl_slist_free_all(fetch->connect_to);
    fetch->connect_to = NULL;
    fetch->request = NULL;
    fetch->under_way = false;
}

static void clear_answer(struct fetch_answer *answer)
{
    buffer_release(&answer->headers);
    buffer_release(&answer->body);
    memset(answer, 0, sizeof(*answer));
}

void fetch_free(struct fetch *fetch)
{
    if (fetch == NULL)
        return;
    CHECK(!fetch->under_way);
    clear_answer(&fetch->answer);
    curl_easy_cleanup(fetch->easy);
    free(fetch);
}

bool fetch_is_under_way(const struct fetch *fetch)
{
    return fetch->under_way;
}

void *fetch_owner(const struct fetch *fetch)
{
    return fetch->request->owner;
}

/* ---- the address ---- */

/* Under a limit the system reads ahead only a little. */
static void bound_receiving(const struct fetch *fetch, int fd)
{
    const struct bandwidth *bandwidth = fetch->request->bandwidth;
    if (bandwidth == NULL || bandwidth->rate == 0)
        return;
    uint64_t part = bandwidth->rate / 4;
    int size = part < RECEIVE_BYTES_MIN   ? RECEIVE_BYTES_MIN
               : part > RECEIVE_BYTES_MAX ? RECEIVE_BYTES_MAX
                                          : (int)part;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* Each address that is tried passes here before anything is sent to it. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *fetch = context;
    struct addresses *addresses = fetch->request->addresses;
    char text[INET6_ADDRSTRLEN];
    if (purpose != CURLSOCKTYPE_IPCXN ||
        guard_check_port(&address->addr, &fetch->refusal) != STATUS_OK ||
        guard_check(fetch->request->guard, &address->addr, &fetch->refusal) != STATUS_OK) {
        fetch->refused = true;
        return CURL_SOCKET_BAD;
    }
    address_write(&address->addr, text);
    if (!addresses_make_room(addresses, text, fetch)) {
        fetch->crowded = true;
        memcpy(fetch->answer.address, text, sizeof(text));
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    fetch->connected = true;
    addresses_opened(addresses, text, fd, fetch);
    bound_receiving(fetch, fd);
    return fd;
}

static int close_socket(void *context, curl_socket_t fd)
{
    addresses_closed(context, fd);
    return close(fd);
}

/* A connection kept from an earlier request passes here too: who may use it can have changed. */
static int before_request(void *context, char *peer_address, char *own_address, int peer_port,
                          int own_port)
{
    struct fetch *fetch = context;
    struct sockaddr_storage address;
    (void)own_address;
    fetch->connected = true;
    if (fetch->asked) { /* libcurl would ask again at once */
        fetch->answer.stale = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (!address_read(peer_address, &address))
        error_set(&fetch->refusal, STATUS_DENIED, "the connection's address cannot be read");
    else if (guard_check(fetch->request->guard, (const struct sockaddr *)&address,
                         &fetch->refusal) == STATUS_OK) {
        char text[INET6_ADDRSTRLEN];
        address_write((const struct sockaddr *)&address, text);
        fetch->asked = true;
        fetch->socket = addresses_use(fetch->request->addresses, text, peer_port, own_port, fetch);
        return CURL_PREREQFUNC_OK;
    }
    fetch->refused = true;
    return CURL_PREREQFUNC_ABORT;
}

/* ---- what comes ---- */

/* Some of the words may be the server's: what is not plain text in them is made harmless. */
static void set_trouble(struct fetch *fetch, Log__Reason trouble, const char *words)
{
    fetch->answer.trouble = trouble;
    error_set(&fetch->answer.why, STATUS_UNAVAILABLE, "%s", words);
    for (char *at = fetch->answer.why.text; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~')
            *at = '?';
    }
}

/* Ends the transfer for a reason of ours. Returns what makes curl stop. */
static size_t stop(struct fetch *fetch, Log__Reason trouble, const char *words)
{
    fetch->stopped = true;
    set_trouble(fetch, trouble, words);
    return 0;
}

static size_t take_header(char *bytes, size_t unit, size_t count, void *context)
{
    struct fetch *fetch = context;
    size_t size = unit * count;
    struct buffer *headers = &fetch->answer.headers;
    fetch->header_bytes += size;
    if (fetch->request->bandwidth != NULL)
        bandwidth_take(fetch->request->bandwidth, size);
    if (fetch->header_bytes > HEADERS_BYTES_MAX)
        return stop(fetch, LOG__REASON__REASON_TOO_LARGE, "the headers are larger than 64 KiB");
    if (fetch->headers_complete && size > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        buffer_clear(headers); /* what stood there was a 1xx */
        fetch->headers_complete = false;
    }
    if (fetch->headers_complete)
        return size; /* trailers */
    buffer_append(headers, bytes, size);
    fetch->headers_complete = bytes[0] == '\r' || bytes[0] == '\n';
    return headers->failed ? stop(fetch, LOG__REASON__REASON_TOO_LARGE, "no memory") : size;
}

static void decide_use(struct fetch *fetch, struct arena *arena)
{
    const struct buffer *headers = &fetch->answer.headers;
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    fetch->use = BODY_DISCARDED;
    if (status != 200 && status != 203)
        return;
    const char *type = headers_get(headers->data, headers->size, "Content-Type", arena);
    bool wanted = fetch->request->any_type || content_type_is_text(type) ||
                  content_type_may_list(type, fetch->request->url) ||
                  content_type_is_document(type, fetch->request->url);
    if (!wanted) {
        char words[200];
        snprintf(words, sizeof(words), "not a text: %.150s", type);
        set_trouble(fetch, LOG__REASON__REASON_UNSUPPORTED_TYPE, words);
        return;
    }
    char *codings[2];
    size_t count =
        headers_get_all(headers->data, headers->size, "Content-Encoding", 2, arena, codings);
    enum coding coding = CODING_IDENTITY;
    struct error err;
    enum status coded = STATUS_OK;
    if (count > 1)
        coded = error_set(&err, STATUS_UNSUPPORTED, "more than one content coding");
    else if (count == 1)
        coded = coding_parse(codings[0], &coding, &err);
    if (coded == STATUS_OK)
        coded = decoder_open(coding, &fetch->decoder, &err);
    if (coded != STATUS_OK)
        set_trouble(fetch, LOG__REASON__REASON_BAD_RESPONSE, err.text);
    else
        fetch->use = BODY_DECODED;
}

/* A clock that stands still while we make the transfer wait. */
static int64_t active_ms(const struct fetch *fetch)
{
    int64_t now_ms = fetch->pause == PAUSE_NONE ? clock_boot_ms() : fetch->pause_ms;
    return now_ms - fetch->paused_ms;
}

static void begin_period(struct fetch *fetch)
{
    fetch->period_ms = active_ms(fetch);
    fetch->period_bytes = 0;
}

/* Of one that holds a place: looks back where a period is over. */
static void judge_period(struct fetch *fetch)
{
    const struct fetch_limits *limits = fetch->request->limits;
    int64_t took_ms = active_ms(fetch) - fetch->period_ms;
    if (took_ms < (int64_t)limits->place_s * 1000)
        return;
    fetch->slow_in_place =
        fetch->period_bytes * 1000 < (uint64_t)took_ms * limits->place_bytes_second;
    begin_period(fetch);
}

/* Whether the body may grow by `size`; if not, the transfer pauses until a place is free. */
static bool may_grow(struct fetch *fetch, size_t size)
{
    struct fetch_places *places = fetch->request->places;
    if (fetch->has_place || fetch->answer.body.size + size <= FETCH_SMALL_BODY_BYTES)
        return true;
    if (places->free == 0) {
        begin_pause(fetch, PAUSE_PLACE);
        return false;
    }
    places->free--;
    fetch->has_place = true;
    fetch->slow_in_place = false;
    begin_period(fetch);
    return true;
}

/* Whether `size` bytes may be taken now; if not, the transfer pauses until there is bandwidth. */
static bool may_take(struct fetch *fetch, size_t size)
{
    struct bandwidth *bandwidth = fetch->request->bandwidth;
    if (bandwidth == NULL)
        return true;
    if (!bandwidth_has_credit(bandwidth, clock_boot_us())) {
        begin_pause(fetch, PAUSE_BANDWIDTH);
        return false;
    }
    bandwidth_take(bandwidth, size);
    return true;
}

/* What codings may make of a body that cannot be made smaller, and a little more. They can also go
 * on for ever without a single byte of a body. */
static size_t coded_max(const struct fetch_request *request)
{
    return request->body_max + request->body_max / 8 + FETCH_DISCARD_BYTES;
}

static size_t take_body(char *bytes, size_t unit, size_t count, void *context)
{
    struct fetch *fetch = context;
    size_t size = unit * count;
    struct error err;
    if (fetch->stopped)
        return 0;
    if (fetch->use == BODY_UNDECIDED) {
        struct arena arena = {0};
        decide_use(fetch, &arena);
        arena_release(&arena);
    }
    if (fetch->use != BODY_DISCARDED && !may_grow(fetch, size))
        return CURL_WRITEFUNC_PAUSE;
    if (!may_take(fetch, size))
        return CURL_WRITEFUNC_PAUSE;
    if (fetch->use == BODY_DISCARDED) {
        fetch->discarded += size;
        fetch->stopped = fetch->discarded > FETCH_DISCARD_BYTES;
        return fetch->stopped ? 0 : size;
    }
    if (fetch->has_place) {
        judge_period(fetch);
        fetch->period_bytes += size;
    }
    fetch->received += size;
    if (fetch->received > coded_max(fetch->request))
        return stop(fetch, LOG__REASON__REASON_TOO_LARGE,
                    "the coded body is larger than any page that it could stand for");
    switch (decoder_feed(fetch->decoder, bytes, size, fetch->request->body_max, &fetch->answer.body,
                         &err)) {
    case STATUS_OK:
        return size;
    case STATUS_END:
        fetch->answer.truncated = true;
        return stop(fetch, LOG__REASON__REASON_UNKNOWN, "");
    case STATUS_TOO_LARGE:
        return stop(fetch, LOG__REASON__REASON_TOO_LARGE, err.text);
    case STATUS_NO_MEMORY:
        return stop(fetch, LOG__REASON__REASON_TOO_LARGE, "no memory for the body");
    default:
        return stop(fetch, LOG__REASON__REASON_BAD_RESPONSE, err.text);
    }
}

/* ---- asking ---- */

/* A value from outside must not smuggle in a header of its own. */
static bool is_header_value(const char *value)
{
    if (value == NULL || *value == '\0' || strlen(value) > 4096)
        return false;
    for (const unsigned char *at = (const unsigned char *)value; *at != '\0'; at++) {
        if (*at < ' ' || *at == 0x7f)
            return false;
    }
    return true;
}

static bool append_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

static bool add_line(struct curl_slist **list, const char *name, const char *value)
{
    char line[4200];
    snprintf(line, sizeof(line), "%s: %s", name, value);
    return append_line(list, line);
}

/* The source's own headers come first: of two of a name servers take the first one. */
static bool add_own_lines(struct fetch *fetch, const struct fetch_request *request)
{
    bool done = true;
    for (size_t i = 0; i < request->header_count && done; i++)
        done = append_line(&fetch->header_lines, request->headers[i]);
    return done;
}

static bool build_lists(struct fetch *fetch, const struct fetch_request *request)
{
    bool done =
        add_own_lines(fetch, request) &&
        add_line(&fetch->header_lines, "Accept",
                 request->any_type
                     ? "text/plain, */*;q=0.5"
                     : "text/html, application/xhtml+xml, text/plain;q=0.9, application/xml;q=0.8, "
                       "*/*;q=0.1") &&
        add_line(&fetch->header_lines, "Accept-Encoding", DECODE_ACCEPT_ENCODING);
    if (done && is_header_value(request->etag))
        done = add_line(&fetch->header_lines, "If-None-Match", request->etag);
    if (done && is_header_value(request->last_modified))
        done = add_line(&fetch->header_lines, "If-Modified-Since", request->last_modified);
    if (done && request->connect_to != NULL && *request->connect_to != '\0') {
        char entry[300]; /* for any host and any port */
        snprintf(entry, sizeof(entry), "::%s", request->connect_to);
        fetch->connect_to = curl_slist_append(NULL, entry);
        done = fetch->connect_to != NULL;
    }
    return done;
}

/* Options whose failure would mean that this libcurl is not the one we were built for. */
#define SET(option, value) CHECK(curl_easy_setopt(fetch->easy, option, value) == CURLE_OK)

static void set_limits(struct fetch *fetch, const struct fetch_request *request)
{
    const struct fetch_limits *limits = request->limits;
    SET(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)limits->connect_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)limits->slow_bytes_second);
    SET(CURLOPT_LOW_SPEED_TIME, (long)limits->slow_s);
}

static void set_callbacks(struct fetch *fetch)
{
    SET(CURLOPT_PRIVATE, fetch);
    SET(CURLOPT_ERRORBUFFER, fetch->curl_words);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, fetch);
    SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, fetch->request->addresses); /* the connection may outlive us */
    SET(CURLOPT_PREREQFUNCTION, before_request);
    SET(CURLOPT_PREREQDATA, fetch);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, fetch);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, fetch);
}

static CURLcode set_request(struct fetch *fetch, const struct fetch_request *request)
{
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name that is given up is not waited for: all would wait */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, ""); /* not even from the environment */
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);                 /* decode.c does it, within limits */
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* docs/decisions/0022-http-1-1.md */
    SET(CURLOPT_HTTPHEADER, fetch->header_lines);
    SET(CURLOPT_CONNECT_TO, fetch->connect_to);
    CURLcode code = CURLE_OK;
    if (request->cookie != NULL)
        code = curl_easy_setopt(fetch->easy, CURLOPT_COOKIE, request->cookie);
    if (code == CURLE_OK && request->form != NULL) {
        SET(CURLOPT_POSTFIELDSIZE, (long)request->form_size);
        code = curl_easy_setopt(fetch->easy, CURLOPT_COPYPOSTFIELDS, request->form);
    }
    if (code == CURLE_OK && request->user_agent != NULL && is_header_value(request->user_agent))
        code = curl_easy_setopt(fetch->easy, CURLOPT_USERAGENT, request->user_agent);
    /* The system's authorities stay trusted: libcurl has them as a folder besides. */
    if (code == CURLE_OK && request->ca_pem_size > 0) {
        struct curl_blob pem = {(void *)(uintptr_t)request->ca_pem, request->ca_pem_size,
                                CURL_BLOB_COPY}; /* libcurl's own lack of const */
        code = curl_easy_setopt(fetch->easy, CURLOPT_CAINFO_BLOB, &pem);
    }
    if (code == CURLE_OK)
        code = curl_easy_setopt(fetch->easy, CURLOPT_URL, request->url);
    return code;
}

enum status fetch_start(struct fetch *fetch, CURLM *multi, const struct fetch_request *request,
                        struct error *err)
{
    CHECK(!fetch->under_way);
    clear_answer(&fetch->answer);
    curl_easy_reset(fetch->easy);
    fetch->request = request;
    fetch->answer.with_credentials = request->with_credentials;
    fetch->headers_complete = fetch->stopped = fetch->connected = fetch->refused = false;
    fetch->asked = fetch->crowded = false;
    fetch->socket = -1;
    fetch->paused_ms = 0;
    fetch->use = BODY_UNDECIDED;
    fetch->header_bytes = fetch->discarded = fetch->received = 0;
    fetch->curl_words[0] = '\0';
    if (request->likely_address != NULL)
        addresses_expect(request->addresses, request->likely_address, fetch);
    set_limits(fetch, request);
    set_callbacks(fetch);
    if (!build_lists(fetch, request) || set_request(fetch, request) != CURLE_OK ||
        curl_multi_add_handle(multi, fetch->easy) != CURLM_OK) {
        release_transfer(fetch);
        return error_set(err, STATUS_NO_MEMORY, "curl");
    }
    fetch->under_way = true;
    return STATUS_OK;
}

void fetch_resume(struct fetch *fetch)
{
    bool may = fetch->pause == PAUSE_PLACE ? fetch->request->places->free > 0
               : fetch->pause == PAUSE_BANDWIDTH
                   ? bandwidth_has_credit(fetch->request->bandwidth, clock_boot_us())
                   : false;
    if (!may)
        return;
    end_pause(fetch);
    curl_easy_pause(fetch->easy, CURLPAUSE_CONT); /* may call take_body() at once */
}

void fetch_make_way(struct fetch *fetch)
{
    if (!fetch->has_place || fetch->stopped || fetch->pause != PAUSE_NONE ||
        fetch->request->places->waiting == 0)
        return;
    judge_period(fetch);
    if (!fetch->slow_in_place)
        return;
    const struct fetch_limits *limits = fetch->request->limits;
    char words[120];
    snprintf(words, sizeof(words),
             "too slow for a large page: under %u bytes a second for %u s, and others wait",
             limits->place_bytes_second, limits->place_s);
    stop(fetch, LOG__REASON__REASON_TIMEOUT, words);
    buffer_release(&fetch->answer.body);
    curl_easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS, 1L); /* has passed */
}

/* ---- the end ---- */

static Log__Reason reason_of_timeout(struct fetch *fetch)
{
    curl_off_t sent_us = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    return sent_us > 0 ? LOG__REASON__REASON_TIMEOUT : LOG__REASON__REASON_CONNECT;
}

static Log__Reason reason_of(struct fetch *fetch, CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return LOG__REASON__REASON_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return reason_of_timeout(fetch);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_INITFAILED:
        return LOG__REASON__REASON_TLS;
    case CURLE_OUT_OF_MEMORY: /* libcurl says so of a header line over its own 100 KB, too */
        return LOG__REASON__REASON_TOO_LARGE;
    default:
        return LOG__REASON__REASON_BAD_RESPONSE;
    }
}

/* What curl says of its end, where we did not make it end ourselves. */
static void note_result(struct fetch *fetch, CURLcode code)
{
    struct error err;
    /* Of an answer that is no page, the body's end does not matter. */
    if (fetch->stopped || fetch->use == BODY_DISCARDED)
        return;
    if (code == CURLE_OK && !fetch->headers_complete) {
        set_trouble(fetch, LOG__REASON__REASON_BAD_RESPONSE, "the answer ends within its headers");
        return;
    }
    if (code == CURLE_OK) {
        if (fetch->use == BODY_DECODED && decoder_finish(fetch->decoder, &err) != STATUS_OK)
            set_trouble(fetch, LOG__REASON__REASON_BAD_RESPONSE, err.text);
        return;
    }
    if (fetch->answer.stale)
        set_trouble(fetch, LOG__REASON__REASON_BAD_RESPONSE,
                    "the connection was closed without an answer");
    else if (fetch->refused && (!fetch->connected || code == CURLE_ABORTED_BY_CALLBACK))
        set_trouble(fetch, LOG__REASON__REASON_ADDRESS_REFUSED, fetch->refusal.text);
    else
        set_trouble(fetch, reason_of(fetch, code),
                    fetch->curl_words[0] != '\0' ? fetch->curl_words : curl_easy_strerror(code));
    buffer_release(&fetch->answer.body);
}

static void note_connection(struct fetch *fetch)
{
    struct fetch_answer *answer = &fetch->answer;
    const char *peer = NULL;
    curl_off_t received = 0, elapsed_us = 0;
    long status = 0;
    struct sockaddr_storage address;
    curl_easy_getinfo(fetch->easy, CURLINFO_PRIMARY_IP, &peer);
    curl_easy_getinfo(fetch->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    curl_easy_getinfo(fetch->easy, CURLINFO_TOTAL_TIME_T, &elapsed_us);
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (fetch->connected && peer != NULL && address_read(peer, &address)) {
        snprintf(answer->address, sizeof(answer->address), "%s", peer);
        answer->private_address = !address_is_public((const struct sockaddr *)&address);
    }
    answer->received_bytes = (uint64_t)received;
    answer->elapsed_ms = (int32_t)(elapsed_us / 1000);
    answer->status = (uint32_t)status;
}

struct fetch_answer *fetch_finish(struct fetch *fetch, CURLM *multi, CURLcode result)
{
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    /* Without a single byte of a body take_body() was never called. */
    if (fetch->use == BODY_UNDECIDED && fetch->headers_complete && status >= 200) {
        struct arena arena = {0};
        decide_use(fetch, &arena);
        arena_release(&arena);
    }
    fetch->answer.busy = result != CURLE_OK && fetch->crowded && !fetch->connected;
    note_result(fetch, result);
    note_connection(fetch);
    curl_multi_remove_handle(multi, fetch->easy);
    release_transfer(fetch);
    return &fetch->answer;
}

void fetch_abandon(struct fetch *fetch, CURLM *multi)
{
    if (!fetch->under_way)
        return;
    curl_multi_remove_handle(multi, fetch->easy);
    release_transfer(fetch);
}
