#include "sandbox/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The kernel's interface, written down here because Debian 12's own header ends at version 2 while
 * newer kernels run below it. The numbers are from the kernel's Documentation/userspace-api/
 * landlock.rst; a kernel is asked for its version and given no more than it knows.
 */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 }; /* on every machine */
enum { GIVE_VERSION = 1, RULE_PATH_BENEATH = 1 };

#define FS_READ_FILE ((uint64_t)1 << 2)
#define FS_READ_DIR  ((uint64_t)1 << 3)
#define SCOPE_SIGNAL ((uint64_t)1 << 1)

struct ruleset {
    uint64_t fs;    /* rights that are taken away where no rule gives them back */
    uint64_t net;   /* from version 4 on */
    uint64_t scope; /* from version 6 on */
};

struct path_beneath {
    uint64_t rights;
    int32_t folder;
} __attribute__((packed));

unsigned files_confinement_version(void)
{
    long version = syscall(CREATE_RULESET, NULL, 0, GIVE_VERSION);
    return version > 0 ? (unsigned)version : 0;
}

/* All of the version's rights are taken away: of files; in version 4 those of TCP, binding alone;
 * in 6 signals to others. */
static size_t fill_ruleset(unsigned version, struct ruleset *ret)
{
    static const unsigned fs_rights[] = {0, 13, 14, 15, 15, 16}; /* of versions 0 to 5 */
    unsigned rights = fs_rights[version < 5 ? version : 5];
    *ret = (struct ruleset){.fs = ((uint64_t)1 << rights) - 1};
    if (version < 4)
        return sizeof(ret->fs);
    ret->net = 1;
    if (version < 6)
        return sizeof(ret->fs) + sizeof(ret->net);
    ret->scope = SCOPE_SIGNAL;
    return sizeof(*ret);
}

static enum status allow_reading(int ruleset, const char *path, struct error *err)
{
    struct path_beneath rule = {.rights = FS_READ_FILE};
    struct stat about;
    enum status status = STATUS_OK;
    rule.folder = open(path, O_PATH | O_CLOEXEC);
    if (rule.folder < 0)
        return STATUS_OK;
    if (fstat(rule.folder, &about) == 0 && S_ISDIR(about.st_mode))
        rule.rights |= FS_READ_DIR;
    if (syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0)
        status = error_set_errno(err, errno, "letting %s be read", path);
    close(rule.folder);
    return status;
}

enum status files_confine(const char *const *readable, size_t count, struct error *err)
{
    struct ruleset rights;
    unsigned version = files_confinement_version();
    if (version == 0)
        return error_set(err, STATUS_UNSUPPORTED, "the kernel has no Landlock, or not at present");
    size_t size = fill_ruleset(version, &rights);
    int ruleset = (int)syscall(CREATE_RULESET, &rights, size, 0);
    if (ruleset < 0)
        return error_set_errno(err, errno, "Landlock");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = allow_reading(ruleset, readable[i], err);
    if (status == STATUS_OK && syscall(RESTRICT_SELF, ruleset, 0) != 0)
        status = error_set_errno(err, errno, "Landlock");
    close(ruleset);
    return status;
}
