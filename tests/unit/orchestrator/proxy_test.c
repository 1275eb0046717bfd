/* Templates, certificates, and the web servers' real files filled in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/certificate.h"
#include "orchestrator/proxy.h"
#include "orchestrator/template.h"
#include "support.h"

static const struct template_name names[] = {
    {"one", {"1"}, 1}, {"two", {"a", "b"}, 2}, {"more", {"x", "y", "z"}, 3}, {"none", {NULL}, 0},
    {"on", {""}, 1},   {"bad", {"a;b"}, 1},    {"control", {"\n"}, 1}};

static void assert_filled(const char *text, const char *wanted)
{
    struct buffer result = {0};
    struct error err = {0};
    char *exact = malloc(strlen(text) + 1);
    memcpy(exact, text, strlen(text));
    if (template_fill(exact, strlen(text), names, 7, &result, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_string_equal(buffer_string(&result), wanted);
    buffer_release(&result);
    free(exact);
}

static void a_line_stands_once_for_each_value(void **state)
{
    (void)state;
    assert_filled("", "");
    assert_filled("plain\n", "plain\n");
    assert_filled("no newline", "no newline\n");
    assert_filled("a {{one}} b {{one}}\n", "a 1 b 1\n");
    assert_filled("listen {{two}}:{{one}};\n", "listen a:1;\nlisten b:1;\n");
    assert_filled("{{two}}-{{two}}\nend\n", "a-a\nb-b\nend\n");
    assert_filled("gone {{none}}\n{{on}}kept\nalso gone {{two}} {{none}}\n", "kept\n");
    assert_filled("# {{unknown}}\n   # comment\nx # not one\n\n", "x # not one\n\n");
}

static void assert_refused(const char *text, const char *words)
{
    struct buffer result = {0};
    struct error err = {0};
    assert_int_equal(template_fill(text, strlen(text), names, 7, &result, &err), STATUS_INVALID);
    if (strstr(err.text, words) == NULL)
        fail_msg("told: %s", err.text);
    buffer_release(&result);
}

static void a_mistake_names_its_line(void **state)
{
    (void)state;
    assert_refused("ok\n{{other}}\n", "line 2: {{other}} is unknown");
    assert_refused("{{one\n", "line 1: {{ without }}");
    assert_refused("{{one}} {{\n", "line 1: {{ without }}");
    assert_refused("{{two}} {{more}}\n", "line 1: both two and more have several values");
    assert_refused("{{bad}}\n", "line 1: the value of bad holds one of");
    assert_refused("{{control}}\n", "line 1: the value of control holds");
}

/* ---- certificates ---- */

