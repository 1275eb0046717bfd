#include "orchestrator/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/certificate.h"
#include "orchestrator/proxy_parts.h"
#include "orchestrator/settings.h"
#include "orchestrator/template.h"

enum { TEMPLATE_BYTES_MAX = 1024 * 1024 };

/* ---- names and addresses ------------------------------------------------------------------- */

/* A name that nobody outside can check, so that no authority signs it. */
static bool is_local_name(const char *hostname)
{
    static const char *const endings[] = {"localhost", ".localhost", ".local", ".internal",
                                          ".lan",      ".home.arpa", ".test"};
    uint8_t bytes[16];
    if (strchr(hostname, '.') == NULL || inet_pton(AF_INET, hostname, bytes) == 1 ||
        inet_pton(AF_INET6, hostname, bytes) == 1)
        return true;
    size_t size = strlen(hostname);
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        size_t ending = strlen(endings[i]);
        if (size >= ending && strcasecmp(hostname + size - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

/* Containers often have no IPv6 at all; a web server that cannot bind it does not start. */
static bool has_ipv6_loopback(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    fd_close(fd);
    return has;
}

static void add_value(struct template_name *name, const char *value)
{
    for (unsigned i = 0; i < name->count; i++) {
        if (strcmp(name->values[i], value) == 0)
            return;
    }
    if (name->count < TEMPLATE_VALUES_MAX)
        name->values[name->count++] = value;
}

static void add_addresses(const struct config *config, struct template_name *name,
                          struct arena *arena)
{
    bool ipv6 = has_ipv6_loopback();
    for (unsigned i = 0; i < config->listen.count; i++) {
        const char *item = config->listen.items[i];
        if (strcmp(item, "localhost") == 0) {
            add_value(name, "127.0.0.1");
            if (ipv6)
                add_value(name, "[::1]");
        } else if (strcmp(item, "*") == 0) {
            /* Caddy's wildcard takes both families, and fails on a second one. */
            if (!ipv6 || config->proxy.kind == PROXY_NGINX)
                add_value(name, "0.0.0.0");
            if (ipv6)
                add_value(name, "[::]");
        } else if (strchr(item, ':') != NULL) {
            add_value(name, check_alloc(arena_format(arena, "[%s]", item)));
        } else {
            add_value(name, item);
        }
    }
}

/* ---- certificates -------------------------------------------------------------------------- */

static bool has_certificate(const struct config *config)
{
    return config->proxy.certificate[0] != '\0';
}

static const char *certificate_path(const struct config *config, const struct proxy_paths *paths,
                                    struct arena *arena)
{
    return has_certificate(config) ? config->proxy.certificate
                                   : proxy_path(arena, paths->data_folder, "tls/cert.pem");
}

static const char *key_path(const struct config *config, const struct proxy_paths *paths,
                            struct arena *arena)
{
    return has_certificate(config) ? config->proxy.key
                                   : proxy_path(arena, paths->data_folder, "tls/key.pem");
}

/* Caddy makes its own. */
static enum status provide_certificate(const struct config *config, const struct proxy_paths *paths,
                                       struct arena *arena, bool *ret_made, struct error *err)
{
    *ret_made = false;
    if (has_certificate(config) || config->proxy.kind != PROXY_NGINX)
        return STATUS_OK;
    enum status status = file_make_folders(proxy_path(arena, paths->data_folder, "tls"), 0700, err);
    if (status == STATUS_OK)
        status =
            certificate_provide(certificate_path(config, paths, arena),
                                key_path(config, paths, arena), config->hostname, ret_made, err);
    if (status == STATUS_OK && *ret_made)
        log_info("a certificate for %s was made: %s", config->hostname,
                 certificate_path(config, paths, arena));
    if (status == STATUS_OK && *ret_made && !is_local_name(config->hostname))
        log_warning("browsers will warn of it: set proxy.certificate and proxy.key, or use Caddy");
    return status;
}

static bool is_trusted_by_browsers(const struct config *config)
{
    if (is_local_name(config->hostname))
        return false;
    if (has_certificate(config))
        return !certificate_is_self_signed(config->proxy.certificate);
    return config->proxy.kind == PROXY_CADDY; /* by ACME */
}

/* ---- filling in ---------------------------------------------------------------------------- */

static void set_one(struct template_name *name, const char *key, const char *value)
{
    name->name = key;
    add_value(name, value);
}

static void set_flag(struct template_name *name, const char *key, bool on)
{
    name->name = key;
    if (on)
        add_value(name, "");
}

static const char *port_text(struct arena *arena, uint64_t port)
{
    return check_alloc(arena_format(arena, "%u", (unsigned)port));
}

enum { NAMES = 17 };

static void fill_names(const struct config *config, const struct proxy_paths *paths,
                       struct proxy_user user, struct arena *arena,
                       struct template_name names[NAMES])
{
    struct template_name *name = names;
    /* Nobody listens on port 1: where gRPC is not served, a call fails instead of reaching somebody
     * else's program. */
    uint64_t grpc_port = config->ports.grpc == 0 ? 1 : config->ports.grpc;
    bool is_internal = !has_certificate(config) && is_local_name(config->hostname);
    set_one(name++, "hostname", config->hostname);
    name->name = "listen_address";
    add_addresses(config, name++, arena);
    set_one(name++, "https_port", port_text(arena, config->ports.https));
    set_one(name++, "http_port", port_text(arena, config->ports.http));
    set_one(name++, "base_url", settings_base_url(config, arena));
    set_one(name++, "fastcgi_socket", paths->fastcgi_socket);
    set_one(name++, "grpc_address",
            check_alloc(arena_format(arena, "127.0.0.1:%u", (unsigned)grpc_port)));
    set_one(name++, "certificate", certificate_path(config, paths, arena));
    set_one(name++, "certificate_key", key_path(config, paths, arena));
    set_one(name++, "static_folder", proxy_path(arena, paths->share_folder, "static"));
    set_one(name++, "handbook_folder", proxy_path(arena, paths->share_folder, "handbook"));
    set_one(name++, "run_folder", paths->run_folder);
    name->name = "proxy_user";
    if (user.name != NULL)
        add_value(name, user.name);
    name++;
    set_flag(name++, "hsts", is_trusted_by_browsers(config));
    set_one(name++, "state_folder", proxy_path(arena, paths->data_folder, "caddy"));
    set_flag(name++, "tls_internal", is_internal);
    set_flag(name++, "tls_files", has_certificate(config));
    CHECK(name == names + NAMES);
}

static enum status fill_template(const struct config *config, const struct proxy_paths *paths,
                                 struct proxy_user user, struct arena *arena,
                                 struct buffer *ret_text, struct error *err)
{
    struct buffer text = {0};
    struct template_name names[NAMES + 1] = {0};
    const char *path = proxy_path(arena, paths->proxy_folder, proxy_template_name(config));
    enum status status = file_read(path, TEMPLATE_BYTES_MAX, &text, err);
    if (status == STATUS_OK) {
        fill_names(config, paths, user, arena, names);
        names[NAMES].name = "acme_email";
        if (config->proxy.acme_email[0] != '\0')
            add_value(&names[NAMES], config->proxy.acme_email);
        status = template_fill((const char *)text.data, text.size, names, NAMES + 1, ret_text, err);
        if (status != STATUS_OK)
            error_add_context(err, "%s", path);
    }
    buffer_release(&text);
    return status;
}

/* ---- putting it in place ------------------------------------------------------------------- */

static bool is_same(const char *path, const struct buffer *text)
{
    struct buffer old = {0};
    bool same = file_read(path, TEMPLATE_BYTES_MAX, &old, NULL) == STATUS_OK &&
                old.size == text->size && memcmp(old.data, text->data, old.size) == 0;
    buffer_release(&old);
    return same;
}

static enum status put_in_place(const struct config *config, const struct proxy_paths *paths,
                                const struct buffer *text, struct arena *arena, bool *ret_changed,
                                struct error *err)
{
    const char *path = proxy_path(arena, paths->run_folder, proxy_template_name(config));
    const char *fresh = check_alloc(arena_format(arena, "%s.checked", path));
    if (is_same(path, text))
        return STATUS_OK;
    enum status status = file_replace(fresh, text->data, text->size, 0600, err);
    if (status == STATUS_OK)
        status = proxy_check_file(config, paths, fresh, arena, err);
    if (status == STATUS_OK && rename(fresh, path) != 0)
        status = error_set(err, STATUS_IO, "%s cannot be put in place", path);
    if (status != STATUS_OK)
        unlink(fresh);
    else
        *ret_changed = true;
    return status;
}

enum status proxy_prepare(const struct config *config, const struct proxy_paths *paths,
                          struct proxy_user user, bool *ret_changed, struct error *err)
{
    struct arena arena = {0};
    struct buffer text = {0};
    enum status status = provide_certificate(config, paths, &arena, ret_changed, err);
    if (status == STATUS_OK && config->proxy.kind == PROXY_CADDY)
        status = file_make_folders(proxy_path(&arena, paths->data_folder, "caddy"), 0700, err);
    if (status == STATUS_OK)
        status = fill_template(config, paths, user, &arena, &text, err);
    if (status == STATUS_OK)
        status = put_in_place(config, paths, &text, &arena, ret_changed, err);
    buffer_release(&text);
    arena_release(&arena);
    return status;
}

bool proxy_handbook(const struct config *config, const struct proxy_paths *paths,
                    struct arena *arena, const char **ret_connect_to, const char **ret_ca_file)
{
    const char *index = proxy_path(arena, paths->share_folder, "handbook/index.html");
    if (config->proxy.kind == PROXY_NONE || access(index, R_OK) != 0)
        return false;
    const char *item = config->listen.items[0];
    bool on_loopback = strcmp(item, "localhost") == 0 || strcmp(item, "*") == 0;
    bool is_v6 = strchr(item, ':') != NULL;
    *ret_connect_to =
        check_alloc(arena_format(arena, is_v6 ? "[%s]:%u" : "%s:%u",
                                 on_loopback ? "127.0.0.1" : item, (unsigned)config->ports.https));
    if (config->proxy.kind == PROXY_NGINX || has_certificate(config))
        *ret_ca_file = certificate_path(config, paths, arena);
    else if (is_local_name(config->hostname))
        *ret_ca_file =
            proxy_path(arena, paths->data_folder, "caddy/pki/authorities/local/root.crt");
    else
        *ret_ca_file = "";
    return true;
}
