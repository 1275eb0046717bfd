#include "index/posting.h"

#include <string.h>

#include "base/bytes.h"
#include "index/posting_format.h"

_Static_assert(sizeof(struct impacts) == ROW_BYTES_ALL - ROW_IMPACTS, "stored as it is");

static void become_corrupt(struct posting_cursor *cursor)
{
    cursor->corrupt = true;
    cursor->docid = DOCID_END;
    cursor->count = cursor->index = 0;
    cursor->row = cursor->row_count;
    segment_corrupt(cursor->segment, NULL);
}

/* ---- the directory ---- */

static const uint8_t *row_at(const struct posting_cursor *cursor, uint32_t row)
{
    return cursor->rows + (size_t)row * cursor->row_size;
}

uint32_t posting_cursor_row_last(const struct posting_cursor *cursor, uint32_t row)
{
    return cursor->rows == NULL ? cursor->last : get_le32(row_at(cursor, row) + ROW_LAST);
}

uint32_t posting_cursor_find_row(const struct posting_cursor *cursor, uint32_t from,
                                 uint32_t target)
{
    if (from >= cursor->row_count || posting_cursor_row_last(cursor, from) >= target)
        return from;
    if (cursor->rows == NULL)
        return cursor->row_count;
    /* Steps that double, then halves. */
    uint32_t low = from; /* below the target */
    uint32_t step = 1;
    while (low + step < cursor->row_count &&
           get_le32(row_at(cursor, low + step) + ROW_LAST) < target) {
        low += step;
        step *= 2;
    }
    uint32_t high = low + step < cursor->row_count ? low + step : cursor->row_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (get_le32(row_at(cursor, middle) + ROW_LAST) < target)
            low = middle;
        else
            high = middle;
    }
    return high;
}

bool posting_cursor_row_impacts(const struct posting_cursor *cursor, uint32_t row,
                                struct impacts *ret_impacts)
{
    if (cursor->rows == NULL)
        return false;
    const uint8_t *impacts = row_at(cursor, row) + ROW_IMPACTS;
    if (cursor->row_size == ROW_BYTES_ALL) {
        memcpy(ret_impacts, impacts, ROW_BYTES_ALL - ROW_IMPACTS);
        return true;
    }
    *ret_impacts = (struct impacts){0};
    memcpy(ret_impacts, impacts, ROW_BYTES_BODY - ROW_IMPACTS);
    return true;
}

/* ---- blocks ---- */

/* Reads the docids of a block; false when it is corrupt. `last`: what the directory says of it. */
static bool read_block(struct posting_cursor *cursor, uint64_t address, uint32_t base,
                       const uint32_t *last)
{
    const uint8_t *end;
    const uint8_t *at =
        part_up_to(&cursor->segment->parts[PART_POSTINGS], address, BLOCK_DOCIDS_MAX, &end);
    if (at == NULL || end - at < BLOCK_HEADER_BYTES)
        return false;
    uint32_t count = at[BLOCK_COUNT] + 1u;
    unsigned docid_width = at[BLOCK_DOCID_WIDTH];
    uint8_t fields = at[BLOCK_FIELDS];
    size_t docids_size = pack_bytes(count, docid_width);
    if (count > POSTING_BLOCK || docid_width > POSTING_DOCID_WIDTH_MAX || fields > FIELD_MASK_ALL ||
        base >= cursor->segment->document_count ||
        docids_size > (size_t)(end - at) - BLOCK_HEADER_BYTES)
        return false;
    cursor->positions_address = get_le40(at + BLOCK_POSITIONS);
    at += BLOCK_HEADER_BYTES;
    /* So few bits cannot wrap: they rise, and only the last one can be too large. */
    unpack_rising(at, count, docid_width, base, cursor->docids);
    cursor->count = count;
    cursor->frequencies_address = address + BLOCK_HEADER_BYTES + docids_size;
    cursor->common_fields = fields;
    cursor->common_count = (uint8_t)field_count(fields);
    cursor->frequencies_read = cursor->starts_read = false;
    cursor->position_count = 0;
    cursor->position_at = NULL;
    cursor->kept_group = UINT32_MAX;
    return cursor->docids[count - 1] < cursor->segment->document_count &&
           (last == NULL || *last == cursor->docids[count - 1]);
}

