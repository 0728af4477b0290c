/*
 * exact.c
 *	  Memory contexts whose chunks AddressSanitizer knows.
 *
 * The server cuts chunks out of blocks of its own, and keeps what is freed, so
 * that AddressSanitizer sees neither where a chunk ends nor that it is gone.
 * In a context of this kind each chunk is one of malloc: reading or writing a
 * byte behind its end, after pfree(), or after its context was reset, is seen.
 *
 * Built into a chatmig.so for tests alone, which is linked with --wrap for the
 * functions at the end: what chatmig allocates is then in such contexts. Where
 * the current one is the server's, a child of it takes the chunk, and goes
 * when that is reset or deleted. All else (pfree(), repalloc(), the server's
 * own functions) goes by the chunk's header, as ever.
 *
 * For PostgreSQL 15, where a chunk's header is the context right before it.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "exact.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 160000
#error "the layout of chunks here is that of PostgreSQL 15"
#endif

typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *previous;
	Size size;
	MemoryContext context; /* must be the last */
} Chunk;

typedef struct ExactContext
{
	MemoryContextData header; /* must be the first */
	Chunk *chunks;
} ExactContext;

#define CHUNK_OF(pointer) ((Chunk *) (pointer) -1)

static void *exact_alloc(MemoryContext context, Size size);
static void exact_free(MemoryContext context, void *pointer);
static void *exact_realloc(MemoryContext context, void *pointer, Size size);
static void exact_reset(MemoryContext context);
static void exact_delete(MemoryContext context);
static Size exact_chunk_space(MemoryContext context, void *pointer);
static bool exact_is_empty(MemoryContext context);
static void exact_stats(MemoryContext context, MemoryStatsPrintFunc printfunc,
						void *passthru, MemoryContextCounters *totals,
						bool print_to_stderr);
#ifdef MEMORY_CONTEXT_CHECKING
static void exact_check(MemoryContext context);
#endif
static void link_chunk(ExactContext *set, Chunk *chunk);
static void unlink_chunk(ExactContext *set, Chunk *chunk);
static MemoryContext here(void);
static MemoryContext exact_of(MemoryContext context);

/* The name of a child that stands in for one of the server's contexts. */
static const char stand_in[] = "chatmig exact";

static const MemoryContextMethods methods = {
	exact_alloc,  exact_free,        exact_realloc,  exact_reset,
	exact_delete, exact_chunk_space, exact_is_empty, exact_stats,
#ifdef MEMORY_CONTEXT_CHECKING
	exact_check
#endif
};

