#include "orchestrator/config_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* A device or a pipe would never end, or not begin. */
static enum status check_file(int fd, const char *path, size_t *ret_size, struct error *err)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return error_set(err, STATUS_INVALID, "%.200s: %s", path, strerror(errno));
    if (!S_ISREG(file.st_mode))
        return error_set(err, STATUS_INVALID, "%.200s is no file", path);
    if ((file.st_mode & 077) != 0)
        return error_set(err, STATUS_INVALID,
                         "%.200s can be read or changed by others than its owner (mode %03o): "
                         "chmod 600 it",
                         path, (unsigned)file.st_mode & 0777);
    if (file.st_size > CONFIG_SECRET_BYTES_MAX)
        return error_set(err, STATUS_INVALID, "%.200s has more than %d bytes", path,
                         (int)CONFIG_SECRET_BYTES_MAX);
    *ret_size = (size_t)file.st_size;
    return STATUS_OK;
}

static enum status check_text(const char *text, size_t size, const char *path, bool lines,
                              struct error *err)
{
    if (size == 0)
        return error_set(err, STATUS_INVALID, "%.200s is empty", path);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\n' && lines)
            continue;
        if (c == '\n')
            return error_set(err, STATUS_INVALID, "%.200s has more than one line", path);
        if (c < ' ' || c == 0x7f)
            return error_set(err, STATUS_INVALID, "%.200s has a control character", path);
    }
    return STATUS_OK;
}

static enum status read_file(const char *path, bool lines, struct arena *arena, char **ret_text,
                             struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_set(err, STATUS_INVALID, "%.200s: %s", path, strerror(errno));
    size_t size = 0;
    char *text = NULL;
    enum status status = check_file(fd, path, &size, err);
    if (status == STATUS_OK && (text = arena_alloc(arena, size + 1)) == NULL)
        status = error_set(err, STATUS_NO_MEMORY, "no memory");
    if (status == STATUS_OK && size > 0 && fd_read_all(fd, text, size, NULL) != STATUS_OK)
        status = error_set(err, STATUS_INVALID, "%.200s cannot be read", path);
    fd_close(fd);
    if (status != STATUS_OK)
        return status;
    if (size > 0 && text[size - 1] == '\n')
        size--;
    text[size] = '\0';
    *ret_text = text;
    return check_text(text, size, path, lines, err);
}

static enum status read_secret(const char *path, const char *folder, bool lines,
                               struct arena *arena, char **ret_text, struct error *err)
{
    const char *whole = path[0] == '/' ? path : arena_format(arena, "%s/%s", folder, path);
    if (whole == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    enum status status = read_file(whole, lines, arena, ret_text, err);
    return status == STATUS_OK ? STATUS_OK : STATUS_INVALID;
}

enum status config_secret_read(const char *path, const char *folder, struct arena *arena,
                               const char **ret_text, struct error *err)
{
    char *text = NULL;
    enum status status = read_secret(path, folder, false, arena, &text, err);
    if (status == STATUS_OK)
        *ret_text = text;
    return status;
}

enum status config_secret_read_lines(const char *path, const char *folder, struct arena *arena,
                                     char **ret_text, struct error *err)
{
    return read_secret(path, folder, true, arena, ret_text, err);
}
