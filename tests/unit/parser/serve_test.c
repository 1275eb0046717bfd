/* The loop as it runs in the program: in a process of its own, locked in. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"
#include "page.pb-c.h"
#include "page/page.h"
#include "parser/confine.h"
#include "parser/serve.h"

struct child {
    pid_t pid;
    int fd;
};

/* Runs `body` in a confined process whose input and output are a socket. */
static struct child start(void (*body)(void))
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct error err;
        dup2(pair[1], STDIN_FILENO);
        dup2(pair[1], STDOUT_FILENO);
        page_load_all();
        if (confine(&err) != STATUS_OK)
            _exit(99);
        body();
        _exit(98);
    }
    close(pair[1]);
    return (struct child){pid, pair[0]};
}

/* How it ended, as waitpid() tells. */
static int finish(struct child *child)
{
    int how = 0;
    close(child->fd);
    assert_int_equal(waitpid(child->pid, &how, 0), child->pid);
    return how;
}

static void serve_and_exit(void)
{
    struct error err;
    _exit(serve(STDIN_FILENO, STDOUT_FILENO, &err) == STATUS_OK ? 0 : 1);
}

static Page__Page *receive(const struct child *child)
{
    uint8_t header[4];
    assert_int_equal(fd_read_all(child->fd, header, 4, NULL), STATUS_OK);
    size_t size = get_le32(header);
    uint8_t *bytes = malloc(size + 1);
    assert_int_equal(fd_read_all(child->fd, bytes, size, NULL), STATUS_OK);
    Page__Page *page = page__page__unpack(NULL, size, bytes);
    assert_non_null(page);
    free(bytes);
    return page;
}

static Page__Page *ask(const struct child *child, const char *content_type, const void *body,
                       size_t size)
{
    Page__ParseRequest request = PAGE__PARSE_REQUEST__INIT;
    request.url = (char *)(uintptr_t) "http://example.org/";
    request.content_type = (char *)(uintptr_t)content_type;
    request.body.data = (uint8_t *)(uintptr_t)body;
    request.body.len = size;
    size_t packed_size = page__parse_request__get_packed_size(&request);
    uint8_t *packed = malloc(4 + packed_size);
    put_le32(packed, (uint32_t)packed_size);
    page__parse_request__pack(&request, packed + 4);
    assert_int_equal(fd_write_all(child->fd, packed, 4 + packed_size, NULL), STATUS_OK);
    free(packed);
    return receive(child);
}

static void pages_are_answered_until_the_stream_ends(void **state)
{
    (void)state;
    struct child child = start(serve_and_exit);
    for (int i = 0; i < 100; i++) {
        char html[64];
        int size = snprintf(html, sizeof(html), "<title>%d</title><a href=%d>x</a>", i, i);
        Page__Page *page = ask(&child, "text/html", html, (size_t)size);
        assert_int_equal(atoi(page->title), i);
        assert_int_equal(page->n_links, 1);
        page__page__free_unpacked(page, NULL);
    }
    assert_int_equal(finish(&child), 0);
}

static void every_charset_and_name_works_without_files(void **state)
{
    (void)state;
    static const char *const labels[] = {
        "utf-8",        "windows-1252", "ibm866",       "iso-8859-2",     "iso-8859-3",
        "iso-8859-4",   "iso-8859-5",   "iso-8859-6",   "iso-8859-7",     "iso-8859-8",
        "iso-8859-8-i", "iso-8859-10",  "iso-8859-13",  "iso-8859-14",    "iso-8859-15",
        "iso-8859-16",  "koi8-r",       "koi8-u",       "macintosh",      "windows-874",
        "windows-1250", "windows-1251", "windows-1253", "windows-1254",   "windows-1255",
        "windows-1256", "windows-1257", "windows-1258", "x-mac-cyrillic", "gbk",
        "gb18030",      "big5",         "euc-jp",       "iso-2022-jp",    "shift_jis",
        "euc-kr",       "replacement",
    };
    struct child child = start(serve_and_exit);
    for (size_t round = 0; round < 2 * ARRAY_COUNT(labels); round++) {
        const char *label = labels[round % ARRAY_COUNT(labels)];
        char type[64];
        snprintf(type, sizeof(type), "text/html; charset=%s", label);
        static const char html[] = "<p>\xE4\xF6\xC4\xE3\x82\xA0 x<a href=//xn--bcher-kva.example>";
        Page__Page *page = ask(&child, type, html, sizeof(html) - 1);
        assert_string_equal(page->charset, label);
        assert_int_equal(page->problem, PAGE__PROBLEM__PROBLEM_NONE);
        page__page__free_unpacked(page, NULL);
    }
    static const char guessed[] = "<p>\xEF\xF0\xE8\xE2\xE5\xF2 \xEC\xE8\xF0 \xFD\xF2\xEE "
                                  "\xF1\xF2\xF0\xE0\xED\xE8\xF6\xE0";
    Page__Page *page = ask(&child, "text/html", guessed, sizeof(guessed) - 1);
    assert_string_equal(page->charset, "windows-1251");
    page__page__free_unpacked(page, NULL);
    static const char names[] = "<a href=http://b\xC3\xBC"
                                "cher.example/>x</a>";
    page = ask(&child, "text/html; charset=utf-8", names, sizeof(names) - 1);
    assert_string_equal(page->links[0]->url, "http://xn--bcher-kva.example/");
    page__page__free_unpacked(page, NULL);
    assert_int_equal(finish(&child), 0);
}

