#include "page/charset_index.h"

#include <iconv.h>
#include <pthread.h>
#include <string.h>

#include "base/check.h"

/* A pair of bytes, or a single one, that the system's converter reads otherwise. */
struct correction {
    uint16_t bytes;
    uint16_t code_point; /* 0: nothing */
};

static const struct correction gb18030_corrections[] = {
    {0xA3A0, 0x3000}, {0xFE51, 0xE816}, {0xFE52, 0xE817}, {0xFE53, 0xE818},
    {0xFE6C, 0xE831}, {0xFE76, 0xE83B}, {0xFE91, 0xE855},
};

/* Characters that two pairs stand for: the converter keeps to one. */
static const struct correction big5_corrections[] = {
    {0x8E69, 0x7BB8}, {0x8E6F, 0x7C06}, {0x8E7E, 0x7CCE}, {0x8EAB, 0x7DD2}, {0x8EB4, 0x7E1D},
    {0x8ECD, 0x8005}, {0x8ED0, 0x8028}, {0x8F57, 0x83C1}, {0x8F69, 0x84A8}, {0x8F6E, 0x840F},
    {0x8FCB, 0x89A6}, {0x8FCC, 0x89A9}, {0x8FFE, 0x8D77}, {0x906D, 0x90FD}, {0x907A, 0x92B9},
    {0x90DC, 0x975C}, {0x90F1, 0x97FF}, {0x91BF, 0x9F16}, {0x9244, 0x8503}, {0x92AF, 0x5159},
    {0x92B0, 0x515B}, {0x92B1, 0x515D}, {0x92B2, 0x515E}, {0x92C8, 0x936E}, {0x92D1, 0x7479},
    {0x9447, 0x6D67}, {0x94CA, 0x799B}, {0x95D9, 0x9097}, {0x9644, 0x975D}, {0x96ED, 0x701E},
    {0x96FC, 0x5B28}, {0x9B76, 0x7201}, {0x9B78, 0x77D7}, {0x9B7B, 0x7E87}, {0x9BC6, 0x99D6},
    {0x9BDE, 0x91D4}, {0x9BEC, 0x60DE}, {0x9BF6, 0x6FB6}, {0x9C42, 0x8F36}, {0x9C53, 0x4FBB},
    {0x9C62, 0x71DF}, {0x9C68, 0x9104}, {0x9C6B, 0x9DF0}, {0x9C77, 0x83CF}, {0x9CBC, 0x5C10},
    {0x9CBD, 0x79E3}, {0x9CD0, 0x5A67}, {0x9D57, 0x8F0B}, {0x9D5A, 0x7B51}, {0x9DC4, 0x62D0},
    {0x9EA9, 0x6062}, {0x9EEF, 0x75F9}, {0x9EFD, 0x6C4A}, {0x9F60, 0x9B2E}, {0x9F66, 0x9F17},
    {0x9FCB, 0x50ED}, {0x9FD8, 0x5F0C}, {0xA063, 0x880F}, {0xA077, 0x62CE}, {0xA0D5, 0x7468},
    {0xA0DF, 0x7162}, {0xA0E4, 0x7250}, {0xA145, 0x2027}, {0xA14E, 0xFE51}, {0xA15A, 0x2574},
    {0xA1C2, 0x00AF}, {0xA1C3, 0xFFE3}, {0xA1C5, 0x02CD}, {0xA1E3, 0xFF5E}, {0xA1F2, 0x2295},
    {0xA1F3, 0x2299}, {0xA1FE, 0xFF0F}, {0xA240, 0xFF3C}, {0xA241, 0x2215}, {0xA242, 0xFE68},
    {0xA244, 0xFFE5}, {0xA246, 0xFFE0}, {0xA247, 0xFFE1}, {0xA2CC, 0x5341}, {0xA2CE, 0x5345},
    {0xA3C0, 0x2400}, {0xA3C1, 0x2401}, {0xA3C2, 0x2402}, {0xA3C3, 0x2403}, {0xA3C4, 0x2404},
    {0xA3C5, 0x2405}, {0xA3C6, 0x2406}, {0xA3C7, 0x2407}, {0xA3C8, 0x2408}, {0xA3C9, 0x2409},
    {0xA3CA, 0x240A}, {0xA3CB, 0x240B}, {0xA3CC, 0x240C}, {0xA3CD, 0x240D}, {0xA3CE, 0x240E},
    {0xA3CF, 0x240F}, {0xA3D0, 0x2410}, {0xA3D1, 0x2411}, {0xA3D2, 0x2412}, {0xA3D3, 0x2413},
    {0xA3D4, 0x2414}, {0xA3D5, 0x2415}, {0xA3D6, 0x2416}, {0xA3D7, 0x2417}, {0xA3D8, 0x2418},
    {0xA3D9, 0x2419}, {0xA3DA, 0x241A}, {0xA3DB, 0x241B}, {0xA3DC, 0x241C}, {0xA3DD, 0x241D},
    {0xA3DE, 0x241E}, {0xA3DF, 0x241F}, {0xA3E0, 0x2421}, {0xA3E1, 0x20AC}, {0xC6CF, 0x5EF4},
    {0xC6D3, 0x65E0}, {0xC6D5, 0x7676}, {0xC6D7, 0x96B6}, {0xC6DE, 0x3003}, {0xC6DF, 0x4EDD},
    {0xFA5F, 0x5029}, {0xFA66, 0x507D}, {0xFABD, 0x5305}, {0xFAC5, 0x5344}, {0xFAD5, 0x537F},
    {0xFB48, 0x5605}, {0xFBB8, 0x5A77}, {0xFBF3, 0x5E75}, {0xFBF9, 0x5ED0}, {0xFC4F, 0x5F58},
    {0xFC6C, 0x60A4}, {0xFCB9, 0x6490}, {0xFCE2, 0x6674}, {0xFCF1, 0x675E}, {0xFDB7, 0x6C9C},
    {0xFDB8, 0x6E1D}, {0xFDBB, 0x6E2F}, {0xFDF1, 0x716E}, {0xFE52, 0x732A}, {0xFE6F, 0x745C},
    {0xFEAA, 0x74E9}, {0xFEDD, 0x7809},
};

