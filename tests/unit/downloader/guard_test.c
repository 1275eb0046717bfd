#include "downloader/guard.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"

static char loopback_v4[] = "127.0.0.0/8", home[] = "192.168.7.0/24", unique_local[] = "fd00::/8",
            everything[] = "0.0.0.0/0";

static enum status check(const struct guard *guard, const char *text)
{
    struct sockaddr_storage address;
    assert_true(address_read(text, &address));
    return guard_check(guard, (const struct sockaddr *)&address, NULL);
}

static struct guard guard_for(bool allow_private, const char *host, const char *connect_to,
                              char *const *networks, size_t count)
{
    struct guard guard;
    assert_int_equal(guard_init(&guard, allow_private, host, connect_to, networks, count, NULL),
                     STATUS_OK);
    return guard;
}

static void without_a_source_that_says_so_only_public_addresses_pass(void **state)
{
    (void)state;
    char *networks[] = {loopback_v4, home};
    struct guard guard = guard_for(false, "127.0.0.1", NULL, networks, 2);
    static const char *const refused[] = {"127.0.0.1",
                                          "127.8.8.8",
                                          "0.0.0.0",
                                          "10.1.2.3",
                                          "192.168.7.1",
                                          "169.254.169.254",
                                          "100.64.0.1",
                                          "224.0.0.1",
                                          "::1",
                                          "::",
                                          "fe80::1",
                                          "fd00::1",
                                          "::ffff:127.0.0.1",
                                          "64:ff9b::7f00:1"};
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++)
        assert_int_equal(check(&guard, refused[i]), STATUS_DENIED);
    assert_int_equal(check(&guard, "93.184.216.34"), STATUS_OK);
    assert_int_equal(check(&guard, "2606:2800:220:1::1"), STATUS_OK);
}

static void a_named_source_reaches_the_allowed_networks_and_no_others(void **state)
{
    (void)state;
    char *networks[] = {home, unique_local};
    struct guard guard = guard_for(true, "wiki.home.arpa", NULL, networks, 2);
    assert_int_equal(check(&guard, "192.168.7.9"), STATUS_OK);
    assert_int_equal(check(&guard, "::ffff:192.168.7.9"), STATUS_OK);
    assert_int_equal(check(&guard, "fd12::1"), STATUS_OK);
    assert_int_equal(check(&guard, "93.184.216.34"), STATUS_OK);
    assert_int_equal(check(&guard, "192.168.8.9"), STATUS_DENIED);
    assert_int_equal(check(&guard, "127.0.0.1"), STATUS_DENIED);
    assert_int_equal(check(&guard, "::1"), STATUS_DENIED);
}

static void loopback_may_be_named_but_not_resolved_to(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost", "docs.localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct guard guard = guard_for(true, names[i], NULL, NULL, 0);
        assert_int_equal(check(&guard, "127.0.0.1"), STATUS_OK);
        assert_int_equal(check(&guard, "::1"), STATUS_OK);
        assert_int_equal(check(&guard, "10.0.0.1"), STATUS_DENIED);
    }
    struct guard rebound = guard_for(true, "rebind.example.org", NULL, NULL, 0);
    assert_int_equal(check(&rebound, "127.0.0.1"), STATUS_DENIED);
    struct guard sly = guard_for(true, "notlocalhost", NULL, NULL, 0);
    assert_int_equal(check(&sly, "127.0.0.1"), STATUS_DENIED);
}

static void no_network_allows_all_machines_or_none(void **state)
{
    (void)state;
    char *networks[] = {everything};
    struct guard guard = guard_for(true, "x.example.org", NULL, networks, 1);
    assert_int_equal(check(&guard, "10.0.0.1"), STATUS_OK);
    assert_int_equal(check(&guard, "0.0.0.0"), STATUS_DENIED);
    assert_int_equal(check(&guard, "224.0.0.1"), STATUS_DENIED);
}

static void connect_to_reaches_loopback_and_nothing_else(void **state)
{
    (void)state;
    struct guard guard = guard_for(false, "search.example.org", "127.0.0.1:8443", NULL, 0);
    assert_int_equal(check(&guard, "127.0.0.1"), STATUS_OK);
    assert_int_equal(check(&guard, "::1"), STATUS_OK);
    assert_int_equal(check(&guard, "93.184.216.34"), STATUS_DENIED);
    assert_int_equal(check(&guard, "10.0.0.1"), STATUS_DENIED);
}

static void a_network_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    struct guard guard;
    char nonsense[] = "10.0.0.0/99";
    char *networks[] = {nonsense};
    assert_int_equal(guard_init(&guard, true, "x", NULL, networks, 1, NULL), STATUS_INVALID);
}

static void addresses_are_read_as_libcurl_writes_them(void **state)
{
    (void)state;
    struct sockaddr_storage address;
    assert_true(address_read("fe80::1%eth0", &address));
    assert_false(address_read("", &address));
    assert_false(address_read("example.org", &address));
    assert_false(address_read("1.2.3.4.5", &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_source_that_says_so_only_public_addresses_pass),
        cmocka_unit_test(a_named_source_reaches_the_allowed_networks_and_no_others),
        cmocka_unit_test(loopback_may_be_named_but_not_resolved_to),
        cmocka_unit_test(no_network_allows_all_machines_or_none),
        cmocka_unit_test(connect_to_reaches_loopback_and_nothing_else),
        cmocka_unit_test(a_network_that_cannot_be_read_is_an_error),
        cmocka_unit_test(addresses_are_read_as_libcurl_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
