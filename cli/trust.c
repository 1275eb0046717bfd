#include "cli/trust.h"

void trust_installation(struct installation *installation, const char *ret_files[WEB_TRUST_MAX])
{
    for (int i = 0; i < WEB_TRUST_MAX; i++)
        ret_files[i] = NULL;
    ret_files[0] = installation_path(installation, "tls/cert.pem");
    ret_files[1] = installation_path(installation, "caddy/pki/authorities/local/root.crt");
}
