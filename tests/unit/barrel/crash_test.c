/*
 * A barrel's index whose process is killed, or whose disk loses its power or fills up, at any
 * moment of applying, flushing and merging. A process of its own takes in the feed and says in
 * shared memory, which outlives it, how far it was told that the index is durable. Afterwards
 * exactly what the feed says up to the index's own position is found, and that is no less than was
 * told.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "barrel/storage_rocksdb.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/unit/barrel/feed_model.h"

enum {
    KILLS_SOAK = 300,
    KILLS = 16,
    POWER_CUTS_SOAK = 100,
    POWER_CUTS = 8,
    FULL_DISKS_SOAK = 100,
    FULL_DISKS = 6,
    DISK_MB = 320,
    STORE_MEMORY_BYTES = 4 << 20,
    FLUSH_BYTES = 128 << 10, /* of segments in memory: small, so that much is flushed and merged */
    BATCH_MAX = 150,
    LOOK_EVERY_US = 50,
    REACH_MS_MAX = 20000, /* until the phase wished is reached */
    DELAY_US_MAX = 4000,
    FULL_MS = 3000,          /* as long as the disk is full, where nothing fails meanwhile */
    RECOVERY_MS_MAX = 60000, /* until a flush succeeds once there is room */
};
#define FS_IOC_SHUTDOWN 0x8004587D /* _IOR('X', 125, uint32_t); linux/fs.h does not have it */
enum { WITHOUT_FLUSHING = 2 };

enum phase { OPENING, APPLYING, FLUSHING, MERGING, PHASES };
static const char *const phase_names[PHASES] = {"opening", "applying", "flushing", "merging"};

/* Written by the process that dies, read by the one that watches it. */
struct witness {
    atomic_ullong applying; /* no position beyond this was ever given to the index */
    atomic_ullong flushed;  /* the index said that so much is durable */
    atomic_int phase;       /* of the writer */
    atomic_bool is_merging; /* beside it */
    atomic_uint merges;     /* that ended */
    atomic_uint failures;   /* calls that failed because the disk did */
};

/* ---- the process that dies ---- */

enum { EXIT_BROKEN = 3, EXIT_DISK = 4 };

struct victim {
    struct index *index;
    struct witness *witness;
    bool is_stubborn; /* tries again where the disk fails */
    sem_t flushes;
    uint64_t dice;
};

static void must(struct victim *victim, enum status status, const struct error *err)
{
    if (status == STATUS_OK)
        return;
    atomic_fetch_add(&victim->witness->failures, 1);
    if (status != STATUS_NO_SPACE && status != STATUS_IO) {
        fprintf(stderr, "%s\n", err->text);
        _exit(EXIT_BROKEN);
    }
    if (!victim->is_stubborn)
        _exit(EXIT_DISK);
    usleep(5000); /* as a barrel rests between its tries */
}

static void *merge_all_the_time(void *argument)
{
    struct victim *victim = argument;
    while (sem_wait(&victim->flushes) == 0 || errno == EINTR) {
        struct error err = {0};
        enum status status;
        do {
            atomic_store(&victim->witness->is_merging, true);
            status = index_merge(victim->index, &err);
            atomic_store(&victim->witness->is_merging, false);
            atomic_fetch_add(&victim->witness->merges, status == STATUS_OK);
        } while (status == STATUS_OK);
        if (status != STATUS_END)
            must(victim, status, &err);
    }
    return NULL;
}

static void flush(struct victim *victim)
{
    struct error err = {0};
    atomic_store(&victim->witness->phase, FLUSHING);
    enum status status = index_flush(victim->index, &err);
    atomic_store(&victim->witness->flushed, index_flushed_position(victim->index));
    atomic_store(&victim->witness->phase, APPLYING);
    must(victim, status, &err);
    sem_post(&victim->flushes);
}