static void a_certificate_is_made_once_and_again_for_another_name(void **state)
{
    (void)state;
    char folder[PATH_MAX], certificate[PATH_MAX], key[PATH_MAX];
    temporary_folder(folder);
    path_in(folder, "cert.pem", certificate);
    path_in(folder, "key.pem", key);
    bool made = false;
    static const char *const hosts[] = {"localhost", "search.example.org", "192.0.2.7",
                                        "2001:db8::7"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        assert_int_equal(certificate_provide(certificate, key, hosts[i], &made, NULL), STATUS_OK);
        assert_true(made);
        assert_int_equal(certificate_provide(certificate, key, hosts[i], &made, NULL), STATUS_OK);
        assert_false(made);
    }
    /* localhost stands in all of them */
    assert_int_equal(certificate_provide(certificate, key, "localhost", &made, NULL), STATUS_OK);
    assert_false(made);
    struct stat info;
    assert_int_equal(stat(key, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_true(certificate_is_self_signed(certificate));
    assert_false(certificate_is_self_signed("/nowhere"));
    unlink(key);
    assert_int_equal(certificate_provide(certificate, key, "localhost", &made, NULL), STATUS_OK);
    assert_true(made);
    write_text(certificate, "not a certificate");
    assert_int_equal(certificate_provide(certificate, key, "localhost", &made, NULL), STATUS_OK);
    assert_true(made);
    remove_folder(folder);
}

static void a_certificate_that_ends_soon_is_made_anew(void **state)
{
    (void)state;
    char folder[PATH_MAX], certificate[PATH_MAX], key[PATH_MAX], command[3 * PATH_MAX];
    temporary_folder(folder);
    path_in(folder, "cert.pem", certificate);
    path_in(folder, "key.pem", key);
    for (int days = 29; days <= 31; days += 2) {
        snprintf(command, sizeof(command),
                 "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days %d "
                 "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout %s -out %s "
                 "2>/dev/null",
                 days, key, certificate);
        if (system(command) != 0) {
            print_message("SKIP: the openssl command is not there\n");
            remove_folder(folder);
            skip();
        }
        bool made = false;
        assert_int_equal(certificate_provide(certificate, key, "localhost", &made, NULL),
                         STATUS_OK);
        assert_int_equal(made, days < CERTIFICATE_RENEW_DAYS);
    }
    remove_folder(folder);
}

/* ---- the real files ---- */

struct site {
    char folder[PATH_MAX], data[PATH_MAX], run[PATH_MAX], share[PATH_MAX], proxy[PATH_MAX];
    char socket[PATH_MAX];
    struct proxy_paths paths;
};

static void site_open(struct site *site)
{
    char path[PATH_MAX];
    temporary_folder(site->folder);
    path_in(site->folder, "data", site->data);
    path_in(site->data, "run", site->run);
    path_in(site->folder, "share", site->share);
    path_in(site->run, "gateway.sock", site->socket);
    assert_non_null(realpath("proxy", site->proxy));
    assert_int_equal(file_make_folders(site->run, 0755, NULL), STATUS_OK);
    assert_int_equal(file_make_folders(path_in(site->share, "static", path), 0755, NULL),
                     STATUS_OK);
    assert_int_equal(file_make_folders(path_in(site->share, "handbook", path), 0755, NULL),
                     STATUS_OK);
    site->paths = (struct proxy_paths){.proxy_folder = site->proxy,
                                       .share_folder = site->share,
                                       .data_folder = site->data,
                                       .run_folder = site->run,
                                       .fastcgi_socket = site->socket};
}

static bool is_installed(const char *program)
{
    char command[PATH_MAX];
    snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin command -v %s >/dev/null", program);
    return system(command) == 0;
}

static struct config *config_for(unsigned kind, const char *hostname)
{
    struct config *config = config_default();
    config->proxy.kind = kind;
    config->hostname = hostname;
    return config;
}

static const char *filled(const struct site *site, const char *name, struct buffer *text)
{
    char path[PATH_MAX];
    buffer_clear(text);
    assert_int_equal(file_read(path_in(site->run, name, path), 1 << 20, text, NULL), STATUS_OK);
    return buffer_string(text);
}

static void nginx_takes_the_file_that_is_filled_in(void **state)
{
    (void)state;
    if (!is_installed("nginx")) {
        print_message("SKIP: nginx is not installed\n");
        skip();
    }
    struct site site;
    struct error err = {0};
    struct buffer text = {0};
    bool changed = false;
    struct proxy_user user = {.group = (gid_t)-1};
    site_open(&site);
    struct config *config = config_for(PROXY_NGINX, "localhost");
    config->ports.https = 18443;
    if (proxy_prepare(config, &site.paths, user, &changed, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_true(changed);
    filled(&site, "nginx.conf", &text);
    assert_non_null(strstr(buffer_string(&text), "listen 127.0.0.1:18443 ssl"));
    assert_null(strstr(buffer_string(&text), "Strict-Transport-Security \""));
    assert_null(strstr(buffer_string(&text), "{{"));
    changed = false;
    assert_int_equal(proxy_prepare(config, &site.paths, user, &changed, &err), STATUS_OK);
    assert_false(changed);
    /* what nginx refuses is not put in place */
    char certificate[PATH_MAX];
    write_text(path_in(site.folder, "bad.pem", certificate), "no certificate");
    config->proxy.certificate = certificate;
    config->proxy.key = certificate;
    assert_int_equal(proxy_prepare(config, &site.paths, user, &changed, &err), STATUS_INVALID);
    assert_false(changed);
    assert_null(strstr(filled(&site, "nginx.conf", &text), "bad.pem"));
    buffer_release(&text);
    config_free(config);
    remove_folder(site.folder);
}

static void caddy_signs_local_names_itself_and_public_ones_by_acme(void **state)
{
    (void)state;
    if (!is_installed("caddy")) {
        print_message("SKIP: caddy is not installed\n");
        skip();
    }
    static const struct {
        const char *hostname;
        bool is_local;
    } hosts[] = {{"localhost", true},          {"search.localhost", true},
                 {"nas.local", true},          {"nas", true},
                 {"192.168.1.2", true},        {"search.example.org", false},
                 {"myproject.ddns.net", false}};
    struct site site;
    struct error err = {0};
    struct buffer text = {0};
    struct proxy_user user = {.group = (gid_t)-1};
    site_open(&site);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        bool changed = false;
        struct config *config = config_for(PROXY_CADDY, hosts[i].hostname);
        config->proxy.acme_email = hosts[i].is_local ? "" : "a@example.org";
        if (proxy_prepare(config, &site.paths, user, &changed, &err) != STATUS_OK)
            fail_msg("%s", err.text);
        assert_true(changed);
        const char *file = filled(&site, "Caddyfile", &text);
        assert_int_equal(strstr(file, "tls internal") != NULL, hosts[i].is_local);
        assert_int_equal(strstr(file, "Strict-Transport-Security") != NULL, !hosts[i].is_local);
        assert_int_equal(strstr(file, "email a@example.org") != NULL, !hosts[i].is_local);
        config_free(config);
    }
    buffer_release(&text);
    remove_folder(site.folder);
}

static void every_address_is_listened_on_once(void **state)
{
    (void)state;
    struct site site;
    struct buffer text = {0};
    bool changed = false;
    struct proxy_user user = {.name = "www-data", .group = (gid_t)-1};
    static const char *items[] = {"localhost", "127.0.0.1", "192.0.2.1", "2001:db8::1"};
    site_open(&site);
    if (!is_installed("caddy")) {
        print_message("SKIP: caddy is not installed\n");
        skip();
    }
    struct config *config = config_for(PROXY_CADDY, "localhost");
    config->listen = (struct config_list){.items = items, .count = 4};
    assert_int_equal(proxy_prepare(config, &site.paths, user, &changed, NULL), STATUS_OK);
    const char *at = filled(&site, "Caddyfile", &text);
    unsigned loopback = 0;
    for (const char *found = at; (found = strstr(found, "bind 127.0.0.1\n")) != NULL; found++)
        loopback++;
    assert_int_equal(loopback, 3); /* sites in the file */
    assert_non_null(strstr(at, "bind 192.0.2.1\n"));
    assert_non_null(strstr(at, "bind [2001:db8::1]\n"));
    buffer_release(&text);
    config_free(config);
    remove_folder(site.folder);
}

static void the_handbook_is_a_source_where_it_is_served(void **state)
{
    (void)state;
    struct site site;
    struct arena arena = {0};
    char path[PATH_MAX];
    const char *connect_to = NULL, *ca_file = NULL;
    site_open(&site);
    struct config *config = config_for(PROXY_NGINX, "localhost");
    assert_false(proxy_handbook(config, &site.paths, &arena, &connect_to, &ca_file));
    char handbook[PATH_MAX];
    write_text(path_in(path_in(site.share, "handbook", handbook), "index.html", path), "hello");
    assert_true(proxy_handbook(config, &site.paths, &arena, &connect_to, &ca_file));
    assert_string_equal(connect_to, "127.0.0.1:8443");
    assert_string_equal(ca_file, path_in(site.data, "tls/cert.pem", path));
    config->proxy.kind = PROXY_CADDY;
    assert_true(proxy_handbook(config, &site.paths, &arena, &connect_to, &ca_file));
    assert_string_equal(ca_file, path_in(site.data, "caddy/pki/authorities/local/root.crt", path));
    config->hostname = "search.example.org";
    assert_true(proxy_handbook(config, &site.paths, &arena, &connect_to, &ca_file));
    assert_string_equal(ca_file, "");
    config->proxy.kind = PROXY_NONE;
    assert_false(proxy_handbook(config, &site.paths, &arena, &connect_to, &ca_file));
    config_free(config);
    arena_release(&arena);
    remove_folder(site.folder);
}

int main(void)
{
    log_open("test", LOG_ERROR_LEVEL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_stands_once_for_each_value),
        cmocka_unit_test(a_mistake_names_its_line),
        cmocka_unit_test(a_certificate_is_made_once_and_again_for_another_name),
        cmocka_unit_test(a_certificate_that_ends_soon_is_made_anew),
        cmocka_unit_test(nginx_takes_the_file_that_is_filled_in),
        cmocka_unit_test(caddy_signs_local_names_itself_and_public_ones_by_acme),
        cmocka_unit_test(every_address_is_listened_on_once),
        cmocka_unit_test(the_handbook_is_a_source_where_it_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
