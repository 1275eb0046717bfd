#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/language_detect.h"

/* From memory of exactly its size. */
static void expect_settled(const char *tag, const char *text, const char *expected)
{
    size_t size = strlen(text);
    char *exact = malloc(size + (size == 0));
    memcpy(exact, text, size);
    struct text_slice found =
        language_settle((struct text_slice){tag, strlen(tag)}, (struct text_slice){exact, size});
    char seen[40];
    snprintf(seen, sizeof(seen), "%.*s", (int)found.size, found.size == 0 ? "" : found.bytes);
    if (strcmp(seen, expected) != 0)
        print_message("%s\n", text);
    assert_string_equal(seen, expected);
    free(exact);
}

static void a_sentence_tells_its_language(void **state)
{
    (void)state;
    static const char *const sentences[][2] = {
        {"en", "The dog runs through the park while the children are playing with the red ball."},
        {"de", "Der Hund läuft durch den Park, während die Kinder mit dem roten Ball spielen."},
        {"fr", "Le chat dort sur le canapé pendant que la pluie tombe doucement dehors."},
        {"es", "El perro corre por el parque mientras los niños juegan con la pelota roja."},
        {"pt", "O cão corre pelo parque enquanto as crianças brincam com a bola vermelha."},
        {"it", "Il cane corre nel parco mentre i bambini giocano con la palla rossa."},
        {"nl", "De hond rent door het park terwijl de kinderen met de rode bal spelen."},
        {"da", "Hunden løber gennem parken, mens børnene leger med den røde bold."},
        {"fi", "Koira juoksee puiston läpi, kun lapset leikkivät punaisella pallolla."},
        {"hu", "A kutya átszalad a parkon, miközben a gyerekek a piros labdával játszanak."},
        {"ro", "Câinele aleargă prin parc în timp ce copiii se joacă cu mingea roșie."},
        {"tr", "Köpek parkta koşarken çocuklar kırmızı topla oynuyorlar."},
        {"pl", "Pies biegnie przez park, podczas gdy dzieci bawią się czerwoną piłką."},
        {"vi", "Con chó chạy qua công viên trong khi những đứa trẻ chơi với quả bóng đỏ."},
        {"ru", "Собака бежит через парк, пока дети играют с красным мячом."},
        {"ar", "يركض الكلب عبر الحديقة بينما يلعب الأطفال بالكرة الحمراء."},
    };
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
        expect_settled("", sentences[i][1], sentences[i][0]);
}

static void a_script_of_its_own_tells_the_language(void **state)
{
    (void)state;
    expect_settled("", "Ο σκύλος τρέχει στο πάρκο ενώ τα παιδιά παίζουν με την κόκκινη μπάλα.",
                   "el");
    expect_settled("", "สุนัขวิ่งผ่านสวนสาธารณะในขณะที่เด็กๆ เล่นลูกบอลสีแดงกันอย่างสนุกสนานมาก", "th");
    expect_settled("",
                   "子供たちが赤いボールで遊んでいる間、犬は公園を走り回っています。"
                   "とても楽しそうに見えます。",
                   "ja");
    expect_settled("",
                   "孩子们在玩红球的时候，狗在公园里跑来跑去。看起来他们都非常开心，"
                   "天气也很好，阳光明媚，微风吹过。今天是星期天。",
                   "zh");
    expect_settled("",
                   "아이들이 빨간 공을 가지고 노는 동안 개가 공원을 뛰어다닙니다. 모두 즐거워 "
                   "보입니다. 날씨도 참 좋습니다.",
                   "ko");
}

static void short_texts_and_no_texts_have_none(void **state)
{
    (void)state;
    expect_settled("", "", "");
    expect_settled("", "Hello world", "");
    expect_settled("", "0123456789 ... 192.168.0.1 +++ 42", "");
    expect_settled("", "foo(x) = baz[i] + qux; return NULL; int main(void)", "");
    expect_settled("fr", "Hello world", "fr");
}

static const char german[] =
    "Der Hund läuft durch den Park, während die Kinder mit dem roten Ball spielen. Am Abend gehen "
    "alle zusammen nach Hause, und die Mutter kocht eine Suppe, die allen gut schmeckt. Dann wird "
    "noch eine Geschichte gelesen.";

static void a_page_is_doubted_only_where_its_text_plainly_contradicts(void **state)
{
    (void)state;
    expect_settled("de-AT", german, "de-AT");
    expect_settled("en", german, "de");
    expect_settled("ja", german, "ja"); /* nothing depends on it */
    expect_settled("tlh", german, "tlh");
    expect_settled("en", "Der Hund läuft durch den Park, während die Kinder spielen.", "en");
    expect_settled("no",
                   "Hunden løper gjennom parken mens barna leker med den røde ballen. Om kvelden "
                   "går alle hjem sammen, og moren koker en suppe som alle liker veldig godt.",
                   "no");
    expect_settled("und", german, "de");
    expect_settled("x-default", german, "de");
    expect_settled("english", german, "de");
}

static void a_long_text_is_sampled_behind_its_beginning(void **state)
{
    (void)state;
    char text[20000];
    size_t used = 0;
    while (used < 2000)
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "Home page, about us, contact, search, all the news of the day. ");
    while (used < sizeof(text) - 300)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ", german);
    expect_settled("", text, "de");
}

static void bytes_that_are_no_text_do_no_harm(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 200; round++) {
        char bytes[3000];
        for (size_t i = 0; i + 1 < sizeof(bytes); i++) {
            seed = seed * 1103515245 + 12345;
            bytes[i] = (char)(1 + (seed >> 16) % 255);
        }
        size_t size = (size_t)round * 15;
        char *exact = malloc(size + 1);
        memcpy(exact, bytes, size);
        language_detect((struct text_slice){exact, size});
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_tells_its_language),
        cmocka_unit_test(a_script_of_its_own_tells_the_language),
        cmocka_unit_test(short_texts_and_no_texts_have_none),
        cmocka_unit_test(a_page_is_doubted_only_where_its_text_plainly_contradicts),
        cmocka_unit_test(a_long_text_is_sampled_behind_its_beginning),
        cmocka_unit_test(bytes_that_are_no_text_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
