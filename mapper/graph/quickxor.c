#include "mapper/quickxor.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "mapper/graph.h"

#define BITS 160
#define SHIFT 11

void quickxor_init(struct quickxor *hash)
{
    memset(hash, 0, sizeof(*hash));
}

/* Byte i is XORed in at bit (11 * i) mod 160, wrapping around. */
void quickxor_add(struct quickxor *hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    unsigned position = (unsigned)(hash->length % BITS * SHIFT % BITS);

    for (size_t i = 0; i < size; i++) {
        unsigned cell = position / 8;
        unsigned shift = position % 8;

        hash->cells[cell] ^= (unsigned char)(bytes[i] << shift);
        if (shift) {
            hash->cells[(cell + 1) % sizeof(hash->cells)] ^=
                (unsigned char)(bytes[i] >> (8 - shift));
        }
        position = (position + SHIFT) % BITS;
    }
    hash->length += size;
}

void quickxor_text(const struct quickxor *hash, char out[29])
{
    unsigned char bytes[20];

    memcpy(bytes, hash->cells, sizeof(bytes));
    for (unsigned i = 0; i < 8; i++) {
        bytes[12 + i] ^= (unsigned char)(hash->length >> (8 * i));
    }
    EVP_EncodeBlock((unsigned char *)out, bytes, sizeof(bytes));
}

int quickxor_of_source(char out[29], const struct graph_source *source, struct error *err)
{
    size_t block = 256u << 10;
    unsigned char *data = malloc(block);
    struct quickxor hash;
    int code = data ? 0 : error_set(err, ERR_NO_MEMORY, "no memory to compare an upload");

    quickxor_init(&hash);
    while (code == 0 && hash.length < source->size_bytes) {
        uint64_t left = source->size_bytes - hash.length;
        size_t got = 0;

        code = source->read(source->payload, data, left < block ? (size_t)left : block, hash.length,
                            &got, err);
        if (code == 0 && got == 0) {
            code = error_set(err, ERR_IO, "the content to send is shorter than announced");
        }
        quickxor_add(&hash, data, got);
    }
    quickxor_text(&hash, out);
    free(data);
    return code;
}
