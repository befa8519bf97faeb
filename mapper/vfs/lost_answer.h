/*
 * lost_answer.h - saves that were sent and never answered (WriteMode=BeforeClose).
 *
 * The program is told that its save failed, and may write on and save again. What it sends then is no
 * longer what arrived, so that the item with the bytes of before would pass for somebody else's. The
 * body remembers their hashes until a save of it is known to be on the server.
 *
 * Only the thread that set is_saving calls what takes a body, or the one that frees it.
 */
#ifndef MAPPER_VFS_LOST_ANSWER_H
#define MAPPER_VFS_LOST_ANSWER_H

#include <stdbool.h>

struct body;
struct call;
struct place;

/* What is in the spool file was sent; `code` of the try says whether its answer may be lost
 * (graph_answer_may_be_lost). Then the node is asked for again, too. Reads the file for two seconds at
 * most: of a larger one no hash is kept. Without locks. */
void lost_answer_note(struct body *body, int code);

/* A save over `place` was refused for what is there: true when that is what such a try brought. Then
 * the body is of that item, in that version. `name` is that of a new file in `place`; NULL: `place`
 * is the file. */
bool lost_answer_take(struct body *body, const struct place *place, const char *name,
                      const struct call *call);

void lost_answers_clear(struct body *body);

#endif
