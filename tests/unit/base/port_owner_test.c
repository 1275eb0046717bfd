#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/port_owner.h"

static int listen_somewhere(int family, uint16_t *ret_port)
{
    struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    socklen_t size = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
    if (family == AF_INET)
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        v6->sin6_addr = in6addr_loopback;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 1) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *ret_port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
    return fd;
}

static void a_listener_is_found_by_its_port(void **state)
{
    (void)state;
    uint16_t port;
    int fd = listen_somewhere(AF_INET, &port);
    assert_true(fd >= 0);
    assert_int_equal(port_owner_find(port), getpid());
    struct error err;
    char words[100];
    snprintf(words, sizeof(words), "port %u is in use by PID %ld, use --port", port,
             (long)getpid());
    assert_int_equal(port_owner_error(port, &err), STATUS_CONFLICT);
    assert_string_equal(err.text, words);
    close(fd);
}

static void a_listener_on_ipv6_is_found_too(void **state)
{
    (void)state;
    uint16_t port;
    int fd = listen_somewhere(AF_INET6, &port);
    if (fd < 0)
        skip(); /* no IPv6 here */
    assert_int_equal(port_owner_find(port), getpid());
    close(fd);
}

static void a_free_port_has_no_owner(void **state)
{
    (void)state;
    uint16_t port;
    int fd = listen_somewhere(AF_INET, &port);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(port_owner_find(port), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_is_found_by_its_port),
        cmocka_unit_test(a_listener_on_ipv6_is_found_too),
        cmocka_unit_test(a_free_port_has_no_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
