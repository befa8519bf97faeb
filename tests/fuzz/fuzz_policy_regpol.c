/*
 * Any bytes as a Registry.pol or a .reg file (what they begin with decides, as in load.c): reading,
 * converting KONNEKT's values, judging, writing and reading again must end, in bounds.
 */
#include <stdint.h>
#include <string.h>

#include "konnekt.h"
#include "policy_source.h"
#include "registry_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_image(const struct registry_image *image, enum registry_hive hive)
{
    struct policy_sources sources = {.variable = fuzz_variable};
    struct warnings warnings = {0};
    struct source source = {0};

    must(source_init(&source, POLICY_LAYER_MACHINE_POLICY, "Registry.pol", NULL) == 0);
    warnings_begin_file(&warnings);
    must(registry_fill(&source, image, hive, REGISTRY_POLICY_KEY, &sources, &warnings, NULL) == 0);
    check_source(&source, &warnings);
}

/* Every value that was there is spoken of. */
static void check_import(const struct registry_image *image)
{
    struct policy_import import = {0};

    if (konnekt_convert(&import, image, NULL) == 0) {
        must(import.found == image->count);
        must(import.note_count + policy_set_count(&import.set) > 0 || image->count == 0);
        for (size_t i = 0; i < import.note_count; i++) {
            must(import.notes[i].message && *import.notes[i].message);
        }
    }
    policy_import_clear(&import);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_regpol = regpol_is(data, size);
    struct registry_image image;
    struct error err = {0};
    int line = 0;
    int code;

    registry_image_init(&image, NULL);
    code = is_regpol ? regpol_read(&image, data, size, &err)
                     : regfile_read(&image, &line, data, size, &err);
    must(code == 0 || (code == ERR_INVALID && err.message[0] != '\0'));
    for (size_t i = 0; i < image.count; i++) {
        must(!image.values[i].is_dead &&
             str_is_utf8(image.values[i].key, strlen(image.values[i].key)));
    }
    if (code == 0) {
        check_image(&image, is_regpol ? REGISTRY_ANY : REGISTRY_MACHINE);
        check_import(&image);
    }
    registry_image_clear(&image);
    return 0;
}
