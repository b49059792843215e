// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: hog MIB SECONDS
 *
 * Fill anonymous memory with a pattern, then verify and write pages of it at random for some
 * seconds, so that the kernel swaps. At the end, verify all.
 */

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE	4096
#define WORDS	(PAGE / sizeof(uint64_t))

static uint64_t *memory;
static uint32_t *version;
static size_t nr_pages;

/* Each word differs, so that no page is like another. */
static uint64_t pattern(size_t page, size_t word)
{
	uint64_t n = (uint64_t)page << 42 ^ (uint64_t)version[page] << 10 ^ word;

	return n * 0x9e3779b97f4a7c15ULL;
}

static void fill(size_t page)
{
	size_t i;

	version[page]++;
	for (i = 0; i < WORDS; i++)
		memory[page * WORDS + i] = pattern(page, i);
}

static void verify(size_t page)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		if (memory[page * WORDS + i] != pattern(page, i))
			errx(1, "page %zu, word %zu: got %jx, expected %jx", page, i,
			     (uintmax_t)memory[page * WORDS + i], (uintmax_t)pattern(page, i));
}

int main(int argc, char **argv)
{
	unsigned long rounds = 0;
	time_t end;
	size_t i;

	if (argc != 3)
		errx(1, "usage: hog MIB SECONDS");
	nr_pages = strtoul(argv[1], NULL, 10) * (1 << 20) / PAGE;

	memory = mmap(NULL, nr_pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	version = calloc(nr_pages, sizeof(*version));
	if (memory == MAP_FAILED || !version)
		err(1, "cannot allocate %s MiB", argv[1]);

	for (i = 0; i < nr_pages; i++)
		fill(i);
	end = time(NULL) + strtol(argv[2], NULL, 10);
	while (time(NULL) < end) {
		for (i = 0; i < 1000; i++) {
			size_t page = random() % nr_pages;

			verify(page);
			fill(page);
		}
		rounds++;
	}
	for (i = 0; i < nr_pages; i++)
		verify(i);
	printf("%lu thousand pages verified\n", rounds);
	return 0;
}
