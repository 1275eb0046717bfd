#include "index/top.h"

#include <math.h>

#define FEW 12 /* are sorted by insertion */

void top_init(struct top *top, struct top_hit *hits, uint32_t k)
{
    /* Of no hits none is wanted. */
    *top =
        (struct top){.hits = hits, .k = k, .is_full = k == 0, .worst = {.score = (double)INFINITY}};
}

static void swap(struct top_hit *a, struct top_hit *b)
{
    struct top_hit moved = *a;
    *a = *b;
    *b = moved;
}

static void sort_few(struct top_hit *hits, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct top_hit hit = hits[i];
        uint32_t at = i;
        for (; at > 0 && hit_is_better(&hit, &hits[at - 1]); at--)
            hits[at] = hits[at - 1];
        hits[at] = hit;
    }
}

/* Of at least three: none of the first ones, of which the number is returned, is worse than one of
 * the others; there are some of both. */
static uint32_t partition(struct top_hit *hits, uint32_t count)
{
    struct top_hit *middle = &hits[count / 2];
    struct top_hit *last = &hits[count - 1];
    if (hit_is_better(middle, hits))
        swap(middle, hits);
    if (hit_is_better(last, middle)) {
        swap(last, middle);
        if (hit_is_better(middle, hits))
            swap(middle, hits);
    }
    const struct top_hit pivot = *middle;
    uint32_t low = 0; /* the first and the last stand right */
    uint32_t high = count - 1;
    while (true) {
        do
            low++;
        while (hit_is_better(&hits[low], &pivot));
        do
            high--;
        while (hit_is_better(&pivot, &hits[high]));
        if (low >= high)
            return high + 1;
        swap(&hits[low], &hits[high]);
    }
}

/* The best `wanted` of them to the front. */
static void select_best(struct top_hit *hits, uint32_t count, uint32_t wanted)
{
    while (count > FEW) {
        uint32_t split = partition(hits, count);
        if (wanted <= split) {
            count = split;
        } else {
            hits += split;
            count -= split;
            wanted -= split;
        }
    }
    sort_few(hits, count);
}

static void sort(struct top_hit *hits, uint32_t count)
{
    while (count > FEW) { /* the larger part in the loop: so it is not deep */
        uint32_t split = partition(hits, count);
        if (split < count - split) {
            sort(hits, split);
            hits += split;
            count -= split;
        } else {
            sort(hits + split, count - split);
            count = split;
        }
    }
    sort_few(hits, count);
}

static void keep_best(struct top *top)
{
    if (top->count > top->k)
        select_best(top->hits, top->count, top->k);
    top->count = top->k;
    const struct top_hit *worst = &top->hits[0];
    for (uint32_t i = 1; i < top->k; i++) {
        if (hit_is_better(worst, &top->hits[i]))
            worst = &top->hits[i];
    }
    top->worst = *worst;
    top->is_full = true;
}

void top_add(struct top *top, const struct top_hit *hit)
{
    if (top->is_full && !hit_is_better(hit, &top->worst))
        return;
    top->hits[top->count++] = *hit;
    if (top->count == (top->is_full ? top_room(top->k) : top->k))
        keep_best(top);
}

void top_sort(struct top *top)
{
    if (top->count > top->k)
        keep_best(top);
    sort(top->hits, top->count);
}
