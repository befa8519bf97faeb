/* A ZIP without compression with the three parts Word insists on. */
#include "docx.h"

#include <stdlib.h>
#include <string.h>

struct part {
    const char *name;
    const char *data;
    size_t len;
    uint32_t crc;
    size_t offset;
};

static const char content_types[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"
    "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
    "<Default Extension=\"rels\" "
    "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
    "<Override PartName=\"/word/document.xml\" ContentType=\"application/"
    "vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";

static const char relations[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"
    "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
    "<Relationship Id=\"rId1\" "
    "Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    "officeDocument\" Target=\"word/document.xml\"/></Relationships>";

static uint32_t crc32_of(const char *data, size_t n)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
        }
    }
    return ~crc;
}

static void put_le(struct strbuf *out, uint64_t value, size_t bytes)
{
    unsigned char b[8];
    for (size_t i = 0; i < bytes; i++) {
        b[i] = (unsigned char)(value >> (8 * i));
    }
    sb_add(out, b, bytes);
}

/* What the local header and the directory entry have in common. */
static void put_common(struct strbuf *out, const struct part *p)
{
    put_le(out, 10, 2);      /* version needed */
    put_le(out, 1 << 11, 2); /* names are UTF-8 */
    put_le(out, 0, 2);       /* stored */
    put_le(out, 0, 2);       /* time */
    put_le(out, 0x5c21, 2);  /* date: 2026-01-01 */
    put_le(out, p->crc, 4);
    put_le(out, p->len, 4);
    put_le(out, p->len, 4);
    put_le(out, strlen(p->name), 2);
    put_le(out, 0, 2); /* extra */
}

static void put_zip(struct strbuf *out, struct part *parts, size_t n)
{
    size_t start = out->len;
    for (size_t i = 0; i < n; i++) {
        parts[i].offset = out->len - start;
        parts[i].crc = crc32_of(parts[i].data, parts[i].len);
        put_le(out, 0x04034b50, 4);
        put_common(out, &parts[i]);
        sb_puts(out, parts[i].name);
        sb_add(out, parts[i].data, parts[i].len);
    }
    size_t directory = out->len - start;
    for (size_t i = 0; i < n; i++) {
        put_le(out, 0x02014b50, 4);
        put_le(out, 20, 2); /* made by */
        put_common(out, &parts[i]);
        put_le(out, 0, 2); /* comment */
        put_le(out, 0, 2); /* disk */
        put_le(out, 0, 2); /* internal attributes */
        put_le(out, 0, 4); /* external attributes */
        put_le(out, parts[i].offset, 4);
        sb_puts(out, parts[i].name);
    }
    size_t size = out->len - start - directory;
    put_le(out, 0x06054b50, 4);
    put_le(out, 0, 4);
    put_le(out, n, 2);
    put_le(out, n, 2);
    put_le(out, size, 4);
    put_le(out, directory, 4);
    put_le(out, 0, 2);
}

static void put_paragraph(struct strbuf *out, const char *line, size_t n)
{
    sb_puts(out, "<w:p><w:r><w:t xml:space=\"preserve\">");
    for (size_t i = 0; i < n; i++) {
        switch (line[i]) {
        case '&':
            sb_puts(out, "&amp;");
            break;
        case '<':
            sb_puts(out, "&lt;");
            break;
        default:
            sb_add(out, line + i, (unsigned char)line[i] >= 0x20);
        }
    }
    sb_puts(out, "</w:t></w:r></w:p>");
}

void docx_make(struct strbuf *out, const char *text)
{
    struct strbuf body = {0};
    sb_puts(&body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"
            "<w:document "
            "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>");
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        put_paragraph(&body, text, n);
        text += n;
        text += *text == '\n';
    }
    sb_puts(&body, "</w:body></w:document>");
    struct part parts[] = {
        {.name = "[Content_Types].xml", .data = content_types, .len = sizeof(content_types) - 1},
        {.name = "_rels/.rels", .data = relations, .len = sizeof(relations) - 1},
        {.name = "word/document.xml", .data = body.data, .len = body.len},
    };
    put_zip(out, parts, COUNT_OF(parts));
    sb_clear(&body);
}