static bool enter_row(struct posting_cursor *cursor, uint32_t row)
{
    cursor->row = row;
    if (cursor->rows == NULL)
        return read_block(cursor, cursor->address, 0, NULL) &&
               cursor->count == cursor->document_count;
    const uint8_t *bytes = row_at(cursor, row);
    uint32_t last = get_le32(bytes + ROW_LAST);
    uint32_t base = row == 0 ? 0 : get_le32(bytes - cursor->row_size + ROW_LAST) + 1;
    return read_block(cursor, get_le40(bytes + ROW_ADDRESS), base, &last);
}

bool posting_cursor_enter(struct posting_cursor *cursor, uint32_t row)
{
    if (!enter_row(cursor, row)) {
        become_corrupt(cursor);
        return false;
    }
    cursor->index = 0;
    cursor->docid = cursor->docids[0];
    return true;
}

void posting_cursor_next_block(struct posting_cursor *cursor, uint32_t target)
{
    uint32_t row = posting_cursor_find_row(cursor, cursor->row + 1, target);
    if (row >= cursor->row_count) {
        cursor->docid = DOCID_END;
        cursor->row = cursor->row_count;
        cursor->count = cursor->index = 0;
        return;
    }
    if (posting_cursor_enter(cursor, row))
        posting_cursor_seek(cursor, target);
}

static bool open_directory(struct posting_cursor *cursor, uint64_t address)
{
    const struct part *directories = &cursor->segment->parts[PART_DIRECTORIES];
    const uint8_t *head = part_exactly(directories, address, DIRECTORY_HEAD_BYTES);
    if (head == NULL || (head[0] != ROW_BYTES_BODY && head[0] != ROW_BYTES_ALL))
        return false;
    cursor->row_size = head[0];
    cursor->row_count = head[1] | (uint32_t)head[2] << 8;
    cursor->rows = part_exactly(directories, address + DIRECTORY_HEAD_BYTES,
                                cursor->row_count * cursor->row_size);
    return cursor->rows != NULL && cursor->row_count <= cursor->document_count;
}

void posting_cursor_open(struct posting_cursor *cursor, const struct segment *segment,
                         uint64_t address, uint32_t document_count)
{
    cursor->segment = segment;
    cursor->document_count = document_count;
    cursor->corrupt = false;
    cursor->rows = NULL;
    cursor->row_count = 1;
    cursor->address = address;
    cursor->last = 0;
    cursor->index = 0;
    bool good = document_count > 0 && document_count <= segment->document_count &&
                (document_count <= POSTING_BLOCK || open_directory(cursor, address)) &&
                enter_row(cursor, 0);
    if (!good) {
        become_corrupt(cursor);
        return;
    }
    cursor->docid = cursor->docids[0];
    cursor->last = cursor->rows == NULL ? cursor->docids[cursor->count - 1]
                                        : posting_cursor_row_last(cursor, cursor->row_count - 1);
}

/* ---- frequencies ---- */

/* Where each document's frequencies begin; returns how many there are, 0 where it is corrupt. */
static uint32_t read_fields(struct posting_cursor *cursor, const uint8_t **at, const uint8_t *end)
{
    uint32_t fields[POSTING_BLOCK];
    uint32_t used = 0;
    if (cursor->common_fields != 0)
        return cursor->count * cursor->common_count;
    size_t size = pack_bytes(cursor->count, FIELD_COUNT);
    if (size > (size_t)(end - *at))
        return 0;
    unpack(*at, cursor->count, FIELD_COUNT, fields);
    *at += size;
    for (uint32_t i = 0; i < cursor->count; i++) {
        if (fields[i] == 0)
            return 0;
        cursor->fields[i] = (uint8_t)fields[i];
        cursor->starts[i] = (uint16_t)used;
        used += field_count(fields[i]);
    }
    return used;
}

/* Adds one to each; returns the bits of all as they were. */
static uint32_t raise_all(uint32_t *values, uint32_t count)
{
    typedef uint32_t lanes __attribute__((vector_size(16)));
    const uint32_t lane_count = sizeof(lanes) / sizeof(uint32_t);
    lanes bits = {0};
    uint32_t i = 0;
    for (; i + lane_count <= count; i += lane_count) {
        lanes some;
        memcpy(&some, values + i, sizeof(some));
        bits |= some;
        some += 1;
        memcpy(values + i, &some, sizeof(some));
    }
    uint32_t all = bits[0] | bits[1] | bits[2] | bits[3];
    for (; i < count; i++)
        all |= values[i]++;
    return all;
}

