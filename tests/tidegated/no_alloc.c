/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Defined in the program itself, these come before the C library's own, for every
 * library it has loaded. glibc offers the real ones under a second name for that.
 */
#include "no_alloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static __thread bool is_trapped;
static __thread uint64_t caught;
static __thread const void *by;

void
no_alloc_begin(void)
{
	is_trapped = true;
}

void
no_alloc_end(void)
{
	is_trapped = false;
}

uint64_t
no_alloc_count(void)
{
	return caught;
}

const void *
no_alloc_by(void)
{
	return by;
}

static void
note(const void *caller)
{
	if (!is_trapped)
		return;
	caught++;
	by = caller;
}

void *
malloc(size_t size)
{
	note(__builtin_return_address(0));
	return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	note(__builtin_return_address(0));
	return __libc_calloc(n, size);
}

void *
realloc(void *block, size_t size)
{
	note(__builtin_return_address(0));
	return __libc_realloc(block, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	note(__builtin_return_address(0));
	return __libc_memalign(alignment, size);
}

void *
memalign(size_t alignment, size_t size)
{
	note(__builtin_return_address(0));
	return __libc_memalign(alignment, size);
}

int
posix_memalign(void **out, size_t alignment, size_t size)
{
	void *block;

	note(__builtin_return_address(0));
	block = __libc_memalign(alignment, size);
	if (block == NULL)
		return ENOMEM;
	*out = block;
	return 0;
}

void
free(void *block)
{
	note(__builtin_return_address(0));
	__libc_free(block);
}

void *
mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	note(__builtin_return_address(0));
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): the system call knows only integers. */
	return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

int
munmap(void *block, size_t size)
{
	note(__builtin_return_address(0));
	return (int)syscall(SYS_munmap, block, size);
}
