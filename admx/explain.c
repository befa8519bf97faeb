#include "admx/admx.h"
#include "text.h"

/* The name and the meaning of each choice, a line each. */
static int add_choices(struct buf *out, const struct setting *row, enum admx_language language,
                       struct error *err)
{
    int code = buf_add_format(out, err, "\n\n%s", words_of(language)->choices);

    for (size_t i = 0; code == 0 && row->choices[i]; i++) {
        code =
            buf_add_format(out, err, "\n- %s: %s", row->choices[i], text_label(row, i, language));
    }
    return code;
}

static int add_range(struct buf *out, const struct setting *row, enum admx_language language,
                     struct error *err)
{
    const char *unit = text_unit(row, language);
    struct buf min;
    struct buf max;
    struct buf space;
    int code;

    buf_init(&min, 32);
    buf_init(&max, 32);
    buf_init(&space, 64);
    code = buf_add_format(&min, err, "%lld", (long long)row->min);
    if (code == 0) {
        code = buf_add_format(&max, err, "%lld", (long long)row->max);
    }
    if (code == 0) {
        code = buf_add_format(&space, err, "%s%s", *unit ? " " : "", unit);
    }
    if (code == 0) {
        const struct text_field fields[] = {{"min", buf_text(&min)},
                                            {"max", buf_text(&max)},
                                            {"unit", buf_text(&space)},
                                            {NULL, NULL}};

        code = buf_add_text(out, "\n\n", err);
        code = code < 0 ? code : text_fill(out, words_of(language)->range, fields, err);
    }
    buf_clear(&min);
    buf_clear(&max);
    buf_clear(&space);
    return code;
}

/* What may stand in the setting, and how several places add up. */
static int add_form(struct buf *out, const struct setting *row, enum admx_language language,
                    struct error *err)
{
    const struct words *words = words_of(language);
    int code = 0;

    if (row->type == SETTING_ENUM) {
        code = add_choices(out, row, language, err);
    } else if (row->type == SETTING_INT) {
        code = add_range(out, row, language, err);
    } else if (row->type == SETTING_LIST) {
        code = buf_add_format(out, err, "\n\n%s", words->entries);
    }
    if (code == 0 && row->type != SETTING_LIST && (row->flags & SETTING_USER)) {
        code = buf_add_format(out, err, "\n\n%s", words->precedence);
    }
    return code;
}

static int add_example(struct buf *out, const struct setting *row, enum admx_language language,
                       struct error *err)
{
    int code = buf_add_format(out, err, "\n\n%s\n", words_of(language)->example);

    return code < 0 ? code : text_add_example(out, row, err);
}

int admx_write_explain(struct buf *out, const struct setting *row, enum admx_language language,
                       struct error *err)
{
    int code = buf_add_format(out, err, "%s\n\n", text_help(row, language));

    if (code == 0) {
        code = text_add_not_configured(out, row, language, err);
    }
    if (code == 0) {
        code = buf_add_text(out, "\n\n", err);
    }
    if (code == 0) {
        code = text_add_disabled(out, row, language, err);
    }
    if (code == 0) {
        code = add_form(out, row, language, err);
    }
    if (code == 0 && row->example) {
        code = add_example(out, row, language, err);
    }
    if (code == 0) {
        code = buf_add_text(out, "\n\n", err);
    }
    if (code == 0) {
        code = text_add_registry(out, row, language, err);
    }
    if (code == 0 && row->konnekt) {
        code = buf_add_text(out, "\n\n", err);
        code = code < 0 ? code : text_add_konnekt(out, row, language, err);
    }
    return code;
}
