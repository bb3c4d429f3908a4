/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sanitizer - whether AddressSanitizer watches this build; GCC and clang tell it differently.
 */
#ifndef BASE_SANITIZER_H
#define BASE_SANITIZER_H

#ifdef __SANITIZE_ADDRESS__
#define IS_ADDRESS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_ADDRESS_SANITIZED 1
#endif
#endif
#ifndef IS_ADDRESS_SANITIZED
#define IS_ADDRESS_SANITIZED 0
#endif

#endif
