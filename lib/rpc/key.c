#include "rpc/key.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"

static enum status path_of(const char *key_file, const char *data_folder, char ret[PATH_MAX],
                           struct error *err)
{
    int size;
    if (key_file != NULL)
        size = snprintf(ret, PATH_MAX, "%s", key_file);
    else if (data_folder != NULL)
        size = snprintf(ret, PATH_MAX, "%s/%s", data_folder, CLUSTER_KEY_FILE);
    else
        return error_set(err, STATUS_INVALID,
                         "the cluster's key is needed: give --key-file FILE, or --data with the "
                         "orchestrator's data folder");
    if (size < 0 || size >= PATH_MAX)
        return error_set(err, STATUS_INVALID, "the path of the key file is too long");
    return STATUS_OK;
}

static enum status read_key(const char *path, struct cluster_key *ret_key, struct error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return error_set(err, STATUS_NOT_FOUND,
                         "%s: there is no cluster key; copy cluster.key from the orchestrator's "
                         "data folder and name it with --key-file",
                         path);
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, STATUS_DENIED,
                         "%s: others may read the cluster's key; run: chmod 600 %s", path, path);
    struct buffer text = {0};
    struct cluster_key key;
    enum status status = file_read(path, 256, &text, err);
    if (status == STATUS_OK) {
        while (text.size > 0 && text.data[text.size - 1] <= ' ')
            text.size--;
        if (!hex_decode(buffer_string(&text), key.bytes, sizeof(key.bytes)))
            status = error_set(err, STATUS_CORRUPT, "%s: not 64 hexadecimal digits", path);
    }
    if (status == STATUS_OK)
        *ret_key = key;
    explicit_bzero(&key, sizeof(key));
    if (text.data != NULL)
        explicit_bzero(text.data, text.capacity);
    buffer_release(&text);
    return status;
}

enum status cluster_key_load(const char *key_file, const char *data_folder,
                             struct cluster_key *ret_key, struct error *err)
{
    char path[PATH_MAX];
    enum status status = path_of(key_file, data_folder, path, err);
    return status == STATUS_OK ? read_key(path, ret_key, err) : status;
}

enum status cluster_key_make(const char *data_folder, struct cluster_key *ret_key,
                             struct error *err)
{
    char path[PATH_MAX];
    enum status status = path_of(NULL, data_folder, path, err);
    if (status != STATUS_OK)
        return status;
    if (access(path, F_OK) == 0)
        return read_key(path, ret_key, err);
    struct cluster_key key;
    char text[2 * CLUSTER_KEY_BYTES + 2];
    random_bytes(key.bytes, sizeof(key.bytes));
    hex_encode(key.bytes, sizeof(key.bytes), text);
    strcat(text, "\n");
    status = file_replace(path, text, strlen(text), 0600, err);
    if (status == STATUS_OK)
        *ret_key = key;
    explicit_bzero(&key, sizeof(key));
    explicit_bzero(text, sizeof(text));
    return status;
}