/* Of the fields, where each document has its own, and the frequencies in them. */
static uint32_t frequencies_bytes_max(const struct posting_cursor *cursor)
{
    return cursor->common_fields != 0 ? cursor->common_count * PATCHED_BYTES_MAX
                                      : (16 + PATCHED_BYTES_MAX) * FIELD_COUNT;
}

static bool read_frequencies(struct posting_cursor *cursor)
{
    const uint8_t *end;
    const uint8_t *start =
        part_up_to(&cursor->segment->parts[PART_POSTINGS], cursor->frequencies_address,
                   frequencies_bytes_max(cursor), &end);
    const uint8_t *at = start;
    if (at == NULL)
        return false;
    uint32_t count = read_fields(cursor, &at, end);
    for (uint32_t done = 0; done < count; done += PACK_COUNT) {
        uint32_t here = count - done < PACK_COUNT ? count - done : PACK_COUNT;
        size_t size = patched_size(at, end, here);
        if (size == 0 || !patched_unpack(at, here, cursor->frequencies + done))
            return false;
        at += size;
    }
    cursor->frequencies_size = (uint32_t)(at - start);
    cursor->frequency_count = count;
    /* So few bits that no sum of them can wrap. */
    return count > 0 && raise_all(cursor->frequencies, count) < POSTING_FREQUENCY_MAX;
}

void posting_cursor_read_frequencies(struct posting_cursor *cursor)
{
    cursor->frequencies_read = true;
    if (read_frequencies(cursor))
        return;
    /* Whoever asked still gets numbers that can be worked with; the list ends here. */
    uint32_t index = cursor->index;
    uint32_t docid = cursor->docid;
    become_corrupt(cursor);
    cursor->index = index;
    cursor->count = index + 1;
    cursor->docid = docid;
    cursor->common_fields = cursor->common_count = 1;
    cursor->frequencies[index] = 1;
    cursor->frequency_count = index + 1;
}

/* ---- positions ---- */

static void read_position_starts(struct posting_cursor *cursor)
{
    uint32_t sum = 0;
    cursor->starts_read = true;
    const uint32_t *frequency = cursor->frequencies;
    for (uint32_t i = 0; i < cursor->count; i++) {
        unsigned left =
            cursor->common_fields != 0 ? cursor->common_count : field_count(cursor->fields[i]);
        cursor->position_starts[i] = sum;
        sum += *frequency++;
        for (; left > 1; left--) /* few have more fields than one */
            sum += *frequency++;
    }
    cursor->position_starts[cursor->count] = sum;
    cursor->position_count = sum;
}

static uint32_t sum_of(const uint32_t *values, uint32_t count)
{
    typedef uint32_t lanes __attribute__((vector_size(16)));
    const uint32_t lane_count = sizeof(lanes) / sizeof(uint32_t);
    lanes sums = {0};
    uint32_t i = 0;
    for (; i + lane_count <= count; i += lane_count) {
        lanes some;
        memcpy(&some, values + i, sizeof(some));
        sums += some;
    }
    uint32_t sum = sums[0] + sums[1] + sums[2] + sums[3];
    for (; i < count; i++)
        sum += values[i];
    return sum;
}

/* Makes sure that a group may be read where the cursor stands among the positions. */
static bool reach_group(struct posting_cursor *cursor)
{
    cursor->position_at =
        part_from(&cursor->segment->parts[PART_POSITIONS], cursor->position_address,
                  PATCHED_BYTES_MAX, &cursor->position_end);
    return cursor->position_at != NULL;
}

static bool has_reached_group(const struct posting_cursor *cursor)
{
    return cursor->position_at != NULL &&
           cursor->position_end - cursor->position_at >= PATCHED_BYTES_MAX;
}

/* Finds group `group` of the block's positions; how many it holds, 0 where it is corrupt. */
static uint32_t find_group(struct posting_cursor *cursor, uint32_t group)
{
    if (cursor->position_at == NULL || cursor->position_group > group) {
        cursor->position_at = NULL;
        cursor->position_address = cursor->positions_address;
        cursor->position_group = 0;
    }
    for (;; cursor->position_group++) {
        if (!has_reached_group(cursor) && !reach_group(cursor))
            return 0;
        uint32_t left = cursor->position_count - cursor->position_group * PACK_COUNT;
        uint32_t count = left < PACK_COUNT ? left : PACK_COUNT;
        size_t size = patched_size(cursor->position_at, cursor->position_end, count);
        if (size == 0 || cursor->position_group == group)
            return size == 0 ? 0 : count;
        cursor->position_at += size;
        cursor->position_address += size;
    }
}

