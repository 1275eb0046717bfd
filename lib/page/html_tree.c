#include "page/html_tree.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- the heap: sizes in powers of two, freed pieces are used again, all of it freed at once ----
 */

enum {
    CLASS_MIN_BITS = 4,
    CLASS_MAX_BITS = 40, /* more than bounds.memory_bytes */
    CHUNK_BYTES = 256 * 1024,
    ALLOCATIONS_BETWEEN_LOOKS = 256, /* at the clock */
};

struct chunk {
    struct chunk *next;
    size_t unused; /* for alignment to 16 bytes */
};

/* In front of every piece; while it is free, the link stands where the caller's bytes were. */
struct piece {
    size_t class_bits;
    struct piece *next_free;
};

enum { PIECE_HEADER_BYTES = offsetof(struct piece, next_free) };

enum give_up { GO_ON, OUT_OF_BOUNDS, OUT_OF_MEMORY };

struct html_heap {
    struct chunk *chunks;
    uint8_t *at;
    size_t left;
    size_t used_bytes;
    size_t limit_bytes;
    int64_t deadline_cpu_ms;
    unsigned until_look;
    struct piece *free_pieces[CLASS_MAX_BITS + 1];
    jmp_buf way_out; /* gumbo cannot be told that there is no memory: it is left for good */
};

static int64_t cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void look_at_clock(struct html_heap *heap)
{
    if (heap->until_look-- > 0)
        return;
    heap->until_look = ALLOCATIONS_BETWEEN_LOOKS;
    if (cpu_ms() > heap->deadline_cpu_ms)
        longjmp(heap->way_out, OUT_OF_BOUNDS);
}

static void add_chunk(struct html_heap *heap, size_t size)
{
    size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    heap->used_bytes += room;
    if (heap->used_bytes > heap->limit_bytes)
        longjmp(heap->way_out, OUT_OF_BOUNDS);
    struct chunk *chunk = malloc(sizeof(*chunk) + room);
    if (chunk == NULL)
        longjmp(heap->way_out, OUT_OF_MEMORY);
    chunk->next = heap->chunks;
    heap->chunks = chunk;
    heap->at = (uint8_t *)(chunk + 1);
    heap->left = room;
}

static void *heap_alloc(void *userdata, size_t size)
{
    struct html_heap *heap = userdata;
    look_at_clock(heap);
    if (size >= heap->limit_bytes)
        longjmp(heap->way_out, OUT_OF_BOUNDS);
    /* the power of two that holds it */
    size_t bits = 64 - (size_t)__builtin_clzll(size + PIECE_HEADER_BYTES - 1);
    if (bits < CLASS_MIN_BITS)
        bits = CLASS_MIN_BITS;
    struct piece *piece = heap->free_pieces[bits];
    if (piece != NULL) {
        heap->free_pieces[bits] = piece->next_free;
        return &piece->next_free;
    }
    size_t bytes = (size_t)1 << bits;
    if (heap->left < bytes)
        add_chunk(heap, bytes);
    piece = (struct piece *)(void *)heap->at;
    heap->at += bytes;
    heap->left -= bytes;
    piece->class_bits = bits;
    return &piece->next_free;
}

static void heap_free(void *userdata, void *pointer)
{
    struct html_heap *heap = userdata;
    if (pointer == NULL)
        return;
    struct piece *piece = (struct piece *)(void *)((uint8_t *)pointer - PIECE_HEADER_BYTES);
    piece->next_free = heap->free_pieces[piece->class_bits];
    heap->free_pieces[piece->class_bits] = piece;
}

static void heap_close(struct html_heap *heap)
{
    struct chunk *chunk = heap == NULL ? NULL : heap->chunks;
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(heap);
}

/* ---- parsing ----------------------------------------------------------------------------------
 */

enum status html_tree_parse(const char *text, size_t size, const struct html_bounds *bounds,
                            struct html_tree *ret_tree, struct error *err)
{
    struct html_heap *heap = calloc(1, sizeof(*heap));
    if (heap == NULL)
        return error_set(err, STATUS_NO_MEMORY, "HTML tree");
    heap->limit_bytes = bounds->memory_bytes;
    heap->deadline_cpu_ms = cpu_ms() + bounds->cpu_ms;

    int gave_up = setjmp(heap->way_out);
    if (gave_up != GO_ON) {
        heap_close(heap);
        return gave_up == OUT_OF_MEMORY
                   ? error_set(err, STATUS_NO_MEMORY, "HTML tree")
                   : error_set(err, STATUS_TOO_LARGE,
                               "the page's markup takes more time or memory than a page may");
    }
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = heap_alloc;
    options.deallocator = heap_free;
    options.userdata = heap;
    options.max_errors = 0;
    const GumboOutput *output = gumbo_parse_with_options(&options, text, size);
    ret_tree->root = output->document;
    ret_tree->heap = heap;
    return STATUS_OK;
}

void html_tree_release(struct html_tree *tree)
{
    heap_close(tree->heap);
    *tree = (struct html_tree){.root = NULL};
}
