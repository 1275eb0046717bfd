#include "cli/installation.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/file.h"

enum {
    ADDRESS_BYTES_MAX = 512,
    TOKEN_BYTES_MAX = 256,
    CALL_TIMEOUT_MS = 5000,
    ARENA_BYTES_MAX = 256 * 1024 * 1024,
};

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

const char *installation_default_folder(void)
{
    return !is_folder("var") && is_folder("/var/lib/tierce") ? "/var/lib/tierce" : "var";
}

const char *installation_path(struct installation *installation, const char *name)
{
    return arena_format(&installation->arena, "%s/%s", installation->data_folder, name);
}

/* The first line of a small file, without blanks at its end. NOT_FOUND where it is empty. */
static enum status read_line(struct installation *installation, const char *name, size_t limit,
                             const char **ret_line, struct error *err)
{
    const char *path = installation_path(installation, name);
    if (path == NULL)
        return error_set(err, STATUS_NO_MEMORY, "reading %s", name);
    struct buffer bytes = {0};
    enum status status = file_read(path, limit, &bytes, err);
    if (status == STATUS_OK) {
        const char *text = buffer_string(&bytes);
        size_t size = strcspn(text, " \t\r\n");
        *ret_line = arena_string_of(&installation->arena, text, size);
        if (*ret_line == NULL)
            status = error_set(err, STATUS_NO_MEMORY, "reading %s", path);
        else if (size == 0)
            status = error_set(err, STATUS_NOT_FOUND, "%s is empty", path);
    }
    buffer_release(&bytes);
    return status;
}

static void find_orchestrator(struct installation *installation, const char *wish)
{
    if (wish != NULL)
        installation->orchestrator = check_alloc(arena_string(&installation->arena, wish));
    else if (read_line(installation, ORCHESTRATOR_ADDRESS_FILE, ADDRESS_BYTES_MAX,
                       &installation->orchestrator, NULL) != STATUS_OK)
        installation->orchestrator = ORCHESTRATOR_DEFAULT;
}

enum status installation_open(const struct installation_options *options,
                              struct installation *ret_installation, struct error *err)
{
    struct installation *installation = ret_installation;
    *installation = (struct installation){0};
    arena_init(&installation->arena, ARENA_BYTES_MAX);
    const char *folder =
        options->data_folder != NULL ? options->data_folder : installation_default_folder();
    installation->data_folder = check_alloc(arena_string(&installation->arena, folder));

    enum status status =
        cluster_key_load(options->key_file, installation->data_folder, &installation->key, err);
    if (status == STATUS_NOT_FOUND && options->key_file == NULL)
        status = error_set(err, STATUS_NOT_FOUND,
                           "there is no Tierce in the folder %s: name its data folder with --data, "
                           "or start one with `tierce up`",
                           installation->data_folder);
    if (status == STATUS_OK) {
        find_orchestrator(installation, options->orchestrator);
        status = rpc_client_open(installation->orchestrator, &installation->key,
                                 &installation->client, err);
    }
    if (status != STATUS_OK)
        installation_close(installation);
    return status;
}

void installation_close(struct installation *installation)
{
    rpc_client_close(installation->client);
    arena_release(&installation->arena);
    *installation = (struct installation){0};
}

bool installation_is_local(const struct installation *installation)
{
    static const char *const here[] = {"unix:", "localhost:", "127.", "[::1]:"};
    for (size_t i = 0; i < ARRAY_COUNT(here); i++)
        if (strncmp(installation->orchestrator, here[i], strlen(here[i])) == 0)
            return true;
    return false;
}

enum status installation_call(struct installation *installation, Wire__Method method,
                              const ProtobufCMessage *request,
                              const ProtobufCMessageDescriptor *reply_descriptor,
                              unsigned timeout_ms, void **ret_reply, struct error *err)
{
    enum status status = rpc_call(installation->client, (uint16_t)method, request, reply_descriptor,
                                  &installation->arena, timeout_ms, ret_reply, err);
    if (status == STATUS_UNAVAILABLE)
        return error_set(err, status,
                         "Tierce is not running: nothing answers at %s (data folder %s). Start it "
                         "with `tierce up`",
                         installation->orchestrator, installation->data_folder);
    if (status != STATUS_OK)
        error_add_context(err, "the orchestrator at %s", installation->orchestrator);
    return status;
}

enum status installation_stats(struct installation *installation, unsigned timeout_ms,
                               Wire__Stats **ret_stats, struct error *err)
{
    Wire__Empty request = WIRE__EMPTY__INIT;
    return installation_call(installation, WIRE__METHOD__ORCHESTRATOR_STATS, &request.base,
                             &wire__stats__descriptor, timeout_ms, (void **)ret_stats, err);
}

/* NULL where none is registered. */
static const char *indexserver_address(const Wire__Stats *stats)
{
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__MemberStatus *member = stats->members[i];
        if (member->role == WIRE__ROLE__ROLE_INDEXSERVER && member->address[0] != '\0')
            return member->address;
    }
    return NULL;
}

enum status installation_open_indexserver(struct installation *installation,
                                          struct rpc_client **ret_client, struct error *err)
{
    Wire__Stats *stats;
    enum status status = installation_stats(installation, CALL_TIMEOUT_MS, &stats, err);
    if (status != STATUS_OK)
        return status;
    const char *address = indexserver_address(stats);
    if (address == NULL)
        return error_set(err, STATUS_UNAVAILABLE,
                         "the indexserver is not there at this moment: see `tierce status`");
    return rpc_client_open(address, &installation->key, ret_client, err);
}

enum status installation_call_indexserver(struct installation *installation, Wire__Method method,
                                          const ProtobufCMessage *request,
                                          const ProtobufCMessageDescriptor *reply_descriptor,
                                          unsigned timeout_ms, void **ret_reply, struct error *err)
{
    struct rpc_client *client;
    enum status status = installation_open_indexserver(installation, &client, err);
    if (status != STATUS_OK)
        return status;
    status = rpc_call(client, (uint16_t)method, request, reply_descriptor, &installation->arena,
                      timeout_ms, ret_reply, err);
    if (status == STATUS_UNAVAILABLE || status == STATUS_TIMEOUT)
        error_add_context(err, "the indexserver at %s does not answer", rpc_client_address(client));
    rpc_client_close(client);
    return status;
}

enum status installation_login_code(struct installation *installation, const char **ret_code,
                                    struct error *err)
{
    Wire__Empty request = WIRE__EMPTY__INIT;
    Wire__Login *reply;
    enum status status =
        installation_call(installation, WIRE__METHOD__LOGIN_NEW, &request.base,
                          &wire__login__descriptor, CALL_TIMEOUT_MS, (void **)&reply, err);
    if (status == STATUS_OK)
        *ret_code = reply->code;
    return status;
}

enum status installation_token(struct installation *installation, const char **ret_token,
                               struct error *err)
{
    enum status status = read_line(installation, "admin.token", TOKEN_BYTES_MAX, ret_token, err);
    if (status != STATUS_OK)
        error_add_context(err, "the admin token");
    return status;
}