/* The group's numbers from `start` on, `wanted` of the `held` that it holds. Whole groups are kept:
 * the next document's are often of the same. */
static bool read_group(struct posting_cursor *cursor, uint32_t group, uint32_t held, uint32_t start,
                       uint32_t wanted, uint32_t *ret)
{
    if (held < PACK_COUNT)
        return patched_unpack_some(cursor->position_at, held, start, wanted, ret);
    if (cursor->kept_group != group) {
        if (!patched_unpack(cursor->position_at, held, cursor->kept))
            return false;
        cursor->kept_group = group;
    }
    memcpy(ret, cursor->kept + start, wanted * sizeof(*ret));
    return true;
}

/* Appends positions `first` to `first + count` of the block as they are stored. */
static bool copy_positions(struct posting_cursor *cursor, uint32_t first, uint32_t count,
                           struct numbers *ret)
{
    uint32_t *room = numbers_reserve(ret, count);
    if (room == NULL)
        return false;
    while (count > 0) {
        uint32_t group = first / PACK_COUNT;
        uint32_t held = group == cursor->kept_group ? PACK_COUNT : find_group(cursor, group);
        uint32_t start = first % PACK_COUNT;
        uint32_t here = held <= start ? 0 : held - start < count ? held - start : count;
        if (here == 0 || !read_group(cursor, group, held, start, here, room)) {
            become_corrupt(cursor);
            return false;
        }
        room += here;
        first += here;
        count -= here;
        ret->count += here;
    }
    return true;
}

/* Where the current document's positions begin in the block's. For the first one that asks they are
 * added up, for all behind it kept. */
static uint32_t find_positions(struct posting_cursor *cursor, const uint32_t *frequency)
{
    if (cursor->starts_read)
        return cursor->position_starts[cursor->index];
    if (cursor->position_count > 0) {
        read_position_starts(cursor);
        return cursor->position_starts[cursor->index];
    }
    cursor->position_count = sum_of(cursor->frequencies, cursor->frequency_count);
    return sum_of(cursor->frequencies, (uint32_t)(frequency - cursor->frequencies));
}

bool posting_cursor_positions(struct posting_cursor *cursor, enum query_field field,
                              struct numbers *ret)
{
    uint32_t fields = posting_cursor_fields(cursor);
    if (cursor->corrupt)
        return false;
    if ((fields & 1u << field) == 0)
        return true;
    const uint32_t *frequency = posting_cursor_frequencies(cursor);
    uint32_t first = find_positions(cursor, frequency);
    for (uint32_t before = fields & ((1u << field) - 1); before != 0; before &= before - 1)
        first += *frequency++;
    size_t start = ret->count;
    if (!copy_positions(cursor, first, *frequency, ret))
        return false;
    for (size_t i = start + 1; i < ret->count; i++)
        ret->values[i] += ret->values[i - 1];
    return true;
}

bool posting_cursor_block_positions(struct posting_cursor *cursor, struct numbers *ret)
{
    posting_cursor_fields(cursor);
    if (cursor->corrupt)
        return false;
    if (!cursor->starts_read)
        read_position_starts(cursor);
    return copy_positions(cursor, 0, cursor->position_count, ret);
}

/* ---- as they are stored ---- */

const uint8_t *posting_cursor_packed_frequencies(struct posting_cursor *cursor, size_t *ret_size)
{
    posting_cursor_fields(cursor);
    if (cursor->corrupt)
        return NULL;
    *ret_size = cursor->frequencies_size;
    return part_exactly(&cursor->segment->parts[PART_POSTINGS], cursor->frequencies_address,
                        cursor->frequencies_size);
}

bool posting_cursor_packed_positions(struct posting_cursor *cursor, struct buffer *ret)
{
    posting_cursor_fields(cursor);
    if (cursor->corrupt)
        return false;
    if (cursor->position_count == 0)
        cursor->position_count = sum_of(cursor->frequencies, cursor->frequency_count);
    for (uint32_t group = 0; group * PACK_COUNT < cursor->position_count; group++) {
        uint32_t held = find_group(cursor, group);
        if (held == 0) {
            become_corrupt(cursor);
            return false;
        }
        buffer_append(ret, cursor->position_at,
                      patched_size(cursor->position_at, cursor->position_end, held));
    }
    return !ret->failed;
}
