#include "index/top.h"

#include <stdlib.h>

static void sift_down(struct top_hit *hits, uint32_t count, uint32_t at)
{
    while (true) {
        uint32_t worst = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (hit_is_better(&hits[worst], &hits[child]))
                worst = child;
        }
        if (worst == at)
            return;
        struct top_hit moved = hits[at];
        hits[at] = hits[worst];
        hits[worst] = moved;
        at = worst;
    }
}

static void sift_up(struct top_hit *hits, uint32_t at)
{
    while (at > 0 && hit_is_better(&hits[(at - 1) / 2], &hits[at])) {
        struct top_hit moved = hits[at];
        hits[at] = hits[(at - 1) / 2];
        hits[(at - 1) / 2] = moved;
        at = (at - 1) / 2;
    }
}

void top_add(struct top *top, const struct top_hit *hit)
{
    if (top->count < top->k) {
        top->hits[top->count] = *hit;
        sift_up(top->hits, top->count++);
    } else if (top->k > 0 && hit_is_better(hit, &top->hits[0])) {
        top->hits[0] = *hit;
        sift_down(top->hits, top->count, 0);
    }
}

static int compare_hits(const void *a_pointer, const void *b_pointer)
{
    const struct top_hit *a = a_pointer;
    const struct top_hit *b = b_pointer;
    return hit_is_better(a, b) ? -1 : hit_is_better(b, a);
}

void top_sort(struct top *top)
{
    if (top->count > 0)
        qsort(top->hits, top->count, sizeof(struct top_hit), compare_hits);
}
