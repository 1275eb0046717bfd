#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "crawl/address.h"

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
    storage.ss_family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
    void *bytes = storage.ss_family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr;
    assert_int_equal(inet_pton(storage.ss_family, text, bytes), 1);
    return storage;
}

struct row {
    const char *address;
    const char *class_name;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_storage address = address_of(rows[i].address);
        const char *name = address_class_name(address_classify((struct sockaddr *)&address));
        if (strcmp(name, rows[i].class_name) != 0)
            fail_msg("%s is %s, not %s", rows[i].address, name, rows[i].class_name);
        assert_int_equal(address_is_public((struct sockaddr *)&address),
                         strcmp(rows[i].class_name, "global") == 0);
    }
}

static void ipv4_ranges_begin_and_end_where_the_registry_says(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0.0.0.0", "unspecified"},
        {"0.255.255.255", "unspecified"},
        {"1.0.0.0", "global"},
        {"9.255.255.255", "global"},
        {"10.0.0.0", "private"},
        {"10.255.255.255", "private"},
        {"11.0.0.0", "global"},
        {"100.63.255.255", "global"},
        {"100.64.0.0", "shared"},
        {"100.127.255.255", "shared"},
        {"100.128.0.0", "global"},
        {"126.255.255.255", "global"},
        {"127.0.0.1", "loopback"},
        {"127.255.255.255", "loopback"},
        {"128.0.0.0", "global"},
        {"169.253.255.255", "global"},
        {"169.254.169.254", "link-local"},
        {"169.255.0.0", "global"},
        {"172.15.255.255", "global"},
        {"172.16.0.0", "private"},
        {"172.31.255.255", "private"},
        {"172.32.0.0", "global"},
        {"192.0.0.8", "reserved"},
        {"192.0.1.0", "global"},
        {"192.0.2.1", "reserved"},
        {"192.88.99.1", "reserved"},
        {"192.167.255.255", "global"},
        {"192.168.0.1", "private"},
        {"192.169.0.0", "global"},
        {"198.17.255.255", "global"},
        {"198.18.0.0", "reserved"},
        {"198.19.255.255", "reserved"},
        {"198.20.0.0", "global"},
        {"198.51.100.7", "reserved"},
        {"203.0.113.7", "reserved"},
        {"223.255.255.255", "global"},
        {"224.0.0.1", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.0", "reserved"},
        {"255.255.255.255", "reserved"},
        {"8.8.8.8", "global"},
    };
    check_rows(rows, ARRAY_COUNT(rows));
}

static void of_ipv6_only_what_is_in_public_use_is_global(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"::", "unspecified"},       {"::1", "loopback"},         {"2606:4700::1111", "global"},
        {"2000::", "global"},        {"1fff:ffff::", "reserved"}, {"4000::", "reserved"},
        {"2001:1ff::1", "reserved"}, {"2001:200::1", "global"},   {"2001:db8::1", "reserved"},
        {"2001:db9::1", "global"},   {"3fff::1", "reserved"},     {"3fff:fff::1", "reserved"},
        {"3fff:1000::1", "global"},  {"100::1", "reserved"},      {"5f00::1", "reserved"},
        {"fc00::1", "private"},      {"fdff::1", "private"},      {"fe00::1", "reserved"},
        {"fe80::1", "link-local"},   {"febf::1", "link-local"},   {"fec0::1", "private"},
        {"ff02::1", "multicast"},    {"64:ff9b:1::1", "private"},
    };
    check_rows(rows, ARRAY_COUNT(rows));
}

static void an_ipv4_address_inside_an_ipv6_one_is_seen(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"::ffff:127.0.0.1", "loopback"},
        {"::ffff:192.168.1.1", "private"},
        {"::ffff:8.8.8.8", "embedded"},
        {"::127.0.0.1", "loopback"},
        {"::8.8.8.8", "embedded"},
        {"64:ff9b::10.0.0.1", "private"},
        {"64:ff9b::8.8.8.8", "embedded"},
        {"2002:7f00:1::", "loopback"},
        {"2002:a9fe:a9fe::1", "link-local"},
        {"2002:808:808::", "embedded"},
        {"2001:0:7f00:1::", "loopback"},
        {"2001:0:808:808:0:0:80ff:fffe", "loopback"}, /* the client's, each bit turned */
        {"2001:0:808:808:0:0:f7f7:f7f7", "embedded"},
    };
    check_rows(rows, ARRAY_COUNT(rows));
}

