/*
 * yaml_read.h - a YAML file as a source. The only file of ours that knows libyaml is yaml.c.
 *
 * Read as a stream of events, never as a tree: an alias is a word, so a bomb of aliases is a few
 * words. Text stays text: 00123 keeps its zeros. true and false are the only switches (YAML 1.2).
 */
#ifndef POLICY_YAML_READ_H
#define POLICY_YAML_READ_H

#include <stddef.h>

#include "base/error.h"
#include "source.h"

enum { YAML_FILE_LIMIT = 1 << 20, YAML_DEPTH_LIMIT = 16 };

/* Fills `source`. Fails only without memory. *is_readable false: the text is not YAML of the right
 * form, a POLICY_ERROR says where, and the source has no values. */
int yaml_read(struct source *source, bool *is_readable, const char *text, size_t size,
              struct warnings *warnings, struct error *err);

#endif