static const struct correction jis0212_corrections[] = {{0xA2C3, 0x00A6}};

/* An index: rows of `width` columns, the columns in one or two runs of second bytes. */
struct layout {
    const char *converter;
    const char *prefix; /* in front of the two bytes */
    uint8_t first_row;  /* the first byte of its first pair */
    uint8_t gap_from;   /* of first bytes, those that are none: from here */
    uint8_t gap_to;     /* to before this one; 0: no gap */
    uint8_t rows;
    uint8_t rows_used; /* those after are the users' own in the converter, nothing in the index */
    uint8_t low_from;  /* second bytes: from this */
    uint8_t low_to;    /* to this, and then */
    uint8_t high_from; /* from this on */
    uint16_t width;
    const struct correction *corrections;
    size_t correction_count;
};

#define CORRECTIONS(list) list, ARRAY_COUNT(list)

static const struct layout layouts[CHARSET_INDEX_COUNT] = {
    [CHARSET_GB18030] = {"GB18030", "", 0x81, 0, 0, 126, 126, 0x40, 0x7E, 0x80, 190,
                         CORRECTIONS(gb18030_corrections)},
    [CHARSET_BIG5] = {"BIG5-HKSCS", "", 0x81, 0, 0, 126, 126, 0x40, 0x7E, 0xA1, 157,
                      CORRECTIONS(big5_corrections)},
    [CHARSET_JIS0208] = {"CP932", "", 0x81, 0xA0, 0xE0, 60, 60, 0x40, 0x7E, 0x80, 188, NULL, 0},
    [CHARSET_JIS0212] = {"EUC-JP-MS", "\x8F", 0xA1, 0, 0, 94, 77, 0xA1, 0xFE, 0xFF, 94,
                         CORRECTIONS(jis0212_corrections)},
    [CHARSET_EUC_KR] = {"UHC", "", 0x81, 0, 0, 126, 126, 0x41, 0xFE, 0xFF, 190, NULL, 0},
};