/* Applies the next entries, as many as the dice say; the same once more where that fails. */
static void apply_some(struct victim *victim)
{
    static struct feed_strings strings[BATCH_MAX];
    struct index_change changes[BATCH_MAX];
    struct error err = {0};
    uint64_t position = index_applied_position(victim->index);
    size_t count = 1 + (size_t)((victim->dice = feed_mix(victim->dice)) % BATCH_MAX);
    for (size_t i = 0; i < count; i++)
        changes[i] = feed_change_at(position + i, &strings[i]);
    if (position + count > atomic_load(&victim->witness->applying))
        atomic_store(&victim->witness->applying, position + count);
    must(victim, index_apply(victim->index, changes, count, position + count, &err), &err);
    atomic_store(&victim->witness->flushed, index_flushed_position(victim->index));
}

static void take_in_the_feed(const char *folder, int witness, bool is_stubborn)
{
    struct victim victim = {.dice = (uint64_t)clock_boot_us()};
    struct error err = {0};
    struct storage_rocksdb *storage;
    /* More than is ever flushed by hand: so a flush is seen to be one. */
    struct index_options options = {.memory_bytes = 64 << 20};
    pthread_t merger;
    victim.witness =
        mmap(NULL, sizeof(*victim.witness), PROT_READ | PROT_WRITE, MAP_SHARED, witness, 0);
    if (victim.witness == MAP_FAILED || sem_init(&victim.flushes, 0, 0) != 0)
        _exit(EXIT_BROKEN);
    must(&victim, storage_rocksdb_open(folder, STORE_MEMORY_BYTES, &storage, &err), &err);
    must(&victim, index_open(storage_rocksdb_storage(storage), &options, &victim.index, &err),
         &err);
    victim.is_stubborn = is_stubborn;
    atomic_store(&victim.witness->phase, APPLYING);
    if (pthread_create(&merger, NULL, merge_all_the_time, &victim) != 0)
        _exit(EXIT_BROKEN);
    for (;;) {
        struct index_size size;
        apply_some(&victim);
        index_measure(victim.index, &size);
        if (size.bytes_memory >= FLUSH_BYTES)
            flush(&victim);
    }
}

/* ---- the one that watches ---- */

struct fixture {
    char folder[PATH_MAX];
    char image[PATH_MAX + 16]; /* of a disk of its own; mounted at `disk` */
    char disk[PATH_MAX + 16];
    char index[PATH_MAX + 32];
    bool mounted;
    pid_t child;
    int witness_fd;
    struct witness *witness;
    struct model model;    /* where the index stood the last time */
    struct model furthest; /* the end of what was ever given to it */
    struct text_analyzer *analyzer;
    uint64_t dice;
    unsigned deaths[PHASES];
    unsigned merges;
    /* when the disk was last full */
    unsigned failures;
    uint64_t flushed;
    unsigned ended;
};

/* How often. Where every access is checked, each time takes ten times as long. */
static unsigned times(unsigned normally, unsigned soaking)
{
#ifdef __SANITIZE_ADDRESS__
    (void)soaking;
    return normally / 2;
#else
    return getenv("TIERCE_SOAK") != NULL ? soaking : normally;
#endif
}

