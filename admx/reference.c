#include <string.h>

#include "admx/admx.h"
#include "base/str.h"
#include "text.h"

/* A Markdown writer that remembers its first failure, as xml.h does. */
struct page {
    struct buf *out;
    struct error *err;
    int code;
    enum admx_language language;
    const struct words *words;
};

static void put(struct page *page, const char *text)
{
    if (page->code == 0) {
        page->code = buf_add_text(page->out, text, page->err);
    }
}

/* Text of ours outside of code: * _ < and | mean something to Markdown. */
static void put_plain(struct page *page, const char *text)
{
    for (; page->code == 0 && *text; text++) {
        if (strchr("*_<>|`[]", *text)) {
            put(page, "\\");
        }
        if (page->code == 0) {
            page->code = buf_add(page->out, text, 1, page->err);
        }
    }
}

static void put_code(struct page *page, const char *text)
{
    put(page, "`");
    put(page, text);
    put(page, "`");
}

static void put_head(struct page *page, const char *name)
{
    put(page, "- **");
    put(page, name);
    put(page, ":** ");
}

static void put_type(struct page *page, const struct setting *row)
{
    const struct words *words = page->words;

    put_head(page, words->head_type);
    put(page, words->types[row->type]);
    put(page, "; ");
    put(page, words->head_class);
    put(page, " ");
    put(page, row->flags & SETTING_USER ? words->class_both : words->class_machine);
    put(page, "; ");
    put(page, words->head_since);
    put(page, " ");
    put(page, row->since);
    put(page, "\n");
}

static void put_values(struct page *page, const char *text)
{
    while (page->code == 0 && *text) {
        char *entry = NULL;
        size_t length = strcspn(text, "\n");

        page->code = str_copy_n(&entry, text, length, page->err);
        if (page->code == 0) {
            put_code(page, entry);
        }
        str_free(&entry);
        text += length + (text[length] ? 1 : 0);
        put(page, *text ? ", " : "");
    }
}

static void put_default(struct page *page, const struct setting *row)
{
    const char *unit = text_unit(row, page->language);

    put_head(page, page->words->head_default);
    if (!*row->default_text) {
        put(page, page->words->none);
    }
    put_values(page, row->default_text);
    put(page, *unit ? " " : "");
    put(page, unit);
    if (row->default_windows) {
        put(page, " (Linux), ");
        put_values(page, row->default_windows);
        put(page, " (Windows)");
    }
    put(page, "\n");
}

static void put_range(struct page *page, const struct setting *row)
{
    const char *unit = text_unit(row, page->language);

    if (row->type != SETTING_INT) {
        return;
    }
    put_head(page, page->words->head_range);
    if (page->code == 0) {
        page->code = buf_add_format(page->out, page->err, "%lld - %lld%s%s\n", (long long)row->min,
                                    (long long)row->max, *unit ? " " : "", unit);
    }
}

static void put_choices(struct page *page, const struct setting *row)
{
    if (row->type != SETTING_ENUM) {
        return;
    }
    put(page, "- **");
    put(page, page->words->choices);
    put(page, "**\n");
    for (size_t i = 0; row->choices[i]; i++) {
        if (page->code == 0) {
            page->code = buf_add_format(page->out, page->err, "  - %zu `%s`: ", i, row->choices[i]);
        }
        put_plain(page, text_label(row, i, page->language));
        put(page, "\n");
    }
}

/* "Disabled" and KONNEKT: sentences that the explain text has too. */
static void put_sentence(struct page *page, const struct setting *row,
                         int (*add)(struct buf *out, const struct setting *row,
                                    enum admx_language language, struct error *err))
{
    struct buf text;

    buf_init(&text, 32 << 10);
    if (page->code == 0) {
        page->code = add(&text, row, page->language, page->err);
    }
    put(page, "- ");
    put_plain(page, buf_text(&text));
    put(page, "\n");
    buf_clear(&text);
}

