/// Shared memory of a block. Static arrays are static variables of the translated source, told apart per
/// block by filling them anew; blocks run one after another, so one copy is enough.
#pragma once

#include <cstddef>

#include "cudasim/memory.h"
#include "cudasim/qualifiers.h"

namespace cudasim {

/// Which block has last come by a __shared__ variable. One for each, static beside it, zero at first.
struct SharedSlot {
  unsigned long long block = 0;
};

namespace detail {
/// Counts every block of every launch, from 1.
extern CUDASIM_HIDDEN unsigned long long block_serial;
void shared_first(void* address, size_t bytes, const char* name, SharedSlot& slot);
}  // namespace detail

/// Lies before and behind each static __shared__ variable: what runs over its end shall not meet another
/// one's. Some rows of a tile fit into it.
struct RedZone {
  unsigned char bytes[1024];
};

/// Stands behind the declaration of a static __shared__ variable. The first thread of a block to come by
/// fills it with 0xFF (NaN), marks it unset, and counts it towards the block's 48 KB, which is a failure when
/// they do not suffice.
CUDASIM_UNCHECKED inline void shared(const RedZone& before, void* address, size_t bytes, const char* name,
                                     const RedZone& behind, SharedSlot& slot) {
  if (slot.block == detail::block_serial) return;
  memory::mark_red_zone(&before, sizeof(before));
  memory::mark_red_zone(&behind, sizeof(behind));
  detail::shared_first(address, bytes, name, slot);
}

/// A static __shared__ variable `name`, which the translator has made a member of the static struct `home`,
/// between two red zones: a reference to it, so that the source goes on as it was, and the call above.
#define CUDASIM_SHARED(home, name, before, behind)  \
  static auto& name = home.name;                    \
  static ::cudasim::SharedSlot cudasim_slot_##name; \
  ::cudasim::shared(home.before, (void*)&name, sizeof(name), #name, home.behind, cudasim_slot_##name)

/// Where `extern __shared__ T s[];` begins: the same address in every kernel. Its size is the launch's third
/// argument.
inline void* dynamic_shared() { return memory::dynamic_shared(); }

/// cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes): launches that name this
/// kernel may ask for that much dynamic shared memory. `bytes` must be at most memory::MAX_SHARED_BYTES;
/// false where it is not.
bool allow_dynamic_shared(const void* kernel, int bytes);

/// What the kernel may ask for: 48 KB unless raised.
size_t allowed_dynamic_shared(const void* kernel);

}  // namespace cudasim