static bool run(const char *command, const char *first, const char *second)
{
    char line[3 * PATH_MAX];
    snprintf(line, sizeof(line), "%s %s %s >/dev/null 2>&1", command, first, second);
    return system(line) == 0;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *temporary = getenv("TMPDIR");
    assert_non_null(f);
    snprintf(f->folder, sizeof(f->folder), "%s/tierce-crash-XXXXXX",
             temporary == NULL ? "/tmp" : temporary);
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->image, sizeof(f->image), "%s/image", f->folder);
    snprintf(f->disk, sizeof(f->disk), "%s/disk", f->folder);
    snprintf(f->index, sizeof(f->index), "%s/disk/index", f->folder);
    assert_int_equal(mkdir(f->disk, 0700), 0);
    f->witness_fd = memfd_create("witness", 0);
    assert_int_equal(ftruncate(f->witness_fd, sizeof(struct witness)), 0);
    f->witness =
        mmap(NULL, sizeof(struct witness), PROT_READ | PROT_WRITE, MAP_SHARED, f->witness_fd, 0);
    assert_true(f->witness != MAP_FAILED);
    f->analyzer = text_analyzer_new();
    assert_non_null(f->analyzer);
    model_init(&f->model);
    model_init(&f->furthest);
    f->dice = (uint64_t)clock_unix_us();
    print_message("dice: %llu\n", (unsigned long long)f->dice);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->child > 0) {
        kill(f->child, SIGKILL);
        waitpid(f->child, NULL, 0);
    }
    if (f->mounted)
        umount2(f->disk, MNT_DETACH);
    run("rm -rf", f->folder, "");
    text_analyzer_free(f->analyzer);
    munmap(f->witness, sizeof(*f->witness));
    close(f->witness_fd);
    free(f);
    return 0;
}

static uint64_t roll(struct fixture *f, uint64_t sides)
{
    f->dice = feed_mix(f->dice);
    return f->dice % sides;
}

/* ---- */

static void start(struct fixture *f, const char *how)
{
    f->merges += atomic_load(&f->witness->merges);
    atomic_store(&f->witness->phase, OPENING);
    atomic_store(&f->witness->is_merging, false);
    atomic_store(&f->witness->merges, 0);
    f->child = fork();
    assert_true(f->child >= 0);
    if (f->child == 0) { /* a process of its own: the engine's threads are not inherited */
        char fd[16];
        snprintf(fd, sizeof(fd), "%d", f->witness_fd);
        execl("/proc/self/exe", "crash_test", how, f->index, fd, NULL);
        _exit(EXIT_BROKEN);
    }
}

static enum phase phase_of(const struct witness *witness)
{
    return atomic_load(&witness->is_merging) ? MERGING : (enum phase)atomic_load(&witness->phase);
}

/* Waits until the phase is reached, and a random time longer. */
static void wait_for_phase(struct fixture *f, enum phase phase)
{
    int64_t end_ms = clock_boot_ms() + REACH_MS_MAX;
    /* Whole flushes and merges come first, so that there is something to lose. */
    unsigned long long flushed = atomic_load(&f->witness->flushed);
    while (phase != OPENING && atomic_load(&f->witness->flushed) == flushed &&
           clock_boot_ms() < end_ms)
        usleep(LOOK_EVERY_US);
    while (phase_of(f->witness) != phase && clock_boot_ms() < end_ms)
        usleep(LOOK_EVERY_US);
    usleep((useconds_t)roll(f, DELAY_US_MAX >> roll(f, 6)));
}

/* Returns how it ended. */
static int bury(struct fixture *f)
{
    int result;
    kill(f->child, SIGKILL);
    assert_int_equal(waitpid(f->child, &result, 0), f->child);
    f->child = 0;
    return result;
}

/* Gives the index again what it lost. */
static void catch_up(struct fixture *f, struct index *index)
{
    static struct feed_strings strings[BATCH_MAX];
    struct index_change changes[BATCH_MAX];
    uint64_t given = atomic_load(&f->witness->applying);
    model_advance(&f->furthest, given);
    for (uint64_t at = f->model.position; at < f->furthest.position;) {
        size_t count = 0;
        for (; count < BATCH_MAX && at < f->furthest.position; count++, at++)
            changes[count] = feed_change_at(at, &strings[count]);
        assert_int_equal(index_apply(index, changes, count, at, NULL), STATUS_OK);
    }
}