MemoryContext
chatmig_exact_context(MemoryContext parent, const char *name)
{
	ExactContext *set = malloc(sizeof(ExactContext));

	if (set == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	set->chunks = NULL;
	MemoryContextCreate(&set->header, T_AllocSetContext, &methods, parent,
						name);
	return &set->header;
}

static void *
exact_alloc(MemoryContext context, Size size)
{
	Chunk *chunk = malloc(sizeof(Chunk) + size);

	if (chunk == NULL)
		return NULL;
	chunk->size = size;
	chunk->context = context;
	link_chunk((ExactContext *) context, chunk);
	return chunk + 1;
}

static void
exact_free(MemoryContext context, void *pointer)
{
	unlink_chunk((ExactContext *) context, CHUNK_OF(pointer));
	free(CHUNK_OF(pointer));
}

static void *
exact_realloc(MemoryContext context, void *pointer, Size size)
{
	Chunk *old = CHUNK_OF(pointer);
	void *new = exact_alloc(context, size);

	if (new == NULL)
		return NULL;
	memcpy(new, pointer, Min(old->size, size));
	exact_free(context, pointer);
	return new;
}

static void
exact_reset(MemoryContext context)
{
	ExactContext *set = (ExactContext *) context;

	while (set->chunks != NULL)
		exact_free(context, set->chunks + 1);
}

static void
exact_delete(MemoryContext context)
{
	exact_reset(context);
	free(context);
}

static Size
exact_chunk_space(MemoryContext context, void *pointer)
{
	return sizeof(Chunk) + CHUNK_OF(pointer)->size;
}

static bool
exact_is_empty(MemoryContext context)
{
	return ((ExactContext *) context)->chunks == NULL;
}

static void
exact_stats(MemoryContext context, MemoryStatsPrintFunc printfunc,
			void *passthru, MemoryContextCounters *totals, bool print_to_stderr)
{
	if (totals != NULL)
		totals->totalspace += context->mem_allocated;
}

#ifdef MEMORY_CONTEXT_CHECKING
static void
exact_check(MemoryContext context)
{
}
#endif

static void
link_chunk(ExactContext *set, Chunk *chunk)
{
	chunk->previous = NULL;
	chunk->next = set->chunks;
	if (chunk->next != NULL)
		chunk->next->previous = chunk;
	set->chunks = chunk;
	set->header.mem_allocated += sizeof(Chunk) + chunk->size;
}

static void
unlink_chunk(ExactContext *set, Chunk *chunk)
{
	if (chunk->previous != NULL)
		chunk->previous->next = chunk->next;
	else
		set->chunks = chunk->next;
	if (chunk->next != NULL)
		chunk->next->previous = chunk->previous;
	set->header.mem_allocated -= sizeof(Chunk) + chunk->size;
}

/* What the linker puts in the place of the server's functions. */

static MemoryContext
here(void)
{
	return exact_of(CurrentMemoryContext);
}

static MemoryContext
exact_of(MemoryContext context)
{
	MemoryContext child = context->firstchild;

	if (context->methods == &methods)
		return context;
	while (child != NULL && child->name != stand_in)
		child = child->nextchild;
	return child != NULL ? child : chatmig_exact_context(context, stand_in);
}

extern MemoryContext __wrap_AllocSetContextCreateInternal(MemoryContext parent,
														  const char *name,
														  Size min_size,
														  Size init_size,
														  Size max_size);
extern void *__wrap_palloc(Size size);
extern void *__wrap_palloc0(Size size);
extern void *__wrap_palloc_extended(Size size, int flags);
extern void *__wrap_MemoryContextAlloc(MemoryContext context, Size size);
extern void *__wrap_MemoryContextAllocZero(MemoryContext context, Size size);
extern void *__wrap_MemoryContextAllocZeroAligned(MemoryContext context,
												  Size size);
extern char *__wrap_MemoryContextStrdup(MemoryContext context,
										const char *string);
extern char *__wrap_pstrdup(const char *string);
extern char *__wrap_pnstrdup(const char *string, Size length);

MemoryContext
__wrap_AllocSetContextCreateInternal(MemoryContext parent, const char *name,
									 Size min_size, Size init_size,
									 Size max_size)
{
	return chatmig_exact_context(parent, name);
}

void *
__wrap_palloc(Size size)
{
	return MemoryContextAllocExtended(here(), size, 0);
}

void *
__wrap_palloc0(Size size)
{
	return MemoryContextAllocExtended(here(), size, MCXT_ALLOC_ZERO);
}

void *
__wrap_palloc_extended(Size size, int flags)
{
	return MemoryContextAllocExtended(here(), size, flags);
}

void *
__wrap_MemoryContextAlloc(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(exact_of(context), size, 0);
}

void *
__wrap_MemoryContextAllocZero(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(exact_of(context), size, MCXT_ALLOC_ZERO);
}

void *
__wrap_MemoryContextAllocZeroAligned(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(exact_of(context), size, MCXT_ALLOC_ZERO);
}

char *
__wrap_MemoryContextStrdup(MemoryContext context, const char *string)
{
	Size size = strlen(string) + 1;

	return memcpy(__wrap_MemoryContextAlloc(context, size), string, size);
}

char *
__wrap_pstrdup(const char *string)
{
	return __wrap_MemoryContextStrdup(CurrentMemoryContext, string);
}

char *
__wrap_pnstrdup(const char *string, Size length)
{
	char *copy;

	length = strnlen(string, length);
	copy = memcpy(__wrap_palloc(length + 1), string, length);
	copy[length] = '\0';
	return copy;
}