/* The key and the example, as they stand in a YAML file. */
static void put_yaml(struct page *page, const struct setting *row)
{
    struct buf text;
    const char *at = row->example;

    if (!at) {
        return;
    }
    buf_init(&text, 8 << 10);
    if (page->code == 0) {
        page->code = buf_add_format(&text, page->err, "%s:", row->name);
    }
    while (page->code == 0 && *at) {
        size_t length = strcspn(at, "\n");
        bool is_list = row->type == SETTING_LIST;
        /* Quoted where a plain scalar of YAML would mean something else. */
        const char *quote = row->type == SETTING_LIST || row->type == SETTING_TEXT ? "'" : "";

        page->code = buf_add_format(&text, page->err, "%s%s%.*s%s", is_list ? "\n  - " : " ", quote,
                                    (int)length, at, quote);
        at += length + (at[length] ? 1 : 0);
    }
    put(page, "\n```yaml\n");
    put(page, buf_text(&text));
    put(page, "\n```\n");
    buf_clear(&text);
}

static void put_setting(struct page *page, const struct setting *row)
{
    put(page, "### ");
    put(page, row->name);
    put(page, "\n\n**");
    put_plain(page, text_title(row, page->language));
    put(page, ".** ");
    put_plain(page, text_help(row, page->language));
    put(page, "\n\n");
    put_type(page, row);
    put_default(page, row);
    put_range(page, row);
    put_choices(page, row);
    if (row->flags & SETTING_LINUX) {
        put(page, "- ");
        put(page, page->words->linux_only);
        put(page, "\n");
    } else {
        put_sentence(page, row, text_add_disabled);
        put_sentence(page, row, text_add_registry);
    }
    if (row->flags & SETTING_WINDOWS) {
        put(page, "- ");
        put(page, page->words->windows_only);
        put(page, "\n");
    }
    if (row->konnekt) {
        put_sentence(page, row, text_add_konnekt);
    }
    put_yaml(page, row);
    put(page, "\n");
}

static bool is_shown(const struct setting *row)
{
    return !row->renamed_to && !(row->flags & SETTING_PLANNED);
}

static void put_category(struct page *page, const struct setting_category *category)
{
    bool is_german = page->language == ADMX_GERMAN;

    put(page, "## ");
    put(page, is_german ? category->title_de : category->title);
    put(page, "\n\n");
    put_plain(page, is_german ? category->help_de : category->help);
    put(page, "\n\n");
    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);

        if (is_shown(row) && strcmp(row->category, category->name) == 0) {
            put_setting(page, row);
        }
    }
}

static void put_planned(struct page *page)
{
    bool is_first = true;

    for (size_t i = 0; i < schema_count(); i++) {
        const struct setting *row = schema_at(i);

        if (row->renamed_to || !(row->flags & SETTING_PLANNED)) {
            continue;
        }
        if (is_first) {
            put(page, "## ");
            put(page, page->words->planned_title);
            put(page, "\n\n");
            put_plain(page, page->words->planned_intro);
            put(page, "\n\n");
            is_first = false;
        }
        put(page, "- ");
        put_code(page, row->name);
        put(page, ": ");
        put_plain(page, text_title(row, page->language));
        put(page, "\n");
    }
}

int admx_write_reference(struct buf *out, enum admx_language language, struct error *err)
{
    struct page page = {.out = out, .err = err, .language = language, .words = words_of(language)};

    put(&page, "# ");
    put(&page, page.words->reference_title);
    put(&page, "\n\n");
    put(&page, page.words->reference_intro);
    put(&page, "\n\n");
    for (size_t i = 0; schema_category_at(i); i++) {
        put_category(&page, schema_category_at(i));
    }
    put_planned(&page);
    while (page.code == 0 && out->size > 1 && out->data[out->size - 2] == '\n') {
        out->data[--out->size] = '\0';
    }
    return page.code;
}