static struct index *open_index(struct fixture *f, struct storage_rocksdb **ret_storage)
{
    struct error err = {0};
    struct index *index;
    if (storage_rocksdb_open(f->index, STORE_MEMORY_BYTES, ret_storage, &err) != STATUS_OK ||
        index_open(storage_rocksdb_storage(*ret_storage), NULL, &index, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return index;
}

/* The index opens, and holds what the feed says up to its position: all that was told durable.
 * Nothing is flushed here. */
static void check_index(struct fixture *f)
{
    struct storage_rocksdb *storage;
    struct index *index = open_index(f, &storage);
    uint64_t position = index_flushed_position(index);
    if (position < atomic_load(&f->witness->flushed) || position < f->model.position ||
        position > atomic_load(&f->witness->applying))
        fail_msg("the index stands at %llu; it had said %llu, and was given %llu",
                 (unsigned long long)position,
                 (unsigned long long)atomic_load(&f->witness->flushed),
                 (unsigned long long)atomic_load(&f->witness->applying));
    model_advance(&f->model, position);
    model_check_documents(&f->model, index, f->analyzer);
    catch_up(f, index);
    model_check_all(&f->furthest, index, f->analyzer);
    assert_false(index_is_corrupt(index));
    index_close(index);
    storage_rocksdb_close(storage);
}

static void print_deaths(const struct fixture *f, const char *what)
{
    print_message("counted %s:", what);
    for (int phase = 0; phase < PHASES; phase++)
        print_message(" %u while %s,", f->deaths[phase], phase_names[phase]);
    print_message(" %u merges in all, %llu entries\n", f->merges + atomic_load(&f->witness->merges),
                  (unsigned long long)f->model.position);
}

static void nothing_flushed_is_lost_by_kill(void **state)
{
    struct fixture *f = *state;
    unsigned kills = times(KILLS, KILLS_SOAK);
    for (unsigned i = 0; i < kills; i++) {
        start(f, "exit");
        wait_for_phase(f, (enum phase)(i % PHASES));
        int result = bury(f);
        if (!WIFSIGNALED(result) || WTERMSIG(result) != SIGKILL)
            fail_msg("it ended by itself: %x", result);
        f->deaths[phase_of(f->witness)]++;
        check_index(f);
    }
    print_deaths(f, "kills");
}

/* ---- a disk of its own ---- */

static void make_disk(struct fixture *f)
{
    char size[32];
    snprintf(size, sizeof(size), "-s %dM", DISK_MB);
    if (!run("truncate", size, f->image) || !run("mkfs.ext4 -q -F -m 0", f->image, "")) {
        print_message("SKIPPED: no file system can be made here\n");
        skip();
    }
    f->mounted = run("mount -o loop", f->image, f->disk);
    if (!f->mounted) {
        print_message("SKIPPED: a disk cannot be mounted here (it takes root)\n");
        skip();
    }
}

static void cut_power(const struct fixture *f)
{
    uint32_t how = WITHOUT_FLUSHING;
    int fd = open(f->disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, FS_IOC_SHUTDOWN, &how), 0);
    close(fd);
}

static void mount_again(struct fixture *f)
{
    int64_t end_ms = clock_boot_ms() + REACH_MS_MAX;
    while (umount2(f->disk, 0) != 0) { /* what died may still be leaving */
        assert_true(clock_boot_ms() < end_ms);
        usleep(1000);
    }
    f->mounted = run("mount -o loop", f->image, f->disk);
    assert_true(f->mounted);
}

static void nothing_flushed_is_lost_by_a_power_cut(void **state)
{
    struct fixture *f = *state;
    unsigned cuts = times(POWER_CUTS, POWER_CUTS_SOAK);
    make_disk(f);
    for (unsigned i = 0; i < cuts; i++) {
        start(f, "exit");
        wait_for_phase(f, (enum phase)(i % PHASES));
        f->deaths[phase_of(f->witness)]++;
        cut_power(f);
        int result = bury(f);
        if (WIFEXITED(result))
            assert_int_equal(WEXITSTATUS(result), EXIT_DISK);
        mount_again(f);
        check_index(f);
    }
    print_deaths(f, "power cuts");
}

/* ---- a full disk ---- */

static void filler_path(const struct fixture *f, char path[PATH_MAX + 32])
{
    snprintf(path, PATH_MAX + 32, "%s/filler", f->disk);
}

/* Takes all that is free, down to the last block. */
static void fill_disk(const struct fixture *f)
{
    char path[PATH_MAX + 32];
    off_t size = 0;
    filler_path(f, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (off_t step = 64 << 20; step >= 1024;) {
        if (fallocate(fd, 0, size, step) == 0)
            size += step;
        else
            step /= 2;
    }
    close(fd);
}

static void free_disk(const struct fixture *f)
{
    char path[PATH_MAX + 32];
    filler_path(f, path);
    assert_int_equal(unlink(path), 0);
}

/* Whether it ended by itself before the time was over, or something else came true. */
static bool ends_before(struct fixture *f, int64_t wait_ms, bool (*came_true)(struct fixture *f))
{
    int64_t end_ms = clock_boot_ms() + wait_ms;
    siginfo_t info = {0};
    while (clock_boot_ms() < end_ms && !came_true(f)) {
        if (waitid(P_PID, (id_t)f->child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == f->child)
            return true;
        usleep(1000);
    }
    return false;
}

static bool has_failed(struct fixture *f)
{
    return atomic_load(&f->witness->failures) > f->failures;
}

static bool has_opened(struct fixture *f)
{
    return phase_of(f->witness) != OPENING;
}

static bool has_gone_on(struct fixture *f)
{
    return atomic_load(&f->witness->flushed) > f->flushed;
}

static void take_ending(struct fixture *f, int result)
{
    if (WIFEXITED(result) ? WEXITSTATUS(result) != EXIT_DISK : WTERMSIG(result) != SIGABRT)
        fail_msg("it ended by itself: %x", result);
    f->ended++;
}

/* It opens, unless something else took the room of the ballast that it gave back. */
static void open_while_full(struct fixture *f)
{
    start(f, "exit");
    if (ends_before(f, FULL_MS, has_opened))
        take_ending(f, bury(f));
    else
        bury(f);
}

/*
 * The disk fills up at any moment. The engine may abort; else everything goes on when there is room
 * again. `while_full`: the process is killed before that, and the index opened again.
 */
static void fill_once(struct fixture *f, bool while_full)
{
    f->failures = atomic_load(&f->witness->failures);
    fill_disk(f);
    f->deaths[phase_of(f->witness)]++;
    bool ended = ends_before(f, FULL_MS, has_failed);
    if (while_full) {
        bury(f);
        open_while_full(f);
        free_disk(f);
        check_index(f);
        return;
    }
    free_disk(f);
    f->flushed = atomic_load(&f->witness->flushed);
    ended = ended || ends_before(f, RECOVERY_MS_MAX, has_gone_on);
    if (!ended && !has_gone_on(f))
        fail_msg("it did not go on when there was room again");
    int result = bury(f);
    if (ended)
        take_ending(f, result);
    check_index(f);
}

static void nothing_flushed_is_lost_by_a_full_disk(void **state)
{
    struct fixture *f = *state;
    unsigned fillings = times(FULL_DISKS, FULL_DISKS_SOAK);
    make_disk(f);
    check_index(f); /* makes the store, with its ballast */
    for (unsigned i = 0; i < fillings; i++) {
        start(f, "stubborn");
        wait_for_phase(f, (enum phase)(i % PHASES));
        fill_once(f, roll(f, 2) == 0);
    }
    print_deaths(f, "full disks");
    print_message("counted %u calls that failed meanwhile, %u processes that ended\n",
                  atomic_load(&f->witness->failures), f->ended);
}

int main(int argc, char **argv)
{
    if (argc == 4)
        take_in_the_feed(argv[2], atoi(argv[3]), strcmp(argv[1], "stubborn") == 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_flushed_is_lost_by_kill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_flushed_is_lost_by_a_power_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_flushed_is_lost_by_a_full_disk, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("barrel/crash", tests, NULL, NULL);
}
