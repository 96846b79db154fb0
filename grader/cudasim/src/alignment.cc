/// Part of the memory check: what the compiler calls, under -fsanitize=alignment, before it uses a pointer that is no
/// multiple of its type's alignment. The hooks of hooks.cc cannot tell: the compiler has often taken a float4 apart into
/// four floats before it puts them in. libubsan is not linked.
#include <cstdint>

#include "cudasim/failure.h"
#include "cudasim/memory.h"
#include "report.h"

namespace {

/// As g++ and clang write it down beside each such use (libubsan's TypeMismatchData, version 1).
struct TypeMismatch {
  const char* file;
  uint32_t line;
  uint32_t column;
  const void* type;
  unsigned char log_alignment;
  unsigned char kind;  // 0: a load, 1: a store; others: a reference, a member
};

void judge(const TypeMismatch& use, uintptr_t address, const void* from) {
  using namespace cudasim::memory;
  // The host's code is not cuda-sim's business, and x86 takes misaligned pointers.
  if (!checked() || !cudasim::in_kernel()) return;
  const uintptr_t alignment = uintptr_t{1} << use.log_alignment;
  if (address % alignment == 0) return;
  misaligned(reinterpret_cast<const void*>(address), alignment, use.kind == 1 ? Access::write : Access::read, from);
}

}  // namespace

#pragma GCC visibility push(hidden)
extern "C" {

void __ubsan_handle_type_mismatch_v1(TypeMismatch* use, uintptr_t address) {
  judge(*use, address, __builtin_return_address(0));
}

}  // extern "C"
#pragma GCC visibility pop