enum {
    PRIVATE_USE_FROM = 8836, /* of JIS X 0208: not in the index but in Shift_JIS */
    PRIVATE_USE_TO = 10716,
    ENTRIES_MAX = 126 * 190,
};

static uint32_t indexes[CHARSET_INDEX_COUNT][ENTRIES_MAX];
static bool are_made[CHARSET_INDEX_COUNT];
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/* ---- the system's converters ---------------------------------------------------------------- */

/* The one code point that the bytes are; 0 where they are none, or several. */
static uint32_t read_one(iconv_t converter, const uint8_t *bytes, size_t size)
{
    char in[4], out[16];
    char *from = in, *to = out;
    size_t left = size, room = sizeof(out);
    uint32_t code_point;
    memcpy(in, bytes, size);
    (void)iconv(converter, NULL, NULL, NULL, NULL);
    if (iconv(converter, &from, &left, &to, &room) != 0 || left > 0)
        return 0;
    (void)iconv(converter, NULL, NULL, &to, &room); /* held back for a combining character */
    if (to != out + sizeof(code_point))
        return 0;
    memcpy(&code_point, out, sizeof(code_point));
    return code_point == 0xFFFD ? 0 : code_point;
}

static iconv_t open_converter(const char *name)
{
    return iconv_open("WCHAR_T", name); /* a code point of 32 bits, in this machine's order */
}

/* ---- two bytes -------------------------------------------------------------------------------
 */

static uint8_t row_byte(const struct layout *layout, size_t row)
{
    size_t byte = layout->first_row + row;
    if (layout->gap_to != 0 && byte >= layout->gap_from)
        byte += (size_t)(layout->gap_to - layout->gap_from);
    return (uint8_t)byte;
}

static uint8_t column_byte(const struct layout *layout, size_t column)
{
    size_t byte = layout->low_from + column;
    if (byte > layout->low_to)
        byte += (size_t)(layout->high_from - layout->low_to - 1);
    return (uint8_t)byte;
}

static uint32_t corrected(const struct correction *list, size_t count, unsigned bytes,
                          uint32_t code_point)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].bytes == bytes)
            return list[i].code_point;
    }
    return code_point;
}

static bool make_index(enum charset_index which)
{
    const struct layout *layout = &layouts[which];
    uint32_t *index = indexes[which];
    iconv_t converter = open_converter(layout->converter);
    if (converter == (iconv_t)-1)
        return false;
    for (size_t i = 0; i < (size_t)layout->rows_used * layout->width; i++) {
        uint8_t pair[] = {(uint8_t)layout->prefix[0], row_byte(layout, i / layout->width),
                          column_byte(layout, i % layout->width)};
        size_t skipped = layout->prefix[0] == '\0';
        index[i] = corrected(layout->corrections, layout->correction_count,
                             (unsigned)pair[1] << 8 | pair[2],
                             read_one(converter, pair + skipped, sizeof(pair) - skipped));
        if (which == CHARSET_JIS0208 && i >= PRIVATE_USE_FROM && i < PRIVATE_USE_TO)
            index[i] = 0;
    }
    iconv_close(converter);
    return true;
}

const uint32_t *charset_index(enum charset_index which)
{
    CHECK(pthread_mutex_lock(&making) == 0);
    are_made[which] = are_made[which] || make_index(which);
    bool is_made = are_made[which];
    CHECK(pthread_mutex_unlock(&making) == 0);
    return is_made ? indexes[which] : NULL;
}

size_t charset_index_size(enum charset_index which)
{
    return (size_t)layouts[which].rows * layouts[which].width;
}

/* ---- four bytes ------------------------------------------------------------------------------
 */

