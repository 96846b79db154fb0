/// Part of the memory check: what the compiler calls, under -fsanitize=bounds, when an index lies beyond a
/// declared array. `tile[3][40]` of `float tile[32][33]` stays inside the tile, so that the shadow cannot see
/// it. The layouts are those of libubsan that g++ 12 and clang 14 emit; it is not linked.
#include <cstdint>
#include <string>

#include "cudasim/failure.h"
#include "cudasim/memory.h"
#include "cudasim/qualifiers.h"
#include "source_line.h"

namespace {

struct SourceLocation {
  const char* file;
  uint32_t line;
  uint32_t column;
};

struct TypeDescriptor {
  uint16_t kind;  // 0: integer
  uint16_t info;  // of an integer: bit 0 signed, the others log2 of its bits
  char name[1];   // "'float [33]'", to the terminating 0
};

struct OutOfBounds {
  SourceLocation at;
  const TypeDescriptor* array;
  const TypeDescriptor* index;
};

/// An integer as it is handed over: its value, zero- or sign-extended as its type says.
std::string number(const TypeDescriptor& type, uintptr_t value) {
  if ((type.info & 1) == 0) return std::to_string(value);
  const unsigned unused = 64 - (1u << (type.info >> 1));
  return std::to_string(static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >> unused);
}

}  // namespace

#pragma GCC visibility push(hidden)
extern "C" {

void __ubsan_handle_out_of_bounds(OutOfBounds* data, uintptr_t index) {
  if (!cudasim::in_kernel() || !cudasim::memory::checked()) return;
  cudasim::fail(cudasim::where() + ": out of bounds: index " + number(*data->index, index) +
                " of an array of type " + data->array->name +
                cudasim::memory::at_source_line(__builtin_return_address(0)) + ".");
}

}  // extern "C"
#pragma GCC visibility pop
