// Switches a processor's instructions on for a stretch of a file.
#pragma once

// Both compilers want the instructions in a string inside a pragma. Standard
// headers must be included before, so that their functions stay plain.
#define MODEL_SERVER_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define MODEL_SERVER_TARGET_BEGIN(instructions)                                \
  MODEL_SERVER_PRAGMA(clang attribute push(                                    \
      __attribute__((target(instructions))), apply_to = function))
#define MODEL_SERVER_TARGET_END MODEL_SERVER_PRAGMA(clang attribute pop)
#else
#define MODEL_SERVER_TARGET_BEGIN(instructions)                                \
  MODEL_SERVER_PRAGMA(GCC push_options)                                        \
  MODEL_SERVER_PRAGMA(GCC target(instructions))
#define MODEL_SERVER_TARGET_END MODEL_SERVER_PRAGMA(GCC pop_options)
#endif
