/*
 * hash128.h
 *	  A hash of bytes that stays the same: on all machines, in all versions.
 *
 * Ids and fingerprints are stored, so the server's own hash functions, which
 * may change from one major version to the next, are no basis for them.
 */
#ifndef CHATMIG_HASH128_H
#define CHATMIG_HASH128_H

#include "port/pg_bswap.h"

/* A hash, and the seed of one: hashes chain by seeding the next one. */
typedef struct Hash128
{
	uint64 a;
	uint64 b;
} Hash128;

static inline uint64
hash128_load(const unsigned char *bytes)
{
	uint64 word;

	memcpy(&word, bytes, sizeof(word));
#ifdef WORDS_BIGENDIAN
	word = pg_bswap64(word);
#endif
	return word;
}

static inline uint64
hash128_rotate(uint64 word, int bits)
{
	return (word << bits) | (word >> (64 - bits));
}

static inline uint64
hash128_finish(uint64 word)
{
	word ^= word >> 33;
	word *= UINT64CONST(0xff51afd7ed558ccd);
	word ^= word >> 33;
	word *= UINT64CONST(0xc4ceb9fe1a85ec53);
	return word ^ (word >> 33);
}

/*
 * MurmurHash3_x64_128 by Austin Appleby, who placed it in the public domain
 * (smhasher, MurmurHash3.cpp); it seeds both halves with one 32-bit number.
 * No defence against people who want a collision.
 */
static inline Hash128
hash128_bytes(const void *data, Size len, Hash128 seed)
{
	const uint64 c1 = UINT64CONST(0x87c37b91114253d5);
	const uint64 c2 = UINT64CONST(0x4cf5ad432745937f);
	const unsigned char *at = data;
	unsigned char tail[16] = {0};
	uint64 a = seed.a;
	uint64 b = seed.b;

	for (Size left = len; left >= 16; left -= 16, at += 16)
	{
		a ^= hash128_rotate(hash128_load(at) * c1, 31) * c2;
		a = (hash128_rotate(a, 27) + b) * 5 + 0x52dce729;
		b ^= hash128_rotate(hash128_load(at + 8) * c2, 33) * c1;
		b = (hash128_rotate(b, 31) + a) * 5 + 0x38495ab5;
	}

	/* Zeros add nothing; the length tells them from zeros in the data. */
	memcpy(tail, at, len % 16);
	b ^= hash128_rotate(hash128_load(tail + 8) * c2, 33) * c1;
	a ^= hash128_rotate(hash128_load(tail) * c1, 31) * c2;

	a ^= len;
	b ^= len;
	a += b;
	b += a;
	a = hash128_finish(a);
	b = hash128_finish(b);
	a += b;
	b += a;
	return (Hash128){a, b};
}

/* Of two numbers, in this order. */
static inline uint64
hash128_pair(uint64 first, uint64 second)
{
	const uint64 pair[] = {first, second};

	return hash128_bytes(pair, sizeof(pair), (Hash128){0, 0}).a;
}

#endif /* CHATMIG_HASH128_H */