uint32_t charset_gb18030_range(uint32_t pointer)
{
    static const struct {
        uint32_t pointer;
        uint32_t code_point;
    } ranges[] = {
        {0, 0x0080},     {36, 0x00A5},      {38, 0x00A9},    {45, 0x00B2},    {50, 0x00B8},
        {81, 0x00D8},    {89, 0x00E2},      {95, 0x00EB},    {96, 0x00EE},    {100, 0x00F4},
        {103, 0x00F8},   {104, 0x00FB},     {105, 0x00FD},   {109, 0x0102},   {126, 0x0114},
        {133, 0x011C},   {148, 0x012C},     {172, 0x0145},   {175, 0x0149},   {179, 0x014E},
        {208, 0x016C},   {306, 0x01CF},     {307, 0x01D1},   {308, 0x01D3},   {309, 0x01D5},
        {310, 0x01D7},   {311, 0x01D9},     {312, 0x01DB},   {313, 0x01DD},   {341, 0x01FA},
        {428, 0x0252},   {443, 0x0262},     {544, 0x02C8},   {545, 0x02CC},   {558, 0x02DA},
        {741, 0x03A2},   {742, 0x03AA},     {749, 0x03C2},   {750, 0x03CA},   {805, 0x0402},
        {819, 0x0450},   {820, 0x0452},     {7922, 0x2011},  {7924, 0x2017},  {7925, 0x201A},
        {7927, 0x201E},  {7934, 0x2027},    {7943, 0x2031},  {7944, 0x2034},  {7945, 0x2036},
        {7950, 0x203C},  {8062, 0x20AD},    {8148, 0x2104},  {8149, 0x2106},  {8152, 0x210A},
        {8164, 0x2117},  {8174, 0x2122},    {8236, 0x216C},  {8240, 0x217A},  {8262, 0x2194},
        {8264, 0x219A},  {8374, 0x2209},    {8380, 0x2210},  {8381, 0x2212},  {8384, 0x2216},
        {8388, 0x221B},  {8390, 0x2221},    {8392, 0x2224},  {8393, 0x2226},  {8394, 0x222C},
        {8396, 0x222F},  {8401, 0x2238},    {8406, 0x223E},  {8416, 0x2249},  {8419, 0x224D},
        {8424, 0x2253},  {8437, 0x2262},    {8439, 0x2268},  {8445, 0x2270},  {8482, 0x2296},
        {8485, 0x229A},  {8496, 0x22A6},    {8521, 0x22C0},  {8603, 0x2313},  {8936, 0x246A},
        {8946, 0x249C},  {9046, 0x254C},    {9050, 0x2574},  {9063, 0x2590},  {9066, 0x2596},
        {9076, 0x25A2},  {9092, 0x25B4},    {9100, 0x25BE},  {9108, 0x25C8},  {9111, 0x25CC},
        {9113, 0x25D0},  {9131, 0x25E6},    {9162, 0x2607},  {9164, 0x260A},  {9218, 0x2641},
        {9219, 0x2643},  {11329, 0x2E82},   {11331, 0x2E85}, {11334, 0x2E89}, {11336, 0x2E8D},
        {11346, 0x2E98}, {11361, 0x2EA8},   {11363, 0x2EAB}, {11366, 0x2EAF}, {11370, 0x2EB4},
        {11372, 0x2EB8}, {11375, 0x2EBC},   {11389, 0x2ECB}, {11682, 0x2FFC}, {11686, 0x3004},
        {11687, 0x3018}, {11692, 0x301F},   {11694, 0x302A}, {11714, 0x303F}, {11716, 0x3094},
        {11723, 0x309F}, {11725, 0x30F7},   {11730, 0x30FF}, {11736, 0x312A}, {11982, 0x322A},
        {11989, 0x3232}, {12102, 0x32A4},   {12336, 0x3390}, {12348, 0x339F}, {12350, 0x33A2},
        {12384, 0x33C5}, {12393, 0x33CF},   {12395, 0x33D3}, {12397, 0x33D6}, {12510, 0x3448},
        {12553, 0x3474}, {12851, 0x359F},   {12962, 0x360F}, {12973, 0x361B}, {13738, 0x3919},
        {13823, 0x396F}, {13919, 0x39D1},   {13933, 0x39E0}, {14080, 0x3A74}, {14298, 0x3B4F},
        {14585, 0x3C6F}, {14698, 0x3CE1},   {15583, 0x4057}, {15847, 0x4160}, {16318, 0x4338},
        {16434, 0x43AD}, {16438, 0x43B2},   {16481, 0x43DE}, {16729, 0x44D7}, {17102, 0x464D},
        {17122, 0x4662}, {17315, 0x4724},   {17320, 0x472A}, {17402, 0x477D}, {17418, 0x478E},
        {17859, 0x4948}, {17909, 0x497B},   {17911, 0x497E}, {17915, 0x4984}, {17916, 0x4987},
        {17936, 0x499C}, {17939, 0x49A0},   {17961, 0x49B8}, {18664, 0x4C78}, {18703, 0x4CA4},
        {18814, 0x4D1A}, {18962, 0x4DAF},   {19043, 0x9FA6}, {33469, 0xE76C}, {33470, 0xE7C8},
        {33471, 0xE7E7}, {33484, 0xE815},   {33485, 0xE819}, {33490, 0xE81F}, {33497, 0xE827},
        {33501, 0xE82D}, {33505, 0xE833},   {33513, 0xE83C}, {33520, 0xE844}, {33536, 0xE856},
        {33550, 0xE865}, {37845, 0xF92D},   {37921, 0xF97A}, {37948, 0xF996}, {38029, 0xF9E8},
        {38038, 0xF9F2}, {38064, 0xFA10},   {38065, 0xFA12}, {38066, 0xFA15}, {38069, 0xFA19},
        {38075, 0xFA22}, {38076, 0xFA25},   {38078, 0xFA2A}, {39108, 0xFE32}, {39109, 0xFE45},
        {39113, 0xFE53}, {39114, 0xFE58},   {39115, 0xFE67}, {39116, 0xFE6C}, {39265, 0xFF5F},
        {39394, 0xFFE6}, {189000, 0x10000},
    };
    if ((pointer > 39419 && pointer < 189000) || pointer > 1237575)
        return 0;
    if (pointer == 7457)
        return 0xE7C7;
    size_t low = 0, high = ARRAY_COUNT(ranges); /* the last range that begins at or before it */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (ranges[middle].pointer <= pointer)
            low = middle;
        else
            high = middle;
    }
    return ranges[low].code_point + (pointer - ranges[low].pointer);
}

