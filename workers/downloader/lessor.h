/* The thread that asks the indexserver for leases and prolongs those that are held. */
#ifndef TIERCE_DOWNLOADER_LESSOR_H
#define TIERCE_DOWNLOADER_LESSOR_H

#include <stdint.h>

#include "base/error.h"
#include "downloader/ledger.h"
#include "downloader/link.h"
#include "wire.pb-c.h"

/* A lease that was taken: the receiver's to free with wire__host_lease__free_unpacked(). Called on
 * the lessor's thread; the ledger holds it already. */
typedef void lessor_take(void *context, Wire__HostLease *lease);

struct lessor_options {
    struct ledger *ledger;
    struct link_options link;
    uint64_t (*member)(void *context); /* our id with the orchestrator; it may change */
    void *member_context;
    lessor_take *take;
    void *take_context;
};

struct lessor;

enum status lessor_open(const struct lessor_options *options, struct lessor **ret_lessor,
                        struct error *err);
/* Gives up a call in flight, joins, frees. Leases stay in the ledger. Accepts NULL. */
void lessor_close(struct lessor *lessor);

#endif
