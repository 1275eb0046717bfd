#include "page/archive.h"

#include <stdlib.h>
#include <time.h>
#include <zip.h>

enum { STEP_BYTES = 64 * 1024 };

struct archive {
    zip_t *zip;
    size_t left; /* bytes that may still be read */
};

static enum status open_zip(const uint8_t *bytes, size_t size, zip_t **ret_zip, struct error *err)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    zip_t *zip = source == NULL ? NULL : zip_open_from_source(source, ZIP_RDONLY, &error);
    enum status status = STATUS_OK;
    if (zip == NULL) {
        bool no_memory = zip_error_code_zip(&error) == ZIP_ER_MEMORY;
        status = error_set(err, no_memory ? STATUS_NO_MEMORY : STATUS_CORRUPT,
                           "a ZIP archive that cannot be read: %s", zip_error_strerror(&error));
        if (source != NULL)
            zip_source_free(source);
    }
    zip_error_fini(&error);
    *ret_zip = zip;
    return status;
}

enum status archive_open(const uint8_t *bytes, size_t size, struct archive **ret_archive,
                         struct error *err)
{
    zip_t *zip;
    enum status status = open_zip(bytes, size, &zip, err);
    if (status != STATUS_OK)
        return status;
    struct archive *archive = malloc(sizeof(*archive));
    if (archive == NULL)
        status = error_set(err, STATUS_NO_MEMORY, "archive");
    else if (zip_get_num_entries(zip, 0) > ARCHIVE_FILES_MAX)
        status = error_set(err, STATUS_TOO_LARGE, "a ZIP archive of more than %d files",
                           ARCHIVE_FILES_MAX);
    if (status != STATUS_OK) {
        zip_discard(zip);
        free(archive);
        return status;
    }
    *archive = (struct archive){.zip = zip, .left = ARCHIVE_BYTES_MAX};
    *ret_archive = archive;
    return STATUS_OK;
}

void archive_close(struct archive *archive)
{
    if (archive == NULL)
        return;
    zip_discard(archive->zip);
    free(archive);
}

void archive_load(void)
{
    setenv("TZ", "UTC0", 1); /* else a file says, which is looked at again and again */
    tzset();
}

bool archive_has(struct archive *archive, const char *name)
{
    return zip_name_locate(archive->zip, name, 0) >= 0;
}

/* Why a file cannot be opened. */
static enum status refusal(struct archive *archive, const char *name, struct error *err)
{
    switch (zip_error_code_zip(zip_get_error(archive->zip))) {
    case ZIP_ER_NOENT:
        return STATUS_NOT_FOUND;
    case ZIP_ER_NOPASSWD:
    case ZIP_ER_WRONGPASSWD:
    case ZIP_ER_ENCRNOTSUPP:
        return error_set(err, STATUS_UNSUPPORTED, "a document that needs a password");
    case ZIP_ER_COMPNOTSUPP:
        return error_set(err, STATUS_UNSUPPORTED, "%s is packed in a way that is not known", name);
    case ZIP_ER_MEMORY:
        return error_set(err, STATUS_NO_MEMORY, "archive");
    default:
        return error_set(err, STATUS_CORRUPT, "%s cannot be read in its archive: %s", name,
                         zip_strerror(archive->zip));
    }
}

/* As far as the limits and the file go; what can be read of a damaged one counts. */
static bool read_file(struct archive *archive, zip_file_t *file, struct buffer *bytes)
{
    size_t room = archive->left < ARCHIVE_FILE_BYTES_MAX ? archive->left : ARCHIVE_FILE_BYTES_MAX;
    for (;;) {
        size_t wanted = room < STEP_BYTES ? room : STEP_BYTES;
        uint8_t *to = buffer_reserve(bytes, wanted);
        zip_int64_t got = to == NULL || wanted == 0 ? -1 : zip_fread(file, to, wanted);
        if (got <= 0)
            return got < 0;
        bytes->size += (size_t)got;
        archive->left -= (size_t)got;
        room -= (size_t)got;
    }
}

enum status archive_read(struct archive *archive, const char *name, struct buffer *ret_bytes,
                         bool *ret_cut, struct error *err)
{
    buffer_clear(ret_bytes);
    zip_file_t *file = zip_fopen(archive->zip, name, 0);
    if (file == NULL)
        return refusal(archive, name, err);
    *ret_cut = read_file(archive, file, ret_bytes);
    zip_fclose(file);
    return ret_bytes->failed ? error_set(err, STATUS_NO_MEMORY, "archive") : STATUS_OK;
}
