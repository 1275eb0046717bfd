/*
 * The only program that reads what strangers send. It has its input, its output and its memory; an
 * input that kills it costs that page alone.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/log.h"
#include "page/page.h"
#include "parser/confine.h"
#include "parser/serve.h"

int main(int argc, char **argv)
{
    static const struct args_option options[] = {{.name = NULL}};
    struct error err;
    args_parse(argc, argv, "parser (started by the downloader, with a pipe)", options);
    log_open("parser", LOG_INFO_LEVEL);

    page_load_all();
    enum status status = confine(&err);
    if (status == STATUS_OK)
        status = serve(STDIN_FILENO, STDOUT_FILENO, &err);
    if (status == STATUS_OK)
        return EXIT_SUCCESS;
    log_error("%s", err.text);
    return EXIT_FAILURE;
}