/* ---- one byte -------------------------------------------------------------------------------- */

static uint32_t single_corrected(const char *name, unsigned byte, uint32_t code_point)
{
    static const struct {
        const char *name;
        struct correction correction;
    } corrections[] = {
        {"koi8-u", {0xAE, 0x045E}},       {"koi8-u", {0xBE, 0x040E}},
        {"macintosh", {0xC6, 0x2206}},    {"macintosh", {0xF0, 0xF8FF}},
        {"windows-1255", {0xCA, 0x05BA}}, {"x-mac-cyrillic", {0xFF, 0x20AC}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(corrections); i++) {
        if (corrections[i].correction.bytes == byte && strcmp(corrections[i].name, name) == 0)
            return corrections[i].correction.code_point;
    }
    if (code_point == 0 && byte < 0xA0)
        return byte; /* the controls, where nothing else was put in their place */
    return code_point;
}

bool charset_index_single(const struct charset *charset, uint32_t ret_index[CHARSET_SINGLE_COUNT])
{
    iconv_t converter = open_converter(charset->converter);
    if (converter == (iconv_t)-1)
        return false;
    for (unsigned i = 0; i < CHARSET_SINGLE_COUNT; i++) {
        uint8_t byte = (uint8_t)(CHARSET_SINGLE_FIRST + i);
        ret_index[i] = single_corrected(charset->name, byte, read_one(converter, &byte, 1));
    }
    iconv_close(converter);
    return true;
}
