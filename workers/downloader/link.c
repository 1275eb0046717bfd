#include "downloader/link.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "rpc/client.h"

enum {
    BUSY_MS = 100,  /* so long a call is taken to be on its way; after it, to be a long poll */
    SLICE_MS = 500, /* of waiting for a long poll */
};

struct link {
    struct link_options options;
    struct rpc_client *client; /* NULL: not yet, or its address is no longer the one */
};

enum status link_open(const struct link_options *options, struct link **ret_link, struct error *err)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return error_set(err, STATUS_NO_MEMORY, "link");
    link->options = *options;
    *ret_link = link;
    return STATUS_OK;
}

void link_close(struct link *link)
{
    if (link == NULL)
        return;
    rpc_client_close(link->client);
    free(link);
}

static enum status find_client(struct link *link, struct error *err)
{
    char address[LINK_ADDRESS_BYTES] = "";
    link->options.locate(link->options.context, address);
    if (link->client != NULL && strcmp(rpc_client_address(link->client), address) == 0)
        return STATUS_OK;
    rpc_client_close(link->client);
    link->client = NULL;
    if (address[0] == '\0')
        return error_set(err, STATUS_UNAVAILABLE, "there is no indexserver at present");
    return rpc_client_open(address, link->options.key, &link->client, err);
}

static bool is_readable(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&polled, 1, 0) > 0;
}

/* Waits for bytes from the server or for the order to give up. */
static void wait_for_either(struct rpc_client *client, int give_up_fd)
{
    struct pollfd polled[2] = {{.fd = rpc_client_fd(client), .events = POLLIN},
                               {.fd = give_up_fd, .events = POLLIN}};
    poll(polled, 2, SLICE_MS);
}

enum status link_call(struct link *link, uint16_t method, const ProtobufCMessage *request,
                      const ProtobufCMessageDescriptor *reply_descriptor, struct arena *arena,
                      uint32_t timeout_ms, int give_up_fd, void **ret_reply, struct error *err)
{
    enum status status = find_client(link, err);
    if (status != STATUS_OK)
        return status;
    struct rpc_exchange exchange, *list[1] = {&exchange};
    int64_t began_ms = clock_boot_ms();
    rpc_start(link->client, method, request, reply_descriptor, arena, timeout_ms, &exchange);
    while (rpc_wait(list, 1, clock_boot_ms() - began_ms < BUSY_MS ? BUSY_MS : 0) == 0) {
        if (is_readable(give_up_fd)) {
            rpc_cancel(&exchange);
            break;
        }
        wait_for_either(link->client, give_up_fd);
    }
    if (exchange.status != STATUS_OK)
        return error_set(err, exchange.status, "%s", exchange.error.text);
    *ret_reply = exchange.reply;
    return STATUS_OK;
}
