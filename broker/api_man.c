#include "broker/api_man.h"

#include "broker/api.h"

static void put_versions(FILE *out, int min, int max)
{
    fprintf(out, min == max ? "%d" : "%d to %d", min, max);
}

static void put_row(FILE *out, const struct api *api)
{
    fprintf(out, "%s\t%d\t", api->kp->name, api->key);
    put_versions(out, api->min, api->max);
    fputc('\n', out);
}

/* api.def says why a version may be offered that is not served. */
static void put_refused(FILE *out, const struct api *api)
{
    if (api->advertised_min == api->min)
        return;
    fprintf(out, "Of %s, ", api->kp->name);
    put_versions(out, api->advertised_min, api->min - 1);
    fputs(" are advertised all the same, and refused: some clients expect to see them.\n", out);
}

void api_man(FILE *out)
{
    size_t n;
    const struct api *all = api_all(&n);
    fputs(".SH PROTOCOL\n"
          "These requests of Kafka's protocol are served. Any other, and any other version, closes "
          "its connection;\nonly ApiVersions answers every version.\n"
          ".PP\n.TS\nl r l.\nAPI\tkey\tversions\n",
          out);
    for (size_t i = 0; i < n; i++)
        put_row(out, &all[i]);
    fputs(".TE\n.PP\n", out);
    for (size_t i = 0; i < n; i++)
        put_refused(out, &all[i]);
}