static void large_and_hostile_pages_are_answered(void **state)
{
    (void)state;
    struct child child = start(serve_and_exit);
    size_t size = PAGE_BODY_BYTES_MAX;
    char *body = malloc(size);
    for (size_t i = 0; i < size; i++)
        body[i] = "<div>"[i % 5];
    Page__Page *page = ask(&child, "text/html", body, size);
    assert_int_equal(page->problem, PAGE__PROBLEM__PROBLEM_NONE);
    assert_true(page->text_cut);
    page__page__free_unpacked(page, NULL);
    for (size_t i = 0; i < size; i++)
        body[i] = "word <b>bold</b> <a href=x>y</a>\n"[i % 33];
    page = ask(&child, "text/html", body, size);
    assert_int_equal(page->n_links, PAGE_LINKS_MAX);
    page__page__free_unpacked(page, NULL);
    free(body);
    assert_int_equal(finish(&child), 0);
}

static void a_request_over_the_limit_is_refused_and_the_next_one_served(void **state)
{
    (void)state;
    struct child child = start(serve_and_exit);
    size_t size = SERVE_REQUEST_BYTES_MAX + 1;
    uint8_t *bytes = calloc(1, 4 + size);
    put_le32(bytes, (uint32_t)size);
    assert_int_equal(fd_write_all(child.fd, bytes, 4 + size, NULL), STATUS_OK);
    free(bytes);
    Page__Page *page = receive(&child);
    assert_int_equal(page->problem, PAGE__PROBLEM__PROBLEM_UNPARSABLE);
    page__page__free_unpacked(page, NULL);
    page = ask(&child, "text/html", "<p>a", 4);
    assert_string_equal(page->text, "a");
    page__page__free_unpacked(page, NULL);
    assert_int_equal(finish(&child), 0);
}

static void a_cut_request_ends_the_process_with_an_error(void **state)
{
    (void)state;
    struct child child = start(serve_and_exit);
    assert_int_equal(fd_write_all(child.fd, "\x10\0\0\0abc", 7, NULL), STATUS_OK);
    int how = finish(&child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 1);
}

/* ---- what the process may not
 * ---------------------------------------------------------------------- */

static void open_a_file(void)
{
    _exit(open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? 1 : 2);
}

static void make_a_socket(void)
{
    _exit(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 1 : 2);
}

static void make_a_child(void)
{
    _exit(fork() >= 0 ? 1 : 2);
}

static void map_code(void)
{
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    _exit(code != MAP_FAILED ? 1 : 2);
}

static void read_elsewhere(void)
{
    char byte;
    _exit(read(7, &byte, 1) >= 0 ? 1 : 2);
}

static void limit_another_process(void)
{
    struct rlimit value;
    _exit(prlimit(getppid(), RLIMIT_CPU, NULL, &value) == 0 ? 1 : 2);
}

static void any_other_system_call_ends_the_process(void **state)
{
    (void)state;
    static void (*const bodies[])(void) = {make_a_socket, make_a_child, map_code, read_elsewhere,
                                           limit_another_process};
    if (!confine_is_complete()) {
        print_message("skipped: built with a sanitizer\n");
        skip();
    }
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        struct child child = start(bodies[i]);
        int how = finish(&child);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGSYS);
    }
}

static void no_file_is_opened(void **state)
{
    (void)state;
    if (!confine_is_complete()) {
        print_message("skipped: built with a sanitizer\n");
        skip();
    }
    struct child child = start(open_a_file);
    int how = finish(&child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 2);
}

static void take_memory(void)
{
    size_t size = CONFINE_MEMORY_BYTES;
    char *volatile much = malloc(size + size / 8);
    char *volatile some = malloc(size / 2);
    _exit(much == NULL && some != NULL ? 0 : 1);
}

static void memory_is_limited(void **state)
{
    (void)state;
    if (!confine_is_complete()) {
        print_message("skipped: built with a sanitizer\n");
        skip();
    }
    struct child child = start(take_memory);
    assert_int_equal(finish(&child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_answered_until_the_stream_ends),
        cmocka_unit_test(every_charset_and_name_works_without_files),
        cmocka_unit_test(large_and_hostile_pages_are_answered),
        cmocka_unit_test(a_request_over_the_limit_is_refused_and_the_next_one_served),
        cmocka_unit_test(a_cut_request_ends_the_process_with_an_error),
        cmocka_unit_test(any_other_system_call_ends_the_process),
        cmocka_unit_test(no_file_is_opened),
        cmocka_unit_test(memory_is_limited),
    };
    return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