static void other_families_are_foreign(void **state)
{
    (void)state;
    struct sockaddr address = {.sa_family = AF_UNIX};
    struct address_network all;
    assert_int_equal(address_classify(&address), ADDRESS_FOREIGN);
    assert_int_equal(address_network_parse("0.0.0.0/0", &all, NULL), STATUS_OK);
    assert_false(address_network_contains(&all, &address));
}

static bool contains(const char *network_text, const char *address_text)
{
    struct address_network network;
    struct sockaddr_storage address = address_of(address_text);
    assert_int_equal(address_network_parse(network_text, &network, NULL), STATUS_OK);
    return address_in_networks(&network, 1, (struct sockaddr *)&address);
}

static void networks_hold_their_addresses(void **state)
{
    (void)state;
    assert_true(contains("127.0.0.0/8", "127.1.2.3"));
    assert_false(contains("127.0.0.0/8", "128.0.0.1"));
    assert_true(contains("192.168.4.0/22", "192.168.7.255"));
    assert_false(contains("192.168.4.0/22", "192.168.8.0"));
    assert_true(contains("192.168.1.5", "192.168.1.5"));
    assert_false(contains("192.168.1.5", "192.168.1.4"));
    assert_true(contains("0.0.0.0/0", "8.8.8.8"));
    assert_true(contains("::1", "::1"));
    assert_true(contains("fd00::/9", "fd7f::1"));
    assert_false(contains("fd00::/9", "fd80::1"));
    assert_true(contains("127.0.0.0/8", "::ffff:127.0.0.1"));
    assert_false(contains("127.0.0.0/8", "::127.0.0.1"));
    assert_false(contains("::/0", "127.0.0.1"));
}

static void any_of_a_list_may_hold_an_address(void **state)
{
    (void)state;
    struct address_network networks[2];
    struct sockaddr_storage first = address_of("10.1.1.1"), second = address_of("::1"),
                            other = address_of("192.168.0.1");
    assert_int_equal(address_network_parse("10.0.0.0/8", &networks[0], NULL), STATUS_OK);
    assert_int_equal(address_network_parse("::1", &networks[1], NULL), STATUS_OK);
    assert_true(address_in_networks(networks, 2, (struct sockaddr *)&first));
    assert_true(address_in_networks(networks, 2, (struct sockaddr *)&second));
    assert_false(address_in_networks(networks, 1, (struct sockaddr *)&second));
    assert_false(address_in_networks(networks, 2, (struct sockaddr *)&other));
    assert_false(address_in_networks(networks, 0, (struct sockaddr *)&first));
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "10",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/8x",
        "10.0.0.1/8",
        "fd00::/129",
        "fd00::1/64",
        "localhost",
        "10.0.0.0/99999999999999999999",
        "0000:0000:0000:0000:0000:0000:0000:0000:000000",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/1",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct address_network network = {.family = 77};
        struct error err = {0};
        assert_int_equal(address_network_parse(texts[i], &network, &err), STATUS_INVALID);
        assert_int_equal(network.family, 77);
        assert_true(err.text[0] != '\0');
    }
}

static void ports_of_other_services_are_blocked(void **state)
{
    (void)state;
    static const unsigned blocked[] = {0, 1, 22, 25, 110, 143, 993, 2049, 6000, 6667, 10080};
    static const unsigned open_ports[] = {80, 443, 8, 81, 591, 3000, 8000, 8080, 8443, 65535};
    for (size_t i = 0; i < ARRAY_COUNT(blocked); i++)
        assert_true(port_is_blocked(blocked[i]));
    for (size_t i = 0; i < ARRAY_COUNT(open_ports); i++)
        assert_false(port_is_blocked(open_ports[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_of_other_services_are_blocked),
        cmocka_unit_test(ipv4_ranges_begin_and_end_where_the_registry_says),
        cmocka_unit_test(of_ipv6_only_what_is_in_public_use_is_global),
        cmocka_unit_test(an_ipv4_address_inside_an_ipv6_one_is_seen),
        cmocka_unit_test(other_families_are_foreign),
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(any_of_a_list_may_hold_an_address),
        cmocka_unit_test(what_is_no_network_is_refused),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
